"""Bank accounts of partners: how one takes the place of another, and who is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from ledger import partner_accounts, people
from ledger.identifiers import InvalidIdentifier
from ledger.partner_accounts import AccountRefused, AccountState, BankAccount, Event, Notice
from ledger.rights import Role
from tests.conftest import Database
from tests.payout_world import World, iban

ASKER, CALLER, ACCEPTER = "person:101", "person:102", "person:103"


class Letters:
    """The notices that would have become letters."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def __call__(self, _conn: Connection, notice: Notice) -> None:
        self.notices.append(notice)


@pytest.fixture
def world(fresh_database: Database) -> World:
    """An empty scheme."""
    return World(fresh_database.engine, fresh_database.owner_engine)


@pytest.fixture
def letters() -> Letters:
    """No notice yet."""
    return Letters()


@pytest.fixture
def conn(world: World) -> Iterator[Connection]:
    """A transaction that is rolled back."""
    with world.engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def partner(world: World) -> int:
    """A partner with its first account."""
    return world.partner()


def asked(conn: Connection, partner: int, letters: Letters, number: int = 500) -> BankAccount:
    return partner_accounts.ask_change(conn, partner, iban=iban(number), holder=" Lycée ", actor=ASKER, tell=letters)


def called(conn: Connection, account: BankAccount, phone: str = "02 31 00 00 00") -> None:
    partner_accounts.record_call(conn, account.id, phone=phone, spoke_with="Mme Le Goff", actor=CALLER)


def test_a_change_is_asked_called_and_accepted_by_another_and_cools_off(
    conn: Connection, partner: int, letters: Letters
) -> None:
    account = asked(conn, partner, letters)
    assert (account.state, account.holder) == (AccountState.PENDING, "Lycée")
    assert [one.id for one in partner_accounts.pending(conn)] == [account.id]
    called(conn, account)
    accepted = partner_accounts.accept_change(conn, account.id, actor=ACCEPTER, tell=letters)
    assert accepted.state is AccountState.COOLING_OFF
    assert accepted.usable_from is not None
    assert accepted.usable_from - datetime.now(UTC) > timedelta(days=9, hours=23)
    assert [one.state for one in partner_accounts.history(conn, partner)] == [
        AccountState.COOLING_OFF,
        AccountState.ENDED,
    ]
    assert [notice.event for notice in letters.notices] == [Event.ASKED, Event.ACCEPTED]
    assert partner_accounts.pending(conn) == []


def test_without_a_cool_off_the_account_is_current_at_once(conn: Connection, partner: int, letters: Letters) -> None:
    account = asked(conn, partner, letters)
    called(conn, account)
    now = partner_accounts.accept_change(conn, account.id, actor=ACCEPTER, tell=letters, cool_off_days=0)
    assert now.state is AccountState.CURRENT
    assert now.call is not None
    assert (now.call.spoke_with, now.call.called_by) == ("Mme Le Goff", CALLER)


@pytest.mark.parametrize(
    ("actor", "after_a_call", "rule"),
    [(ASKER, True, "two_people_change_an_iban"), (ACCEPTER, False, "a_change_needs_a_call")],
)
def test_a_change_without_a_call_or_by_one_person_alone_is_refused_and_nothing_changes(
    conn: Connection, partner: int, letters: Letters, actor: str, after_a_call: bool, rule: str
) -> None:
    account = asked(conn, partner, letters)
    if after_a_call:
        called(conn, account)
    with pytest.raises(AccountRefused) as refusal:
        partner_accounts.accept_change(conn, account.id, actor=actor, tell=letters)
    assert refusal.value.rule == rule
    assert [one.state for one in partner_accounts.history(conn, partner)] == [
        AccountState.PENDING,
        AccountState.CURRENT,
    ]


def test_the_call_goes_to_a_number_known_before_and_not_to_one_given_with_the_change(
    conn: Connection, partner: int, letters: Letters
) -> None:
    conn.execute(text("update partner set phone = '0699999999' where id = :id"), {"id": partner})
    account = asked(conn, partner, letters)
    assert partner_accounts.known_phones(conn, partner) == ["0231000000", "0699999999"]
    with pytest.raises(AccountRefused) as refusal:
        called(conn, account, "06 99 99 99 99")
    assert refusal.value.rule == "call_a_known_number"
    called(conn, account, "+02 31.00.00.00")


def test_a_number_known_for_thirty_days_may_be_called(world: World, partner: int, letters: Letters) -> None:
    with world.engine.begin() as conn:
        conn.execute(text("update partner set phone = '0699999999' where id = :id"), {"id": partner})
    world.tamper("update partner_contact set since = now() - interval '31 days' where phone = '0699999999'")
    with world.engine.begin() as conn:
        called(conn, asked(conn, partner, letters), "06 99 99 99 99")


def test_every_contact_of_the_last_year_is_told_even_if_the_address_was_changed_just_before(
    world: World, partner: int, letters: Letters
) -> None:
    manager = world.person()
    with world.engine.begin() as conn:
        first, address = conn.execute(
            text("select p.email, m.email from partner p, person m where p.id = :p and m.id = :m"),
            {"p": partner, "m": manager},
        ).one()
        people.grant(conn, manager, Role.PARTNER_MANAGER, partner_id=partner, by="tests")
        conn.execute(text("update partner set email = 'fraude@example.org' where id = :id"), {"id": partner})
        asked(conn, partner, letters)
        conn.execute(text("update partner set email = 'autre@example.org' where id = :id"), {"id": partner})
    assert letters.notices[0].recipients == tuple(sorted([first, address, "fraude@example.org"]))
    world.tamper("update partner_contact set since = now() - interval '2 years' where email = :first", first=first)
    world.tamper("update partner_contact set since = now() - interval '13 months' where email = 'fraude@example.org'")
    with world.engine.begin() as conn:
        (pending,) = partner_accounts.pending(conn)
        partner_accounts.refuse_change(conn, pending.id, reason="doute", actor=ACCEPTER, tell=letters)
    assert first not in letters.notices[1].recipients
    assert {"autre@example.org", "fraude@example.org"} <= set(letters.notices[1].recipients)


def test_a_refused_change_leaves_the_account_in_force(conn: Connection, partner: int, letters: Letters) -> None:
    account = asked(conn, partner, letters)
    refused = partner_accounts.refuse_change(conn, account.id, reason="non confirmé", actor=ACCEPTER, tell=letters)
    assert refused.state is AccountState.ENDED
    assert letters.notices[-1].reason == "non confirmé"
    assert partner_accounts.history(conn, partner)[-1].state is AccountState.CURRENT
    with pytest.raises(AccountRefused):
        partner_accounts.accept_change(conn, account.id, actor=ACCEPTER, tell=letters)
    with pytest.raises(AccountRefused):
        partner_accounts.refuse_change(conn, account.id, reason="x", actor=ACCEPTER, tell=letters)


def test_one_change_at_a_time_and_not_to_the_same_account(conn: Connection, partner: int, letters: Letters) -> None:
    (current,) = partner_accounts.history(conn, partner)
    with pytest.raises(AccountRefused) as refusal:
        partner_accounts.ask_change(conn, partner, iban=current.iban, holder="x", actor=ASKER, tell=letters)
    assert refusal.value.rule == "another_account"
    with pytest.raises(InvalidIdentifier):
        partner_accounts.ask_change(conn, partner, iban="FR76 1234", holder="x", actor=ASKER, tell=letters)
    asked(conn, partner, letters)
    with pytest.raises(AccountRefused) as refusal:
        asked(conn, partner, letters, 501)
    assert refusal.value.rule == "one_pending_bank_account"


def test_a_blocked_account_is_blocked_once_and_until_somebody_looked_at_it(conn: Connection, partner: int) -> None:
    (account,) = partner_accounts.history(conn, partner)
    for _ in range(2):
        partner_accounts.block(conn, account.id, reason="AC04", actor="job:bank")
    blocked = partner_accounts.get(conn, account.id)
    assert (blocked.state, blocked.blocked_reason) == (AccountState.BLOCKED, "AC04")
    partner_accounts.unblock(conn, account.id, actor=ACCEPTER)
    assert partner_accounts.get(conn, account.id).state is AccountState.CURRENT
    actions = conn.execute(
        text("select action from audit_event where subject = :s order by id"), {"s": f"partner:{partner}"}
    )
    assert actions.scalars().all()[-2:] == ["bank_account.block", "bank_account.unblock"]


def test_what_the_bank_says_of_the_payee_is_kept_beside_the_account(conn: Connection, partner: int) -> None:
    (account,) = partner_accounts.history(conn, partner)
    partner_accounts.record_check(conn, account.id, result="no_match", actor=CALLER)
    partner_accounts.record_check(conn, account.id, result="close_match", found_name="LYCEE HUGO", actor=CALLER)
    check = partner_accounts.get(conn, account.id).check
    assert check is not None
    assert (check.result, check.found_name) == ("close_match", "LYCEE HUGO")


def test_states_and_events_have_french_words() -> None:
    assert all(state.words for state in AccountState)
