"""One test per wrong door: what must not open stays shut, and says no more than it has to."""

import dataclasses
import re
import time
from uuid import uuid4

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import text
from werkzeug.test import TestResponse

from ledger import cards, terminals
from ledger.rights import Role
from partner_portal.auth.gate import bearer_token
from partner_portal.limits import Quotas
from tests.ledger.scheme import ACTOR, BOOK, KEYS, make_partner
from tests.partner_portal.resources.conftest import (
    LINES,
    ROOT,
    Caller,
    Counter,
    caller_of,
    staff_of,
    student_of,
)


def told(answer: TestResponse) -> tuple[int, str]:
    """The status of a problem, and its code."""
    assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code, answer.get_json()["code"]


def test_without_a_token_nothing_opens(app: Flask, counter: Counter) -> None:
    nobody = Caller(app.test_client(), None)
    for answer in (nobody.get("/terminal"), nobody.sell(counter.codes[0]), nobody.get("/student/wallets")):
        assert told(answer) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", ["", "x", "1.guess", "1.", ".x", "01.x", "99999999999.x", "1 2", "é.x"])
def test_a_wrong_token_opens_nothing_and_sells_nothing(app: Flask, counter: Counter, token: str) -> None:
    caller = Caller(app.test_client(), None, {"Authorization": f"Bearer {token}"})
    assert told(caller.get("/terminal")) == (401, "invalid_token")
    assert told(caller.sell(counter.codes[0])) == (401, "invalid_token")
    assert counter.balance() == 7000


def test_one_tills_secret_under_another_tills_number(app: Flask, counter: Counter, neighbour: Caller) -> None:
    assert neighbour.token
    mixed = bearer_token(counter.till.terminal_id, neighbour.token.partition(".")[2])
    caller = Caller(app.test_client(), mixed)
    assert told(caller.get("/terminal")) == (401, "invalid_token")
    assert told(caller.sell(counter.codes[0])) == (401, "invalid_token")


def test_a_strangers_guesses_do_not_use_up_what_a_till_may_ask(app: Flask, counter: Counter) -> None:
    def left(caller: Caller) -> int:
        return int(re.search(r"r=(\d+)", caller.sell("rien").headers["RateLimit"])[1])  # type: ignore[index]

    before = left(counter.caller)
    guesser = Caller(app.test_client(), bearer_token(counter.till.terminal_id, "guess"))
    for _ in range(3):
        guesser.sell("rien")
    assert left(counter.caller) == before - 1


def test_whoever_tries_many_secrets_is_stopped_by_address(app: Flask, counter: Counter) -> None:
    parts = app.extensions["atouts"]
    strict = dataclasses.replace(parts, config=dataclasses.replace(parts.config, rate_limit_unknown="2 per minute"))
    app.extensions["atouts.quotas"] = Quotas(strict)
    tried = [Caller(app.test_client(), f"{number}.guess").sell("rien") for number in range(1, 5)]
    assert [told(answer)[1] for answer in tried] == ["invalid_token"] * 2 + ["too_many_requests"] * 2
    assert 1 <= int(tried[-1].headers["Retry-After"]) <= 60
    assert counter.caller.sell(counter.codes[0]).status_code == 201


def test_a_revoked_till_hears_its_old_answers_and_nothing_new(counter: Counter) -> None:
    caller, key, group_key, cancel_key = counter.caller, uuid4(), uuid4(), uuid4()
    sold = caller.sell(counter.codes[0], key=key)
    group = {"mode": "each", "sales": [{"code": counter.codes[1], "lines": LINES}]}
    grouped = caller.send("/sales/groups", group, key=group_key)
    place = f"/sales/{sold.get_json()['sale_id']}/cancellations"
    cancelled = caller.send(place, {}, key=cancel_key)
    with counter.engine.begin() as conn:
        terminals.revoke_terminal(conn, counter.till.terminal_id, partner_id=counter.till.partner_id, actor=ACTOR)
    assert caller.sell(counter.codes[0], key=key).data == sold.data
    assert caller.send("/sales/groups", group, key=group_key).data == grouped.data
    assert caller.send(place, {}, key=cancel_key).data == cancelled.data
    refused = caller.sell(counter.codes[0])
    assert told(refused) == (403, "terminal_revoked")
    assert "balance_cents" not in refused.text, "whoever kept a stolen till reads no balance with it"
    assert told(caller.send(place, {}, key=uuid4())) == (403, "terminal_revoked")
    for path in ("/terminal", "/catalogue", "/sales", "/partner/balance", "/payouts"):
        assert told(caller.get(path)) == (403, "terminal_revoked")
    assert told(caller.send("/lookups", {"code": counter.codes[0]})) == (403, "terminal_revoked")
    assert counter.balance() == 7000


def test_another_schools_sale_is_not_there(counter: Counter, neighbour: Caller) -> None:
    sale_id = counter.caller.sell(counter.codes[0]).get_json()["sale_id"]
    for path in (f"/sales/{sale_id}", f"/sales/{sale_id}/receipt"):
        assert told(neighbour.get(path)) == (404, "not_found")
    assert told(neighbour.send(f"/sales/{sale_id}/cancellations", {}, key=uuid4())) == (404, "not_found")
    assert told(neighbour.send(f"/holds/{sale_id}/capture", key=uuid4())) == (404, "not_found")
    assert neighbour.get("/sales").get_json()["items"] == []
    assert counter.balance() == 4000


def test_what_is_not_there_looks_like_what_is_somebody_elses(counter: Counter, neighbour: Caller) -> None:
    sale_id = counter.caller.sell(counter.codes[0]).get_json()["sale_id"]

    def but_the_request(answer: TestResponse) -> dict[str, object]:
        return {name: value for name, value in answer.get_json().items() if name != "request_id"}

    theirs, nobodys = neighbour.get(f"/sales/{sale_id}"), neighbour.get("/sales/987654321")
    assert but_the_request(theirs) == but_the_request(nobodys)


def test_a_student_reads_their_own_wallets_and_nothing_else(app: Flask, counter: Counter) -> None:
    counter.caller.sell(counter.codes[0])
    zoe, tom = student_of(app, counter, 0), student_of(app, counter, 1)
    assert [one["balance_cents"] for one in zoe.get("/student/wallets").get_json()["benefits"]] == [4000]
    assert [one["balance_cents"] for one in tom.get("/student/wallets").get_json()["benefits"]] == [4000, 10000]
    assert [one["kind"] for one in zoe.get("/student/history").get_json()["items"]] == ["sale", "grant"]
    assert [one["kind"] for one in tom.get("/student/history").get_json()["items"]] == ["grant", "grant"]
    zoes = counter.scheme.student_ids[0]
    for path in (f"/student/{zoes}", f"/student/wallets/{zoes}", f"/students/{zoes}"):
        assert told(tom.get(path)) == (404, "not_found")
    assert told(tom.get("/student/wallets", student_id=zoes)) == (422, "invalid")
    for path in ("/sales", "/partner/balance", "/payouts", "/terminals"):
        assert told(tom.get(path)) == (403, "forbidden")


def test_a_till_reads_no_students_space(counter: Counter) -> None:
    assert told(counter.caller.get("/student/wallets")) == (403, "forbidden")
    answer = counter.caller.get("/terminals")
    assert told(answer) == (403, "forbidden")
    assert "n’est pas pour les caisses" in answer.get_json()["detail"]


def test_a_cashier_manages_no_tills_and_enters_no_page_of_the_region(app: Flask, counter: Counter) -> None:
    cashier = staff_of(app, counter, Role.PARTNER_CASHIER)
    assert cashier.get("/sales").status_code == 200
    assert told(cashier.get("/terminals")) == (403, "forbidden")
    assert told(cashier.send("/terminals/pairing-codes")) == (403, "forbidden")
    assert told(cashier.send(f"/catalogue/{BOOK}", method="DELETE")) == (403, "forbidden")
    assert cashier.client.get("/region").status_code == 403
    assert told(cashier.get("/terminal")) == (403, "forbidden")


def test_a_signed_in_person_sells_only_from_our_own_page(app: Flask, counter: Counter) -> None:
    cashier = staff_of(app, counter, Role.PARTNER_CASHIER)
    foreign = Caller(cashier.client, None)
    assert told(foreign.sell(counter.codes[0])) == (400, "csrf_failed")
    key = uuid4()
    first, again = (cashier.sell(counter.codes[0], key=key) for _ in range(2))
    assert (first.status_code, again.data) == (201, first.data)
    assert counter.balance() == 4000
    with counter.engine.connect() as conn:
        trail = conn.execute(text("select actor, subject from audit_event where action = 'sale.make'")).all()
    assert [tuple(row) for row in trail] == [("person:1", f"sale:{first.get_json()['sale_id']}")]


def test_a_tampered_look_up_token_names_no_card(counter: Counter) -> None:
    token = counter.caller.send("/lookups", {"code": counter.codes[0]}).get_json()["lookup_token"]
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), "A" + token, token.partition(".")[0], "x"):
        sale = counter.caller.send("/sales", {"lookup_token": wrong, "lines": LINES}, key=uuid4())
        assert told(sale) == (422, "unknown_card")
    assert counter.balance() == 7000


def test_a_look_up_token_counts_at_the_till_that_looked_up(counter: Counter, neighbour: Caller) -> None:
    token = counter.caller.send("/lookups", {"code": counter.codes[0]}).get_json()["lookup_token"]
    sale = neighbour.send("/sales", {"lookup_token": token, "lines": LINES}, key=uuid4())
    assert told(sale) == (422, "unknown_card")


def test_a_look_up_token_ends_but_the_sale_made_with_it_is_answered_for_ever(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, key = counter.caller.send("/lookups", {"code": counter.codes[0]}).get_json()["lookup_token"], uuid4()
    body = {"lookup_token": token, "lines": LINES}
    sold = counter.caller.send("/sales", body, key=key)
    later = time.time() + 9 * 3600
    monkeypatch.setattr("partner_portal.resources.scans.time.time", lambda: later)
    assert counter.caller.send("/sales", body, key=key).data == sold.data
    expired_key = uuid4()
    expired = counter.caller.send("/sales", body, key=expired_key)
    assert told(expired) == (422, "code_expired")
    monkeypatch.undo()
    assert counter.caller.send("/sales", body, key=expired_key).data == expired.data
    assert counter.balance() == 4000


def phone(counter: Counter, *, steps_ago: int = 0) -> str:
    """What Zoé's phone shows, or showed."""
    return cards.phone_code(KEYS, counter.scheme.cards[0], 1, int(time.time()) // cards.STEP_SECONDS - steps_ago)


def test_a_phones_code_counts_at_one_till_only(app: Flask, counter: Counter) -> None:
    with counter.engine.begin() as conn:
        code, _ = terminals.make_pairing_code(conn, counter.till.partner_id, actor=ACTOR)
    second = counter.caller.send("/terminals/pair", {"pairing_code": code, "name": "Guichet 2"}).get_json()["secret"]
    seen = phone(counter)
    assert counter.caller.send("/lookups", {"code": seen}).status_code == 200
    assert counter.caller.sell(seen).status_code == 201
    elsewhere = Caller(app.test_client(), second)
    assert told(elsewhere.send("/lookups", {"code": seen})) == (422, "code_expired")
    assert told(elsewhere.sell(seen)) == (422, "code_expired")
    assert counter.balance() == 4000


def test_a_phones_old_code_is_refused_but_its_sale_is_answered_again(counter: Counter) -> None:
    assert told(counter.caller.sell(phone(counter, steps_ago=5))) == (422, "code_expired")
    key, seen = uuid4(), phone(counter, steps_ago=1)
    sold = counter.caller.sell(seen, key=key)
    assert sold.status_code == 201
    counter.engine.dispose()
    assert counter.caller.sell(seen, key=key).data == sold.data


def test_a_printed_card_is_sold_to_while_redis_is_away_and_a_phone_is_not(app: Flask, counter: Counter) -> None:
    parts = app.extensions["atouts"]
    away = Redis(port=1)
    object.__setattr__(parts, "redis", away)
    assert counter.caller.sell(counter.codes[0]).status_code == 201
    assert told(counter.caller.sell(phone(counter))) == (503, "unavailable")
    assert counter.balance() == 4000


def test_who_has_signed_in_is_told_to_try_again_while_redis_is_away(
    app: Flask, counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    student = student_of(app, counter, 0)
    app.extensions["atouts"].sessions.redis = Redis(port=1)
    answer = student.get("/student/wallets")
    assert told(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert "X-Request-ID" in answer.headers
    assert "finalizing failed" not in caplog.text


def test_a_key_is_good_for_one_request(counter: Counter) -> None:
    key = uuid4()
    sale_id = counter.caller.sell(counter.codes[0], key=key).get_json()["sale_id"]
    dearer = [{"ean": str(BOOK), "price_cents": 2999}]
    assert told(counter.caller.sell(counter.codes[0], dearer, key)) == (409, "key_reused")
    group = {"mode": "each", "sales": [{"code": counter.codes[0], "lines": LINES}]}
    assert told(counter.caller.send("/sales/groups", group, key=key)) == (409, "key_reused")
    place = f"/sales/{sale_id}/cancellations"
    assert counter.caller.send(place, {"lines": [1]}, key=key).status_code == 201
    assert told(counter.caller.send(place, {"reason": "autre"}, key=key)) == (409, "key_reused")


def test_the_same_request_written_otherwise_is_the_same(counter: Counter) -> None:
    key, headers = uuid4(), {"Content-Type": "application/json", "Authorization": f"Bearer {counter.caller.token}"}

    def post(body: str) -> TestResponse:
        return counter.caller.client.post(
            ROOT + "/sales", data=body, headers=headers | {"Idempotency-Key": str(key).upper()}
        )

    line = f'{{"ean": "{BOOK}", "price_cents": 3000.0}}'
    first = post(f'{{"code": "{counter.codes[0]}", "lines": [{line}]}}')
    again = post(f'{{"lines":[{{"price_cents":3000,"ean":"{BOOK}"}}],\n"code":"{counter.codes[0]}"}}')
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data


@pytest.mark.parametrize("path", ["/sales", "/sales/groups", "/sales/1/cancellations", "/holds/1/capture"])
def test_money_moves_under_a_key_only(counter: Counter, path: str) -> None:
    bodies = {
        "/sales": {"code": "x", "lines": LINES},
        "/sales/groups": {"mode": "each", "sales": [{"code": "x", "lines": LINES}]},
        "/sales/1/cancellations": {},
    }
    assert told(counter.caller.send(path, bodies.get(path))) == (428, "precondition_required")
    counter.caller.headers["Idempotency-Key"] = "hier"
    assert told(counter.caller.send(path, bodies.get(path))) == (400, "bad_request")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "invalid"),
        (b"{", 400, "bad_request"),
        (b"[]", 422, "invalid"),
        (b'{"code": "x", "code": "y", "lines": []}', 400, "bad_request"),
        (b'{"code": "x", "lines": [{"ean": "9782010000003", "price_cents": NaN}]}', 400, "bad_request"),
        (b'{"code": "x", "lines": [{"ean": "9782010000003", "price_cents": true}]}', 422, "invalid"),
        (b'{"code": "x", "lines": [{"ean": "9782010000003", "price_cents": "1"}]}', 422, "invalid"),
        (b'{"code": "x", "lines": [{"ean": "9782010000003", "price_cents": 1.5}]}', 422, "invalid"),
        (b'{"code": "x", "lines": [{"ean": "9782010000003", "price_cents": 0}]}', 422, "invalid"),
        (b'{"code": "x", "lines": [{"ean": "9782010000003\\n", "price_cents": 1}]}', 422, "invalid"),
        (b'{"code": "x", "lines": [{"ean": "9782010000003", "price_cents": 1, "discount": 1}]}', 422, "invalid"),
        (b'{"code": "x", "lines": []}', 422, "invalid"),
        (b'{"code": "\\u0000", "lines": [{"ean": "9782010000003", "price_cents": 1}]}', 400, "bad_request"),
        (b'{"code": "x", "lookup_token": "y", "lines": [{"ean": "9782010000003", "price_cents": 1}]}', 422, "invalid"),
        (b'{"lines": [{"ean": "9782010000003", "price_cents": 1}]}', 422, "invalid"),
        (b'{"code": "' + b"x" * 300_000 + b'"}', 413, "payload_too_large"),
    ],
)
def test_a_body_that_is_not_quite_right(counter: Counter, body: bytes, status: int, code: str) -> None:
    headers = {"Authorization": f"Bearer {counter.caller.token}", "Idempotency-Key": str(uuid4())}
    answer = counter.caller.client.post(ROOT + "/sales", data=body, headers=headers, content_type="application/json")
    assert told(answer) == (status, code)
    if code == "invalid":
        assert all(error["pointer"].startswith("#") for error in answer.get_json()["errors"])


def test_a_form_is_no_json(counter: Counter) -> None:
    headers = {"Authorization": f"Bearer {counter.caller.token}", "Idempotency-Key": str(uuid4())}
    answer = counter.caller.client.post(ROOT + "/sales", data={"code": "x"}, headers=headers)
    assert told(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize("cursor", ["x", "c2FsZXM6LTE", "cGF5b3V0czox", "é", "c2FsZXM6MQ==c"])
def test_a_cursor_of_ones_own_making_leads_nowhere(counter: Counter, cursor: str) -> None:
    assert told(counter.caller.get("/sales", cursor=cursor)) == (422, "invalid")
    assert told(counter.caller.get("/sales", page=2)) == (422, "invalid")


def test_a_suspended_school_is_told_so(counter: Counter) -> None:
    with counter.engine.begin() as conn:
        conn.execute(text("update partner set status = 'suspended'"))
    assert told(counter.caller.sell(counter.codes[0])) == (403, "partner_suspended")
    assert told(counter.caller.send("/lookups", {"code": counter.codes[0]})) == (403, "partner_suspended")


def test_a_suspended_school_gives_up_what_it_has_reserved_and_debits_none_of_it(counter: Counter) -> None:
    asked = {"code": counter.codes[0], "lines": LINES, "hours": 48}
    hold = counter.caller.send("/holds", asked, key=uuid4()).get_json()["sale_id"]
    with counter.engine.begin() as conn:
        conn.execute(text("update partner set status = 'suspended'"))
    assert told(counter.caller.send(f"/holds/{hold}/capture", key=uuid4())) == (403, "partner_suspended")
    assert counter.balance() == 7000
    assert counter.caller.send(f"/holds/{hold}/void", key=uuid4()).status_code == 200


def test_a_school_that_was_never_validated_sells_nothing(app: Flask, counter: Counter) -> None:
    with counter.engine.begin() as conn:
        till = make_partner(conn, siret="21760540100017", uai="0760540Z", name="Lycée Corneille")
        conn.execute(text("update partner set status = 'submitted' where id = :p"), {"p": till.partner_id})
    assert told(caller_of(app, till).sell(counter.codes[0])) == (403, "partner_not_validated")
