"""The check of the books finds what was changed behind the database's back, and names it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text

from ledger import books_check, cancellations, holds
from ledger.books_check import SENTENCES, Difference, Promise, check
from ledger.books_check.guards import GUARDS as STANDING
from ledger.books_check.guards import standing
from tests.conftest import Database
from tests.ledger.scheme import BOOK, OTHER_BOOK, Line, Scheme, make_scheme


def fill(conn: Connection) -> dict[str, int]:
    """Two students: sales, a cancellation in time and one too late, a reservation captured and one open."""
    scheme: Scheme = make_scheme(conn, Line("123456789AB"), Line("123456789CD"))
    till = scheme.till
    (sale,) = till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 2500)]))

    def request() -> dict[str, Any]:
        return {"partner_id": till.partner_id, "origin": "terminal:1", "key": uuid4(), "request_hash": b"h"}

    cancelled = cancellations.cancel(conn, sale.sale_id, lines=[2], **request())
    until = sale.asked_at + timedelta(days=1)
    (captured,) = till.sell(conn, (scheme.cards[1], [(BOOK, 1000)]), held_until=until)
    holds.capture(conn, captured.sale_id, **request())
    (held,) = till.sell(conn, (scheme.cards[1], [(BOOK, 1500)]), held_until=until)
    (late,) = till.sell(conn, (scheme.cards[1], [(BOOK, 700)]))
    conn.execute(text("update benefit set usable_until = now()"))
    too_late = cancellations.cancel(conn, late.sale_id, **request())
    posted = conn.execute(text("select kind::text, document, line, id from transfer"))
    numbers = {(row.kind, row.document, row.line): row.id for row in posted}
    return {
        "wallet": scheme.wallet(conn, 0),
        "other_wallet": scheme.wallet(conn, 1),
        "partner": till.account,
        "sale": sale.sale_id,
        "sold": numbers["sale", sale.sale_id, 1],
        "sold_and_refunded": numbers["sale", sale.sale_id, 2],
        "cancellation": cancelled.cancellation_id,
        "refund": numbers["refund", cancelled.cancellation_id, 2],
        "too_late": too_late.cancellation_id,
        "held": held.sale_id,
        "captured": captured.sale_id,
        "granted": numbers["grant", scheme.wallet(conn, 0), 1],
        "last": max(numbers.values()),
    }


Tampered = Callable[..., set[tuple[Promise, str]]]


@pytest.fixture
def tampered(owner_conn: Connection) -> Tampered:
    """Fill the books, run statements with every guard asleep, and tell what the check finds."""
    numbers = fill(owner_conn)

    def tamper(*statements: str) -> set[tuple[Promise, str]]:
        owner_conn.execute(text("set local session_replication_role = replica"))
        for statement in statements:
            owner_conn.execute(text(statement.format_map(numbers)))
        owner_conn.execute(text("set local session_replication_role = origin"))
        named = {subject.format_map(numbers): subject for subject in SUBJECTS}
        return {(found.promise, named.get(found.subject, found.subject)) for found in check(owner_conn)}

    return tamper


# Longer names first: two of them may stand for equal numbers.
SUBJECTS = [
    *(f"transfer {{{name}}}" for name in ("last", "refund", "granted", "sold", "sold_and_refunded")),
    *(f"account {{{name}}}" for name in ("wallet", "other_wallet", "partner")),
    *(f"sale {{{name}}}{line}" for name in ("sale", "held", "captured") for line in ("", " line 1", " line 2")),
    "cancellation {cancellation}",
    "cancellation {too_late}",
    "grant {wallet} line 1",
    "sale {sale} line 9",
]


def test_sound_books_have_no_differences(tampered: Tampered) -> None:
    assert tampered() == set()


def test_every_promise_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Promise)


WALLET, SALE_LINE = "account {wallet}", "sale {sale} line 1"

CHANGES = {
    "a balance": (
        ["update account set balance = balance + 1 where id = {wallet}"],
        {(Promise.BALANCE_FOLLOWS, WALLET), (Promise.ZERO_SUM, "all accounts")},
    ),
    "a reservation": (
        ["update account set held = held - 1 where id = {other_wallet}"],
        {(Promise.HELD_FOLLOWS, "account {other_wallet}")},
    ),
    "a partner's account": (
        ["update account set balance = 1 where id = {partner}"],
        {(Promise.BALANCE_FOLLOWS, "account {partner}")},
    ),
    "an amount": (
        ["update transfer set amount = amount - 1 where id = {sold}"],
        {(Promise.BALANCE_FOLLOWS, WALLET), (Promise.SALE_AGREES, SALE_LINE), (Promise.ZERO_SUM, "all accounts")},
    ),
    "an amount and the balance": (
        [
            "update transfer set amount = amount - 1 where id = {sold}",
            "update account set balance = balance + 1 where id = {wallet}",
        ],
        {(Promise.SALE_AGREES, SALE_LINE)},
    ),
    "a sale's total": (["update sale set amount = 1 where id = {sale}"], {(Promise.SALE_AGREES, "sale {sale}")}),
    "a sale line's wallet": (
        ["update sale_line set wallet = {other_wallet} where sale_id = {sale} and line = 1"],
        {(Promise.SALE_AGREES, SALE_LINE)},
    ),
    "who is paid": (
        ["update transfer set credit_account = 2999999999999 where id = {sold}"],
        {(Promise.ACCOUNT_EXISTS, "transfer {sold}"), (Promise.SALE_AGREES, SALE_LINE)},
    ),
    "who pays": (
        ["update transfer set debit_account = 1999999999999 where id = {sold}"],
        {
            (Promise.ACCOUNT_EXISTS, "account 1999999999999"),
            (Promise.NEVER_NEGATIVE, "account 1999999999999"),
            (Promise.BALANCE_FOLLOWS, WALLET),
            (Promise.SALE_AGREES, SALE_LINE),
        },
    ),
    "a transfer without a sale": (
        [
            "insert into transfer (debit_account, credit_account, amount, document, kind, line, school_year) "
            "values ({wallet}, {partner}, 100, {sale}, 'sale', 9, 2026)",
            "update account set balance = balance - 100 where id = {wallet}",
        ],
        {(Promise.SALE_AGREES, "sale {sale} line 9")},
    ),
    "a deleted transfer": (
        ["delete from transfer where id = {sold}", "update account set balance = balance + 3000 where id = {wallet}"],
        {(Promise.SALE_AGREES, SALE_LINE)},
    ),
    "a deleted wallet": (
        ["delete from account where id = {wallet}"],
        {(Promise.ACCOUNT_EXISTS, WALLET), (Promise.ZERO_SUM, "all accounts")},
    ),
    "the order of things": (
        ["update transfer set id = 1000000 where id = {granted}"],
        {(Promise.NEVER_NEGATIVE, WALLET), (Promise.NUMBER_WAS_GIVEN_OUT, "transfer 1000000")},
    ),
    "a grant under another document": (
        [
            "insert into transfer (debit_account, credit_account, amount, document, kind, line, school_year) "
            "values (3000000000001, {wallet}, 100, 5, 'grant', 1, 2026)",
            "update account set balance = balance + 100 where id = {wallet}",
            "update transfer set id = 0 where kind = 'grant' and document = 5",
        ],
        {(Promise.SIDES_FIT, "transfer 0"), (Promise.NUMBER_WAS_GIVEN_OUT, "transfer 0")},
    ),
    "a grant under another line": (
        [
            "insert into transfer (debit_account, credit_account, amount, document, kind, line, school_year) "
            "values (3000000000001, {wallet}, 100, {wallet}, 'grant', 2, 2026)",
            "update account set balance = balance + 100 where id = {wallet}",
            "update transfer set id = 0 where kind = 'grant' and line = 2",
        ],
        {(Promise.SIDES_FIT, "transfer 0"), (Promise.NUMBER_WAS_GIVEN_OUT, "transfer 0")},
    ),
    "an amount below zero": (
        [
            "alter table transfer drop constraint amount_is_positive",
            "update transfer set amount = -amount where id = {last}",
            "update account set balance = balance + 1400 where id = {other_wallet}",
            "alter table transfer add constraint amount_is_positive check (amount <> 0)",
        ],
        {
            (Promise.SIDES_FIT, "transfer {last}"),
            (Promise.CANCELLATION_AGREES, "cancellation {too_late}"),
            (Promise.GUARD_STANDS, "check amount_is_positive on transfer"),
        },
    ),
    "a refund's amount": (
        [
            "update transfer set amount = amount + 1 where id = {refund}",
            "update account set balance = balance + 1 where id = {wallet}",
        ],
        {(Promise.REVERSAL_MIRRORS, "transfer {refund}"), (Promise.CANCELLATION_AGREES, "cancellation {cancellation}")},
    ),
    "what a refund takes back": (
        ["update transfer set reverses = {granted} where id = {refund}"],
        {(Promise.REVERSAL_MIRRORS, "transfer {refund}"), (Promise.CANCELLATION_AGREES, "cancellation {cancellation}")},
    ),
    "a second refund": (
        [
            "drop index reversed_at_most_once",
            "insert into transfer (debit_account, credit_account, amount, document, kind, line, school_year, reverses) "
            "select credit_account, debit_account, amount, {cancellation}, 'refund', 9, school_year, id "
            "from transfer where id = {sold_and_refunded}",
            "update account set balance = balance + 2500 where id = {wallet}",
        ],
        {
            (Promise.REVERSED_ONCE, "transfer {sold_and_refunded}"),
            (Promise.CANCELLATION_AGREES, "cancellation {cancellation}"),
            (Promise.GUARD_STANDS, "unique index reversed_at_most_once"),
        },
    ),
    "the same document again": (
        [
            "drop index business_key_posts_once",
            "insert into transfer (debit_account, credit_account, amount, document, kind, line, school_year) "
            "select debit_account, credit_account, 1, document, kind, line, school_year "
            "from transfer where kind = 'grant' and document = {wallet}",
            "update account set balance = balance + 1 where id = {wallet}",
        ],
        {
            (Promise.POSTED_ONCE, "grant {wallet} line 1"),
            (Promise.GUARD_STANDS, "unique index business_key_posts_once"),
        },
    ),
    "a cancellation": (
        ["update cancellation set refunded = 1 where id = {cancellation}"],
        {(Promise.CANCELLATION_AGREES, "cancellation {cancellation}")},
    ),
    "the amount of a hold": (
        ["update hold set amount = 1 where sale_id = {captured}"],
        {(Promise.HOLD_AGREES, "sale {captured} line 1")},
    ),
    "an open hold that is gone": (
        ["delete from hold where sale_id = {held}"],
        {(Promise.HOLD_AGREES, "sale {held} line 1"), (Promise.HELD_FOLLOWS, "account {other_wallet}")},
    ),
    "a hold captured on paper only": (
        [
            "update hold set closed_at = now(), outcome = 'captured' where sale_id = {held}",
            "update account set held = 0 where id = {other_wallet}",
        ],
        {(Promise.SALE_AGREES, "sale {held} line 1")},
    ),
}


@pytest.mark.parametrize(("statements", "differences"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_behind_the_guards_is_named(
    tampered: Tampered, statements: list[str], differences: set[tuple[Promise, str]]
) -> None:
    assert tampered(*statements) == differences


GUARDS = {
    "a trigger switched off": (
        "alter table transfer disable trigger transfer_moves_money",
        {"trigger transfer_moves_money on transfer"},
    ),
    "a trigger dropped": ("drop trigger append_only on sale", {"trigger append_only on sale"}),
    "a trigger for some columns only": (
        """
        drop trigger account_is_guarded on account;
        create trigger account_is_guarded before insert or update of held on account
            for each row execute function account_is_guarded()
        """,
        {"trigger account_is_guarded on account"},
    ),
    "a trigger added": (
        "create trigger later after insert on sale for each statement execute function refuse_change()",
        {"trigger later on sale"},
    ),
    "a rule that swallows": (
        "create rule swallow as on insert to seal do instead nothing",
        {"rule swallow on seal"},
    ),
    "a function that lets everything through": (
        """
        create or replace function transfer_moves_money() returns trigger language plpgsql
        security definer set search_path = atouts, pg_temp as 'begin return null; end'
        """,
        {"function transfer_moves_money()"},
    ),
    "a function with the rights of whoever calls": (
        "alter function payout_approval_is_independent() security invoker",
        {"function payout_approval_is_independent()"},
    ),
    "a function that finds its tables elsewhere": (
        "alter function hold_reserves() reset search_path",
        {"function hold_reserves()"},
    ),
    "a function of the same name that fits better": (
        """
        create function verdict(reason refusal, wallet bigint, left_after bigint, student bigint) returns refusal
        language sql as 'select null::refusal'
        """,
        {"function verdict(refusal,bigint,bigint,bigint)"},
    ),
    "a view that tells less": (
        """
        create or replace view bank_position as
            select account, min(opening) as opening, max(closing) as closing, cast(sum(booked) as bigint) as booked
              from bank_statement where state = 'taken' and kind = 'camt.053' group by account
        """,
        {"view bank_position"},
    ),
    "an index dropped": ("drop index wallet_of_student", {"unique index wallet_of_student"}),
    "an index over something else": (
        """
        drop index business_key_posts_once;
        create unique index business_key_posts_once on transfer (kind, document, line, amount)
        """,
        {"unique index business_key_posts_once"},
    ),
    "a constraint dropped": (
        "alter table account drop constraint wallet_never_below_zero",
        {"check wallet_never_below_zero on account"},
    ),
    "a constraint that says less": (
        """
        alter table account drop constraint wallet_never_below_zero;
        alter table account add constraint wallet_never_below_zero check (held >= 0)
        """,
        {"check wallet_never_below_zero on account"},
    ),
    "a foreign key dropped": (
        "alter table hold drop constraint hold_wallet_fkey",
        {"foreign key hold_wallet_fkey on hold"},
    ),
    "a foreign key that is not looked at": (
        "alter table bank_detail disable trigger all",
        {"foreign key bank_detail_entry_id_fkey on bank_detail", "trigger append_only on bank_detail"},
    ),
    "an amount that may be missing": ("alter table sale alter amount drop not null", {"columns of sale"}),
    "an instant that is always the same": (
        "alter table transfer alter posted_at set default '2026-09-01'",
        {"columns of transfer"},
    ),
    "rows that are not seen": ("alter table transfer enable row level security", {"columns of transfer"}),
    "a table given away": (
        "grant create on schema atouts to atouts_app; alter table seal owner to atouts_app; "
        "revoke create on schema atouts from atouts_app",
        {"columns of seal", "right of atouts_app on seal"},
    ),
    "a right too many": ("grant delete on transfer to atouts_app", {"right of atouts_app on transfer"}),
    "a right on one column too many": (
        "grant update (amount) on transfer to atouts_app",
        {"right of atouts_app on transfer"},
    ),
    "a right beside those that a table has": (
        "grant update (amount) on payout_payment to atouts_app",
        {"right of atouts_app on payout_payment"},
    ),
    "a right to choose what the table says": (
        "grant insert (posted_at) on transfer to atouts_app",
        {"right of atouts_app on transfer"},
    ),
    "a right of everybody": ("grant insert on sale to public", {"right of everybody on sale"}),
    "a right of somebody else": (
        "create role atouts_test_somebody; grant update on payout_run to atouts_test_somebody",
        {"right of atouts_test_somebody on payout_run"},
    ),
    "a right to number anew": (
        "grant update on sequence transfer_number to public",
        {"right of everybody on transfer_number"},
    ),
    "a right to add to the schema": ("grant create on schema atouts to atouts_app", {"right of atouts_app on schema"}),
    "an application that may act as the owner": (
        "do $$ begin execute format('grant %I to atouts_app', current_user); end $$",
        {"role atouts_app"},
    ),
    "an application that may put triggers to sleep": (
        "grant set on parameter session_replication_role to atouts_app",
        {"role atouts_app"},
    ),
    "a database whose triggers are asleep": (
        """
        do $$ begin
            execute format('alter database %I set session_replication_role = replica', current_database());
            execute format('alter role atouts_app in database %I set session_replication_role = replica',
                           current_database());
        end $$
        """,
        {"triggers asleep for everybody in {database}", "triggers asleep for atouts_app in {database}"},
    ),
    "an application above all rights": ("alter role atouts_app superuser", {"role atouts_app"}),
    "a signature that can be taken back": (
        "drop trigger append_only on bank_release",
        {"trigger append_only on bank_release"},
    ),
    "a person who may sign twice": (
        "alter table bank_release drop constraint two_people_sign",
        {"unique index two_people_sign"},
    ),
}


@pytest.mark.parametrize(("statement", "subjects"), GUARDS.values(), ids=GUARDS.keys())
def test_a_guard_that_does_not_stand_is_named(
    tampered: Tampered, database: Database, statement: str, subjects: set[str]
) -> None:
    named = {subject.format(database=database.name) for subject in subjects}
    assert tampered(statement) == {(Promise.GUARD_STANDS, subject) for subject in named}


def test_somebody_may_read_the_books_and_make_reading_faster(tampered: Tampered) -> None:
    assert not tampered(
        "create role atouts_test_reporting",
        "grant usage on schema atouts to atouts_test_reporting",
        "grant select on all tables in schema atouts to atouts_test_reporting",
        "create index by_amount on transfer (amount)",
    )


def test_every_guard_is_as_the_migrations_leave_it(owner_conn: Connection) -> None:
    """If a migration changed one on purpose, `write_guards` writes the list anew."""
    assert standing(owner_conn) == STANDING


def test_a_difference_says_what_there_should_be_and_what_there_is(owner_conn: Connection) -> None:
    wallet = fill(owner_conn)["wallet"]
    owner_conn.execute(text("set local session_replication_role = replica"))
    owner_conn.execute(text("update account set balance = 5000 where id = :wallet"), {"wallet": wallet})
    assert list(check(owner_conn)) == [
        Difference(Promise.ZERO_SUM, "all accounts", "0", "1000"),
        Difference(Promise.BALANCE_FOLLOWS, f"account {wallet}", "4000", "5000"),
    ]


def test_large_books_are_read_in_pieces_that_find_the_same(
    owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(owner_conn)
    owner_conn.execute(text("set local session_replication_role = replica"))
    owner_conn.execute(text("update account set balance = balance + 1 where id < 2000000000000"))
    owner_conn.execute(text("update transfer set amount = amount + 1 where kind = 'sale'"))
    whole = list(check(owner_conn))
    monkeypatch.setattr(books_check, "SLICE", 2)
    steps: list[tuple[int, int]] = []
    assert list(check(owner_conn, lambda done, total: steps.append((done, total)))) == whole
    assert [done for done, _ in steps] == list(range(steps[-1][1] + 1))


def test_books_are_checked_as_of_one_instant_while_sales_go_on(fresh_database: Database) -> None:
    with fresh_database.engine.begin() as conn:
        scheme = make_scheme(conn)
    with fresh_database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        differences = check(conn, lambda _done, _total: _sell(fresh_database, scheme))
        assert list(differences) == []


def _sell(database: Database, scheme: Scheme) -> None:
    with database.engine.begin() as conn:
        scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 1)]))
