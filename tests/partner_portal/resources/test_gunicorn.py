"""The API as it is served: several processes, several threads, one set of books."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import httpx
import pytest

from ledger.cards import printed_code
from partner_portal.auth.gate import bearer_token
from tests.conftest import Database
from tests.ledger.scheme import BOOK, KEYS, Scheme, make_scheme
from tests.partner_portal.resources.conftest import STUDENTS
from tests.served import served

CALLERS = 8


@pytest.fixture
def scheme(fresh_database: Database) -> Scheme:
    """A school with two students."""
    with fresh_database.engine.begin() as conn:
        return make_scheme(conn, *STUDENTS)


@pytest.fixture
def till(fresh_database: Database, redis_url: str, scheme: Scheme) -> Iterator[httpx.Client]:
    """The school's till, connected to a portal under gunicorn."""
    token = bearer_token(scheme.till.terminal_id, scheme.till.secret)
    with (
        served(fresh_database, redis_url, WEB_PROCESSES="2", WEB_THREADS="4") as url,
        httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30) as client,
    ):
        yield client


def test_one_key_asked_by_eight_at_once_debits_once_and_all_hear_the_same(
    till: httpx.Client, scheme: Scheme, fresh_database: Database
) -> None:
    code = printed_code(KEYS, scheme.cards[0], 1)
    for number in range(1, 6):
        body = {"code": code, "lines": [{"ean": str(BOOK), "price_cents": 1000}]}
        answers = at_once(till, "/sales", body)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
        with fresh_database.engine.connect() as conn:
            assert scheme.balance(conn, 0) == 7000 - 1000 * number
    sale_id = answers[0].json()["sale_id"]
    cancelled = at_once(till, f"/sales/{sale_id}/cancellations", {})
    assert {answer.status_code for answer in cancelled} == {201}
    assert len({answer.content for answer in cancelled}) == 1
    with fresh_database.engine.connect() as conn:
        assert scheme.balance(conn, 0) == 3000


def test_eight_tills_at_once_never_overdraw_a_wallet(
    till: httpx.Client, scheme: Scheme, fresh_database: Database
) -> None:
    code = printed_code(KEYS, scheme.cards[0], 1)
    body = {"code": code, "lines": [{"ean": str(BOOK), "price_cents": 3000}]}
    answers = at_once(till, "/sales", body, same_key=False)
    assert sorted(answer.status_code for answer in answers) == [201, 201, *[422] * 6]
    refused = [answer.json() for answer in answers if answer.status_code == 422]
    assert {(problem["code"], problem["balance_cents"]) for problem in refused} == {("insufficient_balance", 1000)}
    with fresh_database.engine.connect() as conn:
        assert scheme.balance(conn, 0) == 1000


def at_once(till: httpx.Client, path: str, body: object, *, same_key: bool = True) -> list[httpx.Response]:
    """Send one request from several threads at the same moment."""
    key, barrier = uuid4(), Barrier(CALLERS)

    def send(_: int) -> httpx.Response:
        own = key if same_key else uuid4()
        barrier.wait()
        return till.post(path, json=body, headers={"Idempotency-Key": str(own)})

    with ThreadPoolExecutor(CALLERS) as threads:
        return list(threads.map(send, range(CALLERS)))
