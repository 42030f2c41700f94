"""The redemption over HTTP, as a till meets it."""

from uuid import uuid4

from tests.ledger.scheme import OTHER_BOOK
from tests.partner_portal.resources.conftest import LINES, Counter


def test_a_sale_tells_what_was_debited_and_what_is_left(counter: Counter) -> None:
    lines = [*LINES, {"ean": str(OTHER_BOOK), "price_cents": 2500}]
    answer = counter.caller.sell(counter.codes[0], lines)
    assert answer.status_code == 201
    sale = answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/sales/{sale['sale_id']}"
    assert (sale["state"], sale["debited_cents"]) == ("accepted", 5500)
    assert [line["balance_after_cents"] for line in sale["lines"]] == [4000, 1500]
    assert sale["balances"] == [{"benefit": "books", "balance_cents": 1500, "usable_until": sale["usable_until"]}]
    assert sale["usable_until"].endswith("-06-30")
    assert counter.balance() == 1500


def test_a_look_up_and_the_sale_that_follows(counter: Counter) -> None:
    found = counter.caller.send("/lookups", {"code": counter.codes[1]}).get_json()
    assert found["student"] == {"first_name": "Tom", "initial": "A", "class_name": "2nde 4"}
    assert {one["benefit"]: one["available_cents"] for one in found["benefits"]} == {"books": 4000, "equipment": 10000}
    sale = counter.caller.send("/sales", {"lookup_token": found["lookup_token"], "lines": LINES}, key=uuid4())
    assert sale.status_code == 201
    assert counter.balance(1) == 1000


def test_the_same_key_brings_the_same_bytes(counter: Counter) -> None:
    key = uuid4()
    first, again = (counter.caller.sell(counter.codes[0], key=key) for _ in range(2))
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert counter.balance() == 4000


def test_a_refusal_brings_the_same_bytes_too(counter: Counter) -> None:
    key = uuid4()
    first, again = (counter.caller.sell("https://example.org", key=key) for _ in range(2))
    assert first.status_code == 422
    assert first.get_json()["code"] == "unknown_card"
    assert first.data == again.data
    assert again.headers["Idempotency-Replayed"] == "true"


def test_groups_and_cancellations(counter: Counter) -> None:
    body = {"mode": "each", "sales": [{"code": code, "lines": LINES} for code in [*counter.codes, "rien"]]}
    key = uuid4()
    first, again = (counter.caller.send("/sales/groups", body, key=key) for _ in range(2))
    assert first.data == again.data
    group = first.get_json()
    assert (group["accepted"], group["refused"], group["debited_cents"]) == (2, 1, 6000)
    assert [result["outcome"] for result in group["results"]] == ["accepted", "accepted", "refused"]
    sale_id = group["results"][0]["sale"]["sale_id"]
    done = counter.caller.send(f"/sales/{sale_id}/cancellations", {"reason": "erreur"}, key=uuid4())
    assert done.status_code == 201
    assert done.get_json()["refunded_cents"] == 3000
    assert counter.caller.get(f"/sales/{sale_id}").get_json()["state"] == "cancelled"
    listed = counter.caller.get("/sales").get_json()
    assert [sale["state"] for sale in listed["items"]] == ["accepted", "cancelled"]


def test_a_student_is_in_a_group_once(counter: Counter) -> None:
    body = {"mode": "each", "sales": [{"code": counter.codes[0], "lines": LINES}] * 2}
    answer = counter.caller.send("/sales/groups", body, key=uuid4())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")
    error = answer.get_json()["errors"][0]
    assert (error["pointer"], error["in"]) == ("#/sales/1", "json")
    assert counter.balance() == 7000
