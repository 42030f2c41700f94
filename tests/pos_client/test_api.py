"""The protocol from the till's side, against a real server that answers, refuses, falters and hangs up."""

import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from pos_client.answers import Cancellation, GroupResult, Lookup, Sale
from pos_client.api import Api, CataloguePage, UnexpectedAnswer, Unreachable, _retry_after
from pos_client.refusals import AT_THE_DOOR, SENTENCES, Refusal
from tests.pos_client.service import LEA, MATHS, PAIRING_CODE, PHYSICS, SECRET, STRANGER, TOM, Service

AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
LINES = [{"ean": MATHS["ean"], "price_cents": 1250}]


@pytest.fixture
def api(service: Service) -> Iterator[Api]:
    with Api(service.url, SECRET, patience_seconds=1) as connected:
        yield connected


def test_a_look_up_says_who_it_is_and_what_is_left(api: Api) -> None:
    found = api.lookup(LEA)
    assert isinstance(found, Lookup)
    assert found.student.called == "Léa M., 2de 4"
    assert found.available_cents("books") == 7000
    assert found.available_cents("equipment") == 0


def test_a_refusal_is_a_value_with_the_service_s_sentence(api: Api) -> None:
    assert api.lookup(STRANGER) == Refusal(
        "unknown_card", "Cette carte est inconnue du service.", None, "request-of-the-service"
    )


def test_a_refusal_without_a_sentence_has_ours(api: Api) -> None:
    refused = api.sell({"code": LEA, "lines": [{"ean": "3614270000003", "price_cents": 1}]}, uuid.uuid4())
    assert isinstance(refused, Refusal)
    assert refused.sentence == SENTENCES["product_not_covered"]
    assert Refusal("a_code_of_a_later_version", "").sentence == "La demande a été refusée (a_code_of_a_later_version)."


def test_every_code_of_the_contract_has_a_french_sentence() -> None:
    contract = {
        *("unknown_card", "card_revoked", "code_expired", "student_not_enrolled", "benefit_not_granted"),
        *("benefit_not_accepted", "product_not_covered", "insufficient_balance", "deadline_passed"),
        *("price_above_real_cost", "partner_not_validated", "partner_suspended", "terminal_revoked"),
        *("limit_reached", "group_refused", "key_reused"),
    }
    assert set(SENTENCES) == contract
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_a_sale_says_what_was_debited_and_what_is_left(api: Api, service: Service) -> None:
    sale = api.sell({"code": LEA, "lines": LINES}, uuid.uuid4())
    assert isinstance(sale, Sale)
    assert (sale.debited_cents, sale.balances[0].balance_cents) == (1250, 5750)
    assert sale.student is None
    again = api.sale(sale.sale_id)
    assert isinstance(again, Sale)
    assert again.buyer == "Léa M., 2de 4"
    assert api.sales() == (again,)
    assert api.unpaid_cents() == 1250
    cancelled = api.cancel(sale.sale_id, {}, uuid.uuid4())
    assert isinstance(cancelled, Cancellation)
    assert cancelled.refunded_cents == 1250


def test_insufficient_balance_comes_with_the_balance(api: Api) -> None:
    refused = api.sell({"code": TOM, "lines": LINES}, uuid.uuid4())
    assert isinstance(refused, Refusal)
    assert refused.balance_cents == 1000


def test_a_group_has_each_sale_accepted_or_refused(api: Api) -> None:
    body = {"mode": "each", "sales": [{"code": code, "lines": LINES} for code in (LEA, TOM, STRANGER)]}
    result = api.sell_group(body, uuid.uuid4())
    assert isinstance(result, GroupResult)
    assert (result.accepted, result.refused, result.debited_cents) == (1, 2, 1250)
    assert isinstance(result.items[0].outcome, Sale)
    assert isinstance(result.items[1].outcome, Refusal)


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "status_503", "status_502", "status_504", "status_429"])
def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_debits_once(
    api: Api, service: Service, fault: str
) -> None:
    service.faults.extend([fault, fault])
    sale = api.sell({"code": LEA, "lines": LINES}, uuid.uuid4())
    assert isinstance(sale, Sale)
    assert service.debits[LEA] == 1
    assert len(service.keys()) == 3
    assert len(set(service.keys())) == 1


def test_a_replay_says_that_it_is_one(api: Api, service: Service) -> None:
    key = uuid.uuid4()
    first = api.post_once("sales", {"code": LEA, "lines": LINES}, key)
    again = api.post_once("sales", {"code": LEA, "lines": LINES}, key)
    assert not isinstance(first, Refusal)
    assert not isinstance(again, Refusal)
    assert (first.replayed, again.replayed) == (False, True)
    assert first.data == again.data
    other = api.post_once("sales", {"code": TOM, "lines": LINES}, key)
    assert isinstance(other, Refusal)
    assert other.code == "key_reused"


@pytest.mark.parametrize("fault", ["status_500", "sign_in_page", "other_json"])
def test_what_does_not_answer_like_the_service_is_no_answer(api: Api, service: Service, fault: str) -> None:
    service.faults.append(fault)
    with pytest.raises(UnexpectedAnswer) as failure:
        api.sell({"code": LEA, "lines": LINES}, uuid.uuid4())
    assert failure.value.may_have_arrived
    assert len(service.keys()) == 1


def test_an_answer_that_stays_away_may_have_debited(api: Api, service: Service) -> None:
    service.faults.extend(["cut_after"] * 3)
    with pytest.raises(Unreachable) as failure:
        api.sell({"code": LEA, "lines": LINES}, uuid.uuid4())
    assert failure.value.may_have_arrived
    assert service.debits[LEA] == 1


def test_being_turned_away_at_the_door_has_debited_nothing(api: Api, service: Service) -> None:
    service.faults.extend(["status_429"] * 3)
    with pytest.raises(Unreachable) as failure:
        api.sell({"code": LEA, "lines": LINES}, uuid.uuid4())
    assert not failure.value.may_have_arrived


def test_a_first_attempt_that_may_have_arrived_is_not_forgotten_over_a_second_that_did_not(
    api: Api, service: Service
) -> None:
    service.faults.extend(["cut_after", "status_429", "status_429"])
    with pytest.raises(Unreachable) as failure:
        api.sell({"code": LEA, "lines": LINES}, uuid.uuid4())
    assert failure.value.may_have_arrived


def test_where_nobody_listens_nothing_has_arrived() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        Api(f"http://127.0.0.1:{port}/api/v1", SECRET, patience_seconds=1) as api,
        pytest.raises(Unreachable) as failure,
    ):
        api.sell({"code": LEA, "lines": LINES}, uuid.uuid4())
    assert not failure.value.may_have_arrived


def test_readings_are_tried_again(api: Api, service: Service) -> None:
    service.reading_faults.extend(["cut_before", "status_503"])
    assert isinstance(api.lookup(LEA), Lookup)


def test_pairing_is_never_tried_again_because_its_code_is_good_once(service: Service) -> None:
    service.reading_faults.append("cut_before")
    with Api(service.url, patience_seconds=1) as api, pytest.raises(Unreachable):
        api.pair(PAIRING_CODE, "Accueil")
    assert len(service.requests) == 1


def test_the_catalogue_is_read_page_after_page(api: Api) -> None:
    page = api.catalogue(ean=PHYSICS["ean"])
    assert isinstance(page, CataloguePage)
    assert [item.title for item in page.items] == [PHYSICS["title"]]
    assert [product.ean for product in api.whole_catalogue()] == [MATHS["ean"], PHYSICS["ean"]]
    assert len(list(api.whole_catalogue(most=1))) == 1


def test_each_call_has_its_request_id_and_says_which_till_software_calls(api: Api, service: Service) -> None:
    api.terminal()
    api.terminal()
    first, second = (headers for _, _, headers in service.requests)
    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert first["User-Agent"].startswith("atouts-pos/")


def test_a_revoked_till_is_told_so_and_that_settles_no_sale(api: Api, service: Service) -> None:
    service.revoked = True
    refused = api.terminal()
    assert isinstance(refused, Refusal)
    assert not refused.final
    assert refused.code in AT_THE_DOOR


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3),
        ("0", 0),
        ("", None),
        ("soon", None),
        ("Tue, 01 Sep 2026 06:00:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert _retry_after(httpx.Response(503, headers={"Retry-After": header})) == seconds


def test_a_long_retry_after_is_left_to_the_outbox(service: Service) -> None:
    service.reading_faults.append("status_503")
    with Api(service.url, SECRET, patience_seconds=0.0) as api, pytest.raises(Unreachable) as failure:
        api.terminal()
    assert failure.value.retry_after == 0
    assert len(service.requests) == 1
