"""An attack per promise, with raw SQL, once as the application's role and once as the owner: none gets through.

What the owner can do after switching a guard off is in `test_books_check` and `test_seals`: it is found, and named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from ledger import accounts, cancellations, seals
from ledger.books_check import check
from ledger.books_check.guards import GUARDS
from ledger.books_check.transfers import SIDES
from ledger.database import APPLICATION_ROLE
from tests.ledger.scheme import BOOK, OTHER_BOOK, Line, Scheme, make_partner, make_scheme

NO_RIGHT = "42501"


@dataclass
class Books:
    """Books with something of everything, reached by the owner, and who attacks them."""

    conn: Connection
    role: str
    numbers: dict[str, Any]

    def refused_by(self, sql: str) -> str | None:
        """Try `sql`; the constraint that refused it, or the error's code where it names none. None: it got through.

        `{names}` in the text stand for the numbers of the books.
        """
        attempt = self.conn.begin_nested()
        try:
            if self.role == APPLICATION_ROLE:
                self.conn.execute(text(f"set local role {self.role}"))
            self.conn.execute(text(sql.format_map(self.numbers).replace(":", "\\:")))
            return None
        except DBAPIError as error:
            cause = cast("psycopg.Error", error.orig)
            return cause.diag.constraint_name or cause.sqlstate
        finally:
            attempt.rollback()


def make_books(conn: Connection) -> dict[str, int]:
    """Two students, a sale of two lines of which one is cancelled, a reservation, a seal; the numbers of all of it."""
    scheme: Scheme = make_scheme(conn, Line("123456789AB"), Line("123456789CD"))
    other = make_partner(conn, siret="21500129800003", uai="0500016W", name="Lycée Grignard")
    (sale,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 2500)]))
    cancelled = cancellations.cancel(
        conn,
        sale.sale_id,
        partner_id=scheme.till.partner_id,
        origin="terminal:1",
        key=uuid4(),
        request_hash=b"h",
        lines=[2],
    )
    until = sale.asked_at + timedelta(days=1)
    (held,) = scheme.till.sell(conn, (scheme.cards[1], [(BOOK, 3000)]), held_until=until)
    transfers = {
        (row.kind, row.line): row.id for row in conn.execute(text("select kind::text, line, id from transfer"))
    }
    return {
        "wallet": scheme.wallet(conn, 0),
        "other_wallet": scheme.wallet(conn, 1),
        "partner": scheme.till.account,
        "partner_id": scheme.till.partner_id,
        "other_partner": other.account,
        "funding": accounts.FUNDING,
        "lapsed": accounts.LAPSED,
        "in_transit": accounts.IN_TRANSIT,
        "student": scheme.student_ids[0],
        "sale": sale.sale_id,
        "held_sale": held.sale_id,
        "cancellation": cancelled.cancellation_id,
        "sold": transfers["sale", 1],
        "sold_and_refunded": transfers["sale", 2],
        "refund": transfers["refund", 2],
        "year": conn.execute(
            text("select school_year from transfer where id = :id"), {"id": transfers["sale", 1]}
        ).scalar_one(),
        "last_seal": _seal_by_hand(conn),
    }


def _seal_by_hand(conn: Connection) -> int:
    """A seal over nothing much: the sealer itself wants a transaction that has posted nothing."""
    return int(
        conn.execute(
            text("""
                insert into seal (number, after_id, last_id, transfers, amount, previous_hash, hash)
                values (1, 0, 1, 0, 0, :zeros, sha256('')) returning number
            """),
            {"zeros": seals.BEFORE_THE_FIRST},
        ).scalar_one()
    )


@pytest.fixture(params=[APPLICATION_ROLE, "owner"])
def books(owner_conn: Connection, request: pytest.FixtureRequest) -> Iterator[Books]:
    yield Books(owner_conn, request.param, make_books(owner_conn))
    # The connection's transaction is rolled back, and up to here nothing was broken.
    assert [difference.subject for difference in check(owner_conn)] == []


POST = "insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year{more}) values "


def posting(values: str, more: str = "") -> str:
    """An INSERT of one transfer: kind, debit, credit, amount, document, line, school year, and `more` columns."""
    return POST.replace("{more}", more) + f"({values})"


APPEND_ONLY = [
    guard.removeprefix("trigger append_only on ")
    for guard, definition in GUARDS.items()
    if guard.startswith("trigger append_only on ") and "DELETE OR UPDATE" in definition
]


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_history_is_neither_changed_nor_deleted(books: Books, table: str) -> None:
    column = books.conn.scalar(
        text("select attname from pg_attribute where attrelid = cast(:t as regclass) and attnum = 2"), {"t": table}
    )
    assert books.refused_by(f"update {table} set {column} = {column}") == NO_RIGHT
    assert books.refused_by(f"delete from {table}") == NO_RIGHT
    assert books.refused_by(f"truncate {table} cascade") == NO_RIGHT


ACCOUNT_ATTACKS = {
    "a balance is set": "update account set balance = balance + 1 where id = {wallet}",
    "a reservation is lifted": "update account set held = 0 where id = {other_wallet}",
    "a wallet gets another owner": "update account set owner_id = owner_id + 1 where id = {wallet}",
    "a balance is set by an upsert": "insert into account (id, owner_id, benefit_id) "
    "select id, owner_id, benefit_id from account where id = {wallet} on conflict (id) do update set balance = 1",
    "an account is deleted": "delete from account where id = {wallet}",
    "all accounts are deleted": "truncate account cascade",
    "a wallet opens with money in it": "insert into account (id, owner_id, benefit_id, balance) "
    "values (1999999999998, {student}, 32000, 7000)",
    "a wallet opens with something reserved": "insert into account (id, owner_id, benefit_id, balance, held) "
    "values (1999999999998, {student}, 32000, 1, 1)",
    "a wallet opens for nobody": "insert into account (id, benefit_id) values (1999999999998, 32000)",
    "a partner account opens for nobody": "insert into account (id) values (2999999999998)",
    "a partner account opens under another's number": "insert into account (id, owner_id) values (2999999999998, 7)",
    "an account of the Region opens without a name": "insert into account (id) values (3999999999998)",
    "an account opens outside the chart": "insert into account (id, owner_id) values (4000000000000, {student})",
}


@pytest.mark.parametrize("sql", ACCOUNT_ATTACKS.values(), ids=ACCOUNT_ATTACKS.keys())
def test_accounts_open_empty_never_go_and_follow_from_transfers(books: Books, sql: str) -> None:
    assert books.refused_by(sql) == NO_RIGHT


def test_a_student_has_one_wallet_per_benefit_and_a_partner_one_account(books: Books) -> None:
    again = "insert into account (id, owner_id, benefit_id) select {}, owner_id, benefit_id from account where id = {}"
    assert books.refused_by(again.format(1999999999998, "{wallet}")) == "wallet_of_student"
    assert books.refused_by(again.format(2999999999998, "{partner}")) == NO_RIGHT
    assert books.refused_by(again.format("{wallet}", "{other_wallet}")) == "account_pkey"


OVERDRAFTS = {
    "more than the wallet has": "'sale', {wallet}, {partner}, 4001, 999, 1, 2026",
    "more than the wallet has, as a lapse": "'lapse', {wallet}, {lapsed}, 4001, 999, 1, 2026",
    "what is reserved": "'sale', {other_wallet}, {partner}, 4001, 999, 1, 2026",
    "more than there is money": "'sale', {wallet}, {partner}, 9223372036854775807, 999, 1, 2026",
    "twice what is left, in one statement": "'sale', {wallet}, {partner}, 2001, 998, 1, 2026), "
    "('sale', {wallet}, {partner}, 2001, 999, 1, 2026",
}


@pytest.mark.parametrize("values", OVERDRAFTS.values(), ids=OVERDRAFTS.keys())
def test_a_wallet_never_goes_below_zero(books: Books, values: str) -> None:
    assert books.refused_by(posting(values)) == "wallet_never_below_zero"


def test_the_attacks_fail_for_their_reason_and_not_for_a_typing_error(books: Books) -> None:
    assert books.refused_by(posting("'sale', {wallet}, {partner}, 4000, 999, 1, 2026")) is None
    assert (
        books.refused_by(posting("'refund', {partner}, {wallet}, 3000, 999, 1, {year}, {sold}", ", reverses")) is None
    )
    wallet = "insert into account (id, owner_id, benefit_id) values (1999999999998, {student}, 32000)"
    assert books.refused_by(wallet) is None


FALSE_REVERSALS = {
    "a refund of more than was paid": "'refund', {partner}, {wallet}, 3001, 999, 1, {year}, {sold}",
    "a refund of less than was paid": "'refund', {partner}, {wallet}, 2999, 999, 1, {year}, {sold}",
    "a refund that takes nothing back": "'refund', {partner}, {wallet}, 3000, 999, 1, {year}, null",
    "a refund of a sale that never was": "'refund', {partner}, {wallet}, 3000, 999, 1, {year}, 999999",
    "a refund from another partner": "'refund', {other_partner}, {wallet}, 3000, 999, 1, {year}, {sold}",
    "a refund to another student": "'refund', {partner}, {other_wallet}, 3000, 999, 1, {year}, {sold}",
    "a refund in another school year": "'refund', {partner}, {wallet}, 3000, 999, 1, {year} - 1, {sold}",
    "a refund of a refund": "'refund', {partner}, {wallet}, 2500, 999, 1, {year}, {refund}",
    "a refund called a withdrawal": "'grant_withdrawal', {wallet}, {funding}, 3000, 999, 1, {year}, {sold}",
    "a payout reopened that never left": "'payout_reopened', {in_transit}, {partner}, 3000, 999, 1, {year}, {sold}",
    "a sale that takes a sale back": "'sale', {wallet}, {partner}, 1, 999, 1, {year}, {sold}",
    "a lapse that takes a sale back": "'lapse', {wallet}, {lapsed}, 3000, 999, 1, {year}, {sold}",
}


@pytest.mark.parametrize("values", FALSE_REVERSALS.values(), ids=FALSE_REVERSALS.keys())
def test_nothing_is_given_back_but_what_was_paid_to_whom_it_was_paid(books: Books, values: str) -> None:
    assert books.refused_by(posting(values, ", reverses")) == "reversal_mirrors_its_transfer"


def test_nothing_is_given_back_twice(books: Books) -> None:
    again = "'refund', {partner}, {wallet}, 2500, 999, 2, {year}, {sold_and_refunded}"
    assert books.refused_by(posting(again, ", reverses")) == "reversed_at_most_once"
    both = "'refund', {partner}, {wallet}, 3000, {n}, 1, {year}, {sold}"
    twice = posting(f"{both.replace('{n}', '998')}), ({both.replace('{n}', '999')}", ", reverses")
    assert books.refused_by(twice) == "reversed_at_most_once"


def test_a_business_key_posts_once(books: Books) -> None:
    again = "'sale', {wallet}, {partner}, 1, {sale}, 1, {year}"
    assert books.refused_by(posting(again)) == "business_key_posts_once"
    grant = "'grant', {funding}, {wallet}, 7000, {wallet}, 1, {year}"
    assert books.refused_by(posting(grant)) == "business_key_posts_once"


@pytest.mark.parametrize("key", ["999, 1", "{wallet}, 2"], ids=["document", "line"])
def test_a_wallet_is_not_granted_twice_under_another(books: Books, key: str) -> None:
    assert books.refused_by(posting(f"'grant', {{funding}}, {{wallet}}, 7000, {key}, {{year}}")) == "sides_fit_the_kind"


def test_an_amount_is_above_zero(books: Books) -> None:
    for amount, line in ((0, 1), (-1, 1), (1, 0), (1, -1)):
        values = f"'sale', {{wallet}}, {{partner}}, {amount}, 999, {line}, 2026"
        assert books.refused_by(posting(values)) == "amount_is_positive"


STRANGERS = {
    "an unknown wallet pays": "'sale', 1999999999999, {partner}, 1, 999, 1, 2026",
    "an unknown wallet is granted": "'grant', {funding}, 1999999999999, 1, 1999999999999, 1, 2026",
    "an unknown partner is paid": "'sale', {wallet}, 2999999999999, 1, 999, 1, 2026",
    "an unknown account writes off": "'write_off', 3999999999999, 3000000000006, 1, 999, 1, 2026",
}


@pytest.mark.parametrize("values", STRANGERS.values(), ids=STRANGERS.keys())
def test_money_moves_between_accounts_of_the_books_only(books: Books, values: str) -> None:
    assert books.refused_by(posting(values)) == "accounts_exist"


def test_each_kind_of_transfer_has_its_sides_and_no_others(books: Books) -> None:
    """Every kind between every two sorts of accounts, against the table by which the check of the books judges."""
    sides = ["{wallet}", "{other_wallet}", "{partner}", "{other_partner}", *(str(account) for account in REGION)]
    got_through = set()
    for kind, debit, credit in product(SIDES, sides, sides):
        sql = posting(f"'{kind}', {debit}, {credit}, 1, {credit}, 9, 2026")
        if kind == "grant" and _side(credit) == 1:
            # A wallet is granted once, so it has to be a new one.
            sql = NEW_WALLET + posting(f"'grant', {debit}, 1999999999998, 1, 1999999999998, 1, 2026")
        refused_by = books.refused_by(sql)
        if refused_by != "sides_fit_the_kind":
            # A reversal with the right sides fails for having nothing to reverse; that is another promise.
            assert refused_by in (None, "reversal_mirrors_its_transfer")
            got_through.add((kind, _side(debit), _side(credit)))
    assert got_through == {(kind, *pair) for kind, pairs in SIDES.items() for pair in pairs}


NEW_WALLET = """
    with opened as (insert into account (id, owner_id, benefit_id) values (1999999999998, {student}, 32000))
"""
REGION = range(accounts.FUNDING, accounts.BANK_CHARGES + 1)


def _side(account: str) -> int:
    return {"{wallet}": 1, "{other_wallet}": 1, "{partner}": 2, "{other_partner}": 2}.get(account) or int(account)


HOLD_ATTACKS = {
    "more is reserved than there is": (
        "insert into hold (sale_id, line, wallet, amount, expires_at) values (999, 1, {wallet}, 4001, now())",
        "wallet_never_below_zero",
    ),
    "a reservation changes its amount": ("update hold set amount = 1", NO_RIGHT),
    "a reservation changes its wallet": ("update hold set wallet = {wallet}", NO_RIGHT),
    "a reservation lives longer": ("update hold set expires_at = 'infinity'", NO_RIGHT),
    "a reservation disappears": ("delete from hold", NO_RIGHT),
    "all reservations disappear": ("truncate hold", NO_RIGHT),
    "a reservation ends without saying how": ("update hold set closed_at = now()", "closed_with_an_outcome"),
}


@pytest.mark.parametrize(("sql", "guard"), HOLD_ATTACKS.values(), ids=HOLD_ATTACKS.keys())
def test_a_reservation_is_covered_and_can_only_be_closed(books: Books, sql: str, guard: str) -> None:
    assert books.refused_by(sql) in (guard, NO_RIGHT)


def test_a_reservation_is_closed_once(books: Books) -> None:
    books.conn.execute(text("update hold set closed_at = now(), outcome = 'voided'"))
    assert books.refused_by("update hold set closed_at = now(), outcome = 'captured'") == NO_RIGHT
    assert books.refused_by("update hold set closed_at = null, outcome = null") == NO_RIGHT


SEAL_ATTACKS = {
    "a number is left out": "3, 1, 2, 0, 0, sha256('')",
    "a range is sealed again": "2, 0, 2, 0, 0, sha256('')",
    "a range is left out": "2, 2, 3, 0, 0, sha256('')",
    "another history is continued": "2, 1, 2, 0, 0, sha256('another')",
}


@pytest.mark.parametrize("values", SEAL_ATTACKS.values(), ids=SEAL_ATTACKS.keys())
def test_a_seal_continues_the_chain(books: Books, values: str) -> None:
    insert = "insert into seal (number, after_id, last_id, transfers, amount, previous_hash, hash) values "
    assert books.refused_by(f"{insert} ({values}, sha256('new'))") == "seal_continues_the_chain"


def test_a_sale_is_asked_once_per_key_and_a_refused_one_moves_nothing(books: Books) -> None:
    if books.role != "owner":
        assert books.refused_by("insert into sale (item) values (1)") == NO_RIGHT
        return
    columns = "terminal_id, key, item, partner_id, request_hash"
    again = f"insert into sale ({columns}, amount) select {columns}, 0 from sale where id = {{sale}}"
    assert books.refused_by(again) == "one_sale_per_key"
    refused = (
        f"insert into sale ({columns}, amount, refusal) select terminal_id, gen_random_uuid(), item, partner_id, "
        "request_hash, 1, 'unknown_card' from sale where id = {sale}"
    )
    assert books.refused_by(refused) == "refused_means_nothing_moved"


APPLICATION_ATTACKS = {
    "chooses a transfer's number": posting("'sale', {wallet}, {partner}, 1, 999, 1, 2026, 5", ", id"),
    "backdates a transfer": posting("'sale', {wallet}, {partner}, 1, 999, 1, 2026, '2020-01-01'", ", posted_at"),
    "turns the numbers back": "select setval('transfer_number', 1)",
    "switches a trigger off": "alter table transfer disable trigger append_only",
    "switches all triggers off": "set session_replication_role = replica",
    "drops a trigger": "drop trigger append_only on transfer",
    "drops a constraint": "alter table account drop constraint wallet_never_below_zero",
    "drops an index": "drop index business_key_posts_once",
    "replaces a guard": "create or replace function refuse_change() returns trigger language plpgsql as 'begin end'",
    "adds a trigger of its own": "create trigger t after insert on transfer for each row "
    "execute function refuse_change()",
    "shadows a table of the books": "create table atouts.something (id int)",
    "moves a till to another school": "update terminal set partner_id = 1",
    "moves a card to another student": "update card set student_id = 1",
    "moves a bank account to another school": "update partner_bank_account set partner_id = 1",
    "turns a pairing code to another school": "update pairing_code set partner_id = 1",
    "moves an enrolment to another student": "update enrolment set student_id = 1",
    "sets what a student receives": "update entitlement set amount = 1000000",
    "moves the school year": "update school_year set ends_at = ends_at + interval '1 year'",
    "moves a deadline": "update benefit set usable_until = 'infinity'",
    "has a benefit pay for something else": "update product set benefit = 'books'",
    "sells without a limit": "update partner set sale_limit = 100000000",
    "validates a school that nobody decided on": "insert into partner (siret, uai, name, town, representative, email, "
    "phone, status) values ('21140118700011', '0140014P', 'x', 'x', 'x', 'x', 'x', 'validated')",
    "enters an account that two people have accepted": "insert into partner_bank_account (partner_id, iban, holder, "
    "asked_by, accepted_by, accepted_at) values (1, 'FR7630006000011234567890189', 'x', 'a', 'b', now())",
    "asks for a bank account in a month, when today's number will be known": "insert into partner_bank_account "
    "(partner_id, iban, holder, asked_by, asked_at) "
    "values (1, 'FR7630006000011234567890189', 'x', 'a', now() + '31 days')",
    "freezes a week that is not over": "insert into payout_run (reference, weekly, cutoff, settled_through, payer, "
    "bank_profile, amount_limit, prepared_by, prepared_at) "
    "values ('x', true, now() + '7 days', 1, '{{}}', '{{}}', 1, 'x', now() + '8 days')",
    "backdates an action": "insert into audit_event (at, actor, action, subject) values ('2020-01-01', 'x', 'x', 'x')",
    "backdates a signature": "insert into bank_release (statement_id, step, signed_by, reason, signed_at) "
    "values (1, 'asked', 'x', 'x', '2020-01-01')",
    "backdates an approval": "insert into payout_approval (run_id, person_id, content_hash, approved_at) "
    "values (1, 1, '', '2020-01-01')",
    "has somebody else sign in": "update person set email = 'x@example.org'",
    "lengthens the life of a link": "update mail_link set expires_at = 'infinity'",
    "sends a mail elsewhere": "update mail_outbox set recipient = 'x@example.org'",
    "becomes the owner": "set role {owner}",
    "locks everybody out": "lock table transfer in access exclusive mode",
}


@pytest.fixture
def signed_in(engine: Engine) -> Iterator[Books]:
    """Empty books, reached by a connection that the application itself opened."""
    with engine.connect() as conn:
        owner = conn.scalar(text("select tableowner from pg_tables where tablename = 'transfer'"))
        yield Books(conn, "signed in as itself", {"wallet": 1, "partner": 2, "owner": owner})


@pytest.mark.parametrize("sql", APPLICATION_ATTACKS.values(), ids=APPLICATION_ATTACKS.keys())
def test_the_application_cannot_do_away_with_a_guard(signed_in: Books, sql: str) -> None:
    assert signed_in.refused_by(sql) == NO_RIGHT


def test_the_application_cannot_give_itself_a_right(signed_in: Books) -> None:
    signed_in.conn.execute(text("grant update on transfer to atouts_app"))  # PostgreSQL warns that it granted nothing
    assert signed_in.refused_by("update transfer set amount = 1") == NO_RIGHT
