"""What can be read again: lists by cursor, tags, the account, reservations, receipts, the school's tills."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from redis.connection import AbstractConnection
from sqlalchemy import text

from ledger.rights import Role
from partner_portal.auth.gate import bearer_token
from tests.conftest import Database
from tests.ledger.scheme import BOOK, HELMET, OTHER_BOOK
from tests.partner_portal.resources.conftest import LINES, Caller, Counter, caller_of, staff_of
from tests.payout_world import World
from tests.statements import statements_sent


def test_a_sale_is_one_statement_and_waits_for_nothing_else(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    found = counter.caller.send("/lookups", {"code": counter.codes[0]}).get_json()
    # What is told to Redis behind the requests is told by another thread.
    sent: list[object] = []
    send = AbstractConnection.send_packed_command

    def note(self: AbstractConnection, command: object, *args: object, **kwargs: object) -> object:
        if threading.current_thread() is threading.main_thread():
            sent.append(command)
        return send(self, command, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(AbstractConnection, "send_packed_command", note)
    for body in (
        {"code": counter.codes[0], "lines": LINES},
        {"lookup_token": found["lookup_token"], "lines": [{"ean": str(OTHER_BOOK), "price_cents": 2500}]},
    ):
        sent.clear()
        with statements_sent() as statements:
            assert counter.caller.send("/sales", body, key=uuid4()).status_code == 201
        assert len(statements) == 1
        assert sent == []


def test_a_list_is_read_page_by_page_and_what_comes_meanwhile_moves_nothing(counter: Counter) -> None:
    cheap = [{"ean": str(BOOK), "price_cents": 100}]
    made = [counter.caller.sell(counter.codes[0], cheap).get_json()["sale_id"] for _ in range(5)]
    read, cursor = [], None
    while True:
        page = counter.caller.get("/sales", limit=2, **({"cursor": cursor} if cursor else {})).get_json()
        read += [sale["sale_id"] for sale in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        counter.caller.sell(counter.codes[0], cheap)
    assert read == made[::-1]


def test_the_catalogue_is_searched_by_words_and_by_ean(counter: Counter) -> None:
    def eans(**query: object) -> list[str]:
        return [item["ean"] for item in counter.caller.get("/catalogue", **query).get_json()["items"]]

    assert eans() == [f"{HELMET:013}", str(BOOK), str(OTHER_BOOK)]
    assert eans(search="bocage maths") == [str(BOOK)]
    assert eans(search="100%") == []
    assert eans(ean=str(OTHER_BOOK)) == [str(OTHER_BOOK)]
    first = counter.caller.get("/catalogue", limit=1).get_json()
    assert eans(limit=1, cursor=first["next_cursor"]) == [str(BOOK)]


@pytest.mark.parametrize("path", ["/terminal", "/catalogue", "/sales", "/partner/balance", "/partner/statement"])
def test_who_has_the_answer_already_is_told_so(counter: Counter, path: str) -> None:
    first = counter.caller.get(path)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = counter.caller.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    counter.caller.sell(counter.codes[0])
    if path not in ("/terminal", "/catalogue"):
        changed = counter.caller.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert changed.status_code == 200


def test_the_account_says_what_will_be_paid(counter: Counter) -> None:
    sale_id = counter.caller.sell(counter.codes[0]).get_json()["sale_id"]
    counter.caller.sell(counter.codes[1])
    counter.caller.send(f"/sales/{sale_id}/cancellations", {}, key=uuid4())
    balance = counter.caller.get("/partner/balance").get_json()
    assert balance == {"unpaid_cents": 3000, "planned_cents": 0, "in_transit_cents": 0}
    statement = counter.caller.get("/partner/statement").get_json()
    assert [line["amount_cents"] for line in statement["lines"]] == [3000, 3000, -3000]
    assert (statement["opening_cents"], statement["closing_cents"]) == (0, 3000)
    past = counter.caller.get("/partner/statement", **{"from": "2026-01-01", "to": "2026-01-31"}).get_json()
    assert past["lines"] == []
    too_long = counter.caller.get("/partner/statement", **{"from": "2026-01-01", "to": "2026-12-31"})
    assert too_long.status_code == 422
    assert counter.caller.get("/partner/statement", **{"from": "hier"}).status_code == 422


def test_the_statement_tells_what_a_run_left_out_and_why(counter: Counter, fresh_database: Database) -> None:
    counter.caller.sell(counter.codes[0], [{"ean": str(BOOK), "price_cents": 50}])
    counter.caller.sell(counter.codes[1], [{"ean": str(BOOK), "price_cents": 40}])
    world = World(fresh_database.engine, fresh_database.owner_engine)
    run = world.freeze(datetime.now(UTC), weekly=False)
    statement = counter.caller.get("/partner/statement").get_json()
    assert statement["left_out"] == [
        {
            "reference": run.reference,
            "last_day": run.last_day.isoformat(),
            "amount_cents": 90,
            "carried": True,
            "reason": "below_minimum",
            "detail": "Inférieur au minimum d’un virement. Ce montant s’ajoute à votre prochain virement.",
        }
    ]
    assert statement["closing_cents"] == 90
    past = counter.caller.get("/partner/statement", **{"from": "2026-01-01", "to": "2026-01-31"}).get_json()
    assert past["left_out"] == []


def test_a_reservation_is_captured_once_or_given_up(counter: Counter) -> None:
    body = {"code": counter.codes[0], "lines": LINES, "hours": 48}
    key = uuid4()
    held, again = (counter.caller.send("/holds", body, key=key) for _ in range(2))
    assert held.data == again.data
    hold = held.get_json()
    assert (hold["state"], hold["debited_cents"], hold["held_cents"]) == ("held", 0, 3000)
    ends = datetime.fromisoformat(hold["held_until"]) - datetime.now(UTC)
    assert timedelta(hours=47) < ends < timedelta(hours=48)
    assert [one["held_cents"] for one in counter.caller.get("/holds").get_json()["items"]] == [3000]
    capture_key = uuid4()
    captured, replay = (counter.caller.send(f"/holds/{hold['sale_id']}/capture", key=capture_key) for _ in range(2))
    assert captured.data == replay.data
    assert "Idempotency-Replayed" not in captured.headers
    assert replay.headers["Idempotency-Replayed"] == "true"
    assert counter.balance() == 4000
    assert counter.caller.get("/holds").get_json()["items"] == []
    assert counter.caller.get(f"/sales/{hold['sale_id']}").get_json()["state"] == "accepted"
    late = counter.caller.send(f"/holds/{hold['sale_id']}/void", key=uuid4())
    assert (late.status_code, late.get_json()["outcome"]) == (409, "captured")
    second = counter.caller.send("/holds", body, key=uuid4()).get_json()["sale_id"]
    given_up = counter.caller.send(f"/holds/{second}/void", key=uuid4()).get_json()
    assert (given_up["outcome"], given_up["debited_cents"]) == ("voided", 0)
    reused = counter.caller.send(f"/holds/{second}/void", key=capture_key)
    assert reused.get_json()["code"] == "key_reused"


def test_a_receipt_is_printed_and_stays_the_same(counter: Counter) -> None:
    sale_id = counter.caller.sell(counter.codes[0]).get_json()["sale_id"]
    first, again = (counter.caller.get(f"/sales/{sale_id}/receipt") for _ in range(2))
    assert first.mimetype == "application/pdf"
    assert first.data.startswith(b"%PDF")
    assert first.headers["ETag"] == again.headers["ETag"]
    with counter.engine.connect() as conn:
        refused = conn.scalar(text("select max(id) + 1 from sale"))
    counter.caller.sell("rien")
    assert counter.caller.get(f"/sales/{refused}").get_json()["state"] == "refused"
    assert counter.caller.get(f"/sales/{refused}/receipt").status_code == 404


def test_a_manager_pairs_lists_and_revokes_tills(app: Flask, counter: Counter) -> None:
    manager = staff_of(app, counter, Role.PARTNER_MANAGER)
    given = manager.send("/terminals/pairing-codes").get_json()
    nobody = Caller(app.test_client(), None)
    paired = nobody.send("/terminals/pair", {"pairing_code": given["pairing_code"], "name": "Guichet 2"})
    assert paired.status_code == 201
    assert paired.get_json()["partner"] == {"name": "Lycée Victor Hugo", "uai": "0140014P"}
    used = nobody.send("/terminals/pair", {"pairing_code": given["pairing_code"], "name": "Guichet 3"})
    assert used.status_code == 404
    taken = nobody.send("/terminals/pair", {"pairing_code": given["pairing_code"], "name": "Navigateur"})
    assert taken.get_json()["errors"][0]["pointer"] == "#/name"
    till = Caller(app.test_client(), paired.get_json()["secret"])
    assert till.get("/terminal").get_json()["name"] == "Guichet 2"
    manager.sell(counter.codes[0])
    listed = manager.get("/terminals").get_json()["items"]
    assert [one["name"] for one in listed] == ["Guichet 2", "Guichet"]
    assert manager.send(f"/terminals/{listed[0]['terminal_id']}", method="DELETE").status_code == 204
    assert till.get("/terminal").get_json()["code"] == "terminal_revoked"
    assert manager.send(f"/terminals/{listed[0]['terminal_id']}", method="DELETE").status_code == 404


def test_another_schools_till_is_not_there_to_revoke(app: Flask, counter: Counter, neighbour: Caller) -> None:
    manager = staff_of(app, counter, Role.PARTNER_MANAGER)
    theirs = neighbour.get("/terminal").get_json()["terminal_id"]
    assert manager.send(f"/terminals/{theirs}", method="DELETE").status_code == 404
    assert neighbour.get("/terminal").status_code == 200


def test_a_till_changes_its_secret_without_telling_it(app: Flask, counter: Counter, neighbour: Caller) -> None:
    digest = hashlib.sha256(b"another secret").hexdigest()

    def change(caller: Caller) -> int:
        return caller.send("/terminal/secret", {"secret_sha256": digest}, method="PUT").status_code

    assert change(counter.caller) == 204
    assert counter.caller.get("/terminal").status_code == 401
    renewed = Caller(app.test_client(), bearer_token(counter.till.terminal_id, "another secret"))
    assert renewed.sell(counter.codes[0]).status_code == 201
    assert change(renewed) == 204
    assert change(neighbour) == 409


def test_a_manager_keeps_the_catalogue(app: Flask, counter: Counter) -> None:
    manager = staff_of(app, counter, Role.PARTNER_MANAGER)
    product = {
        "title": "Histoire 2nde",
        "publisher": "Éditions du Bocage",
        "benefit": "books",
        "real_cost_cents": 1990,
        "invoice_date": "2026-08-21",
    }
    entered = manager.send("/catalogue/9782091729107", product, method="PUT")
    assert entered.get_json()["real_cost_cents"] == 1990
    assert counter.caller.get("/catalogue", ean="9782091729107").get_json()["items"] == [entered.get_json()]
    wrong = manager.send("/catalogue/9782091729100", product, method="PUT")
    assert (wrong.status_code, wrong.get_json()["errors"][0]["in"]) == (422, "path")
    assert manager.send("/catalogue/9782091729107", method="DELETE").status_code == 204
    assert manager.send("/catalogue/9782091729107", method="DELETE").status_code == 404


def test_a_sale_reads_with_names_until_the_student_is_erased(app: Flask, counter: Counter) -> None:
    sale_id = counter.caller.sell(counter.codes[0]).get_json()["sale_id"]
    sale = counter.caller.get(f"/sales/{sale_id}").get_json()
    assert sale["student"] == {"first_name": "Zoé", "initial": "L", "class_name": "2nde 4"}
    assert sale["lines"][0]["title"] == "Maths 2nde"
    with counter.engine.begin() as conn:
        conn.execute(text("delete from student_identity"))
    erased = counter.caller.get(f"/sales/{sale_id}").get_json()
    assert erased["student"]["first_name"] == ""
    assert caller_of(app, counter.till).get("/sales").status_code == 200
