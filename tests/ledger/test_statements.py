"""What an account held at any instant, and how it came to that."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text

from ledger import accounts, cancellations
from ledger.chart import CHART, JOURNALS, KIND_LABELS, account_label, heading_of
from ledger.statements import UnknownAccount, balance, statement, trial_balance
from tests.conftest import Database
from tests.ledger.scheme import BOOK, OTHER_BOOK, Line, Scheme, make_scheme


def now(conn: Connection) -> datetime:
    return conn.execute(text("select clock_timestamp()")).scalar_one()


@pytest.fixture
def story(fresh_database: Database) -> tuple[Scheme, dict[str, datetime]]:
    """Two students; a sale, then its cancellation, each in a transaction of its own, with the instants between."""
    instants = {}
    with fresh_database.engine.begin() as conn:
        instants["before"] = now(conn) - timedelta(seconds=1)
        scheme = make_scheme(conn, Line("123456789AB"), Line("123456789CD", stream="vocational", first_entry=True))
    with fresh_database.engine.begin() as conn:
        instants["granted"] = now(conn)
    with fresh_database.engine.begin() as conn:
        (sale,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 2500)]))
    with fresh_database.engine.begin() as conn:
        instants["sold"] = now(conn)
    with fresh_database.engine.begin() as conn:
        cancellations.cancel(
            conn,
            sale.sale_id,
            partner_id=scheme.till.partner_id,
            origin="terminal:1",
            key=uuid4(),
            request_hash=b"h",
            lines=[2],
        )
    with fresh_database.engine.begin() as conn:
        instants["cancelled"] = now(conn)
    return scheme, instants


def test_a_balance_is_told_for_any_instant(fresh_database: Database, story: tuple[Scheme, dict[str, datetime]]) -> None:
    scheme, instants = story
    with fresh_database.engine.begin() as conn:
        wallet = scheme.wallet(conn, 0)

        def held(account: int) -> list[int]:
            return [balance(conn, account, at) for at in instants.values()]

        assert held(wallet) == [0, 7000, 1500, 4000]
        assert held(scheme.till.account) == [0, 0, 5500, 3000]
        assert held(accounts.FUNDING) == [0, -21000, -21000, -21000]
        assert balance(conn, wallet) == scheme.balance(conn, 0) == 4000


def test_a_statement_leads_from_one_balance_to_the_next(
    fresh_database: Database, story: tuple[Scheme, dict[str, datetime]]
) -> None:
    scheme, instants = story
    with fresh_database.engine.begin() as conn:
        wallet = scheme.wallet(conn, 0)
        whole = statement(conn, wallet, instants["before"], instants["cancelled"])
        week = statement(conn, wallet, instants["granted"], instants["sold"])
        partner = statement(conn, scheme.till.account, instants["before"], instants["cancelled"])
    assert (whole.opening, whole.credits, whole.debits, whole.closing) == (0, 9500, 5500, 4000)
    assert [(line.kind, line.amount, line.balance) for line in whole.lines] == [
        ("grant", 7000, 7000),
        ("sale", -3000, 4000),
        ("sale", -2500, 1500),
        ("refund", 2500, 4000),
    ]
    assert whole.lines[3].reverses == whole.lines[2].transfer_id
    assert {line.other_account for line in whole.lines[1:]} == {scheme.till.account}
    assert (week.opening, week.closing, len(week.lines)) == (7000, 1500, 2)
    assert [line.balance for line in partner.lines] == [3000, 5500, 3000]


def test_neighbouring_periods_share_no_transfer_and_leave_none_out(
    fresh_database: Database, story: tuple[Scheme, dict[str, datetime]]
) -> None:
    scheme, instants = story
    with fresh_database.engine.begin() as conn:
        wallet = scheme.wallet(conn, 0)
        border = statement(conn, wallet, instants["before"], instants["cancelled"]).lines[1].posted_at
        before = statement(conn, wallet, instants["before"], border)
        after = statement(conn, wallet, border, instants["cancelled"])
    assert before.closing == after.opening
    assert [line.kind for line in [*before.lines, *after.lines]] == ["grant", "sale", "sale", "refund"]
    assert after.lines[0].posted_at == border


def test_an_account_that_is_not_there_has_no_balance_of_zero(conn: Connection) -> None:
    with pytest.raises(UnknownAccount):
        balance(conn, 1_999_999_999_999)
    with pytest.raises(UnknownAccount):
        statement(conn, 5, now(conn), now(conn))


def test_the_trial_balance_adds_up_to_nothing(
    fresh_database: Database, story: tuple[Scheme, dict[str, datetime]]
) -> None:
    _, instants = story
    with fresh_database.engine.begin() as conn:
        latest = {line.heading.code: line for line in trial_balance(conn)}
        earlier = {line.heading.code: line.balance for line in trial_balance(conn, instants["sold"])}
        year = conn.execute(text("select max(year) from school_year")).scalar_one()
        of_the_year = trial_balance(conn, school_year=year)
        of_another = trial_balance(conn, school_year=year - 1)
    assert (latest["wallets"].credits, latest["wallets"].debits, latest["wallets"].balance) == (23500, 5500, 18000)
    assert (latest["partners"].balance, latest["funding"].balance) == (3000, -21000)
    assert sum(line.balance for line in latest.values()) == 0
    assert (earlier["wallets"], earlier["partners"]) == (15500, 5500)
    assert of_the_year == tuple(latest.values())
    assert not any(line.debits or line.credits for line in of_another)
    assert [line.heading for line in of_another] == list(CHART)


def test_every_account_and_every_kind_has_its_place_in_the_chart(conn: Connection) -> None:
    for account in conn.scalars(text("select id from account where id > 3000000000000")):
        assert heading_of(account).accounts == range(account, account + 1)
    kinds = set(conn.scalars(text("select unnest(enum_range(null::transfer_kind))::text")))
    assert set(KIND_LABELS) == kinds
    assert sorted(kind for journal in JOURNALS for kind in journal.kinds) == sorted(kinds)


def test_accounts_are_called_by_what_they_are() -> None:
    assert account_label(1_000_000_000_007) == "Avantage 1000000000007"
    assert account_label(2_000_000_000_012) == "Partenaire 12"
    assert account_label(accounts.BANK) == "Banque"
    with pytest.raises(LookupError):
        heading_of(4_000_000_000_000)


def test_a_statement_of_a_busy_partner_reads_by_its_index(conn: Connection) -> None:
    conn.execute(text("set local enable_seqscan = off"))
    plan = "\n".join(
        conn.scalars(text("explain select * from entry where account_id = 2000000000001 and posted_at >= '2026-09-01'"))
    )
    assert "transfer_by_credit_account" in plan
    assert "transfer_by_debit_account" in plan
