"""Year end: what is left lapses once, at the deadline by the database's clock, and nothing that was spent does."""

import threading
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text

from batch import year_end
from ledger import books_check, holds, lapses
from ledger.calendar import deadline
from ledger.lapses import Lapsed
from ledger.refusals import Refusal
from tests.conftest import Database, as_owner
from tests.ledger.scheme import ACTOR, BOOK, Line, make_scheme
from tests.waiting import eventually


def end_the_year(conn: Connection, by: str = "0 seconds") -> None:
    as_owner(conn, "update benefit set usable_until = now() + cast(:by as interval)", by=by)


def test_what_is_left_lapses_once(conn: Connection) -> None:
    scheme = make_scheme(conn, Line("123456789AB"), Line("123456789CD", stream="vocational", first_entry=True))
    scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
    assert lapses.lapse_batch(conn) == Lapsed(0, 0)
    end_the_year(conn)
    assert lapses.waiting(conn) == 3
    assert lapses.lapse_batch(conn, limit=2).wallets == 2
    assert lapses.lapse_batch(conn).wallets == 1
    assert lapses.lapse_batch(conn) == Lapsed(0, 0)
    assert [scheme.balance(conn, n) for n in (0, 1)] == [0, 0]
    books, equipment = lapses.report(conn, 2026)
    assert (books.granted, books.spent, books.lapsed) == (11000, 3000, 8000)
    assert (equipment.granted, equipment.lapsed) == (10000, 10000)
    assert [(row.left, row.is_over) for row in (books, equipment)] == [(0, True), (0, True)]
    assert not list(books_check.check(conn))


def test_at_the_deadline_a_sale_and_a_lapse_never_both_happen(conn: Connection) -> None:
    scheme = make_scheme(conn)
    end_the_year(conn, "1 microsecond")
    assert lapses.lapse_batch(conn) == Lapsed(0, 0)
    assert scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))[0].refusal is None
    end_the_year(conn)
    assert scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))[0].refusal is Refusal.DEADLINE_PASSED
    assert lapses.lapse_batch(conn) == Lapsed(1, 4000)


def test_what_is_reserved_lapses_when_the_hold_ends(conn: Connection) -> None:
    scheme = make_scheme(conn)
    until = conn.execute(text("select now() + interval '1 hour'")).scalar_one()
    (held,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]), held_until=until)
    end_the_year(conn)
    assert lapses.lapse_batch(conn) == Lapsed(1, 4000)
    asked = {"origin": ACTOR, "key": uuid4(), "request_hash": b"h"}
    holds.void(conn, held.sale_id, partner_id=scheme.till.partner_id, **asked)
    assert lapses.lapse_batch(conn) == Lapsed(1, 3000)
    assert scheme.balance(conn, 0) == 0


@pytest.mark.parametrize(
    ("last_day", "instant"),
    [
        (None, "2027-06-30T22:00:00+00:00"),  # 30 June 24:00 in summer time
        (date(2027, 3, 27), "2027-03-27T23:00:00+00:00"),  # the night the clocks go forward, still winter time
        (date(2027, 3, 28), "2027-03-28T22:00:00+00:00"),  # and the day after, in summer time
    ],
)
def test_the_deadline_is_midnight_in_paris_whatever_the_clocks_do(last_day: date | None, instant: str) -> None:
    assert deadline(2026, last_day).isoformat() == instant


def test_what_is_freed_while_another_lapse_ends_lapses_too(fresh_database: Database) -> None:
    engine = fresh_database.engine
    with engine.begin() as conn:
        scheme = make_scheme(conn)
        until = conn.execute(text("select now() + interval '1 hour'")).scalar_one()
        (held,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]), held_until=until)
    with fresh_database.owner_engine.begin() as conn:
        end_the_year(conn)
    results: list[Lapsed] = []
    with engine.begin() as conn:
        assert lapses.lapse_batch(conn) == Lapsed(1, 4000)
        asked = {"origin": ACTOR, "key": uuid4(), "request_hash": b"h"}
        holds.void(conn, held.sale_id, partner_id=scheme.till.partner_id, **asked)
        job = threading.Thread(target=lambda: results.append(year_end.lapse(engine)))
        job.start()
        waits = text("select exists (select from pg_locks where not granted)")
        with fresh_database.owner_engine.connect() as watching:
            assert eventually(lambda: bool(watching.scalar(waits)))
    job.join()
    assert results == [Lapsed(1, 3000)]


def test_two_jobs_at_once_lapse_each_wallet_once(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_database.engine.begin() as conn:
        make_scheme(conn, *(Line(f"{n:09}AB") for n in range(60)))
    with fresh_database.owner_engine.begin() as conn:
        end_the_year(conn)
    monkeypatch.setattr(lapses.lapse_batch, "__kwdefaults__", {"limit": 7})
    results: list[Lapsed] = []
    jobs = [threading.Thread(target=lambda: results.append(year_end.lapse(fresh_database.engine))) for _ in range(3)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert sum(done.wallets for done in results) == 60
    assert sum(done.amount for done in results) == 60 * 7000
    with fresh_database.engine.begin() as conn:
        assert not list(books_check.check(conn))
