"""What the database refuses, whoever asks: each promise of 0004_payouts.sql is attacked with raw SQL.

The attacker has the application's rights, unless a test says that it is the owner of the tables.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from ledger import partner_accounts
from ledger.payouts import approval, files, independence, outcomes, runs
from ledger.payouts.independence import Hindrance
from ledger.payouts.runs import Run
from ledger.rights import Role
from tests.conftest import Database
from tests.payout_world import AFTER, BEFORE, TERMS, World


@pytest.fixture(scope="module")
def world(server_url: Any, template_database: str) -> Iterator[World]:
    """A scheme with a run in each state; every attack is rolled back."""
    database = Database.make(server_url, template_database)
    yield World(database.engine, database.owner_engine)
    database.drop()


@pytest.fixture(scope="module")
def run(world: World) -> Run:
    """A frozen run of two payments, one of them net of a refund; a third partner is held."""
    one, other, held = world.partner(), world.partner(), world.partner(validated=False)
    world.sale(held, 7001)
    world.refund(held, world.sale(held, 4001))
    world.sale(one, 7000)
    world.refund(one, world.sale(one, 4000))
    world.sale(other, 1500)
    world.sale(other, 99, AFTER)
    return world.freeze()


def refused(engine: Engine, statement: str, promise: str, **values: object) -> None:
    """Run a statement, and see it refused for that promise (or for want of a right, when it is "no right")."""
    with engine.connect() as conn, conn.begin() as transaction:
        broken = breaks(conn, statement, **values)
        transaction.rollback()
    assert broken == promise


def breaks(conn: Connection, statement: str, **values: object) -> str | None:
    """The promise that a statement breaks; None if it goes through."""
    try:
        with conn.begin_nested():
            conn.execute(text(statement), values)
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == "42501":
            return "no right"
        name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        return name or str(error.orig)
    return None


TABLES = (
    "payout_run", "payout_payment", "payout_held", "payout_line", "payout_approval", "payout_file", "payout_file_part",
    "payout_transmission", "payout_step", "payout_horizon", "bank_account_call", "bank_account_check",
    "bank_account_block", "partner_bank_account", "partner_contact",
)  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_ever_deleted_not_even_by_the_owner(world: World, table: str) -> None:
    for engine in (world.engine, world.owner):
        refused(engine, f"delete from {table}", "no right")
        refused(engine, f"truncate {table} cascade", "no right")


@pytest.mark.parametrize("table", ["payout_held", "payout_approval", "payout_file", "payout_file_part", "payout_step"])
def test_what_was_written_once_does_not_change(world: World, run: Run, table: str) -> None:
    refused(world.engine, f"update {table} set run_id = run_id", "no right")
    refused(world.owner, f"update {table} set run_id = run_id", "no right")


# -- lines ---------------------------------------------------------------------------------------------------------


def test_a_transfer_is_in_one_live_line(world: World, run: Run) -> None:
    with world.owner.connect() as conn, conn.begin() as transaction:
        draft = _draft(conn, run)
        claimed = """
            insert into payout_line (payment_id, transfer_id, amount)
            select :payment, l.transfer_id, l.amount from payout_line l join payout_payment p on p.id = l.payment_id
             where p.run_id = :run and p.partner_id = (select partner_id from payout_payment where id = :payment)
             limit 1
        """
        assert breaks(conn, claimed, payment=draft, run=run.id) == "transfer_in_one_live_line"
        transaction.rollback()


def _draft(conn: Connection, like: Run) -> int:
    """A draft of a run with a payment to the first payee of another one; the number of that payment."""
    run_id = conn.execute(
        text("""
            insert into payout_run (reference, weekly, cutoff, settled_through, payer, bank_profile, amount_limit,
                                    prepared_by)
            select 'draft', false, cutoff, settled_through, payer, bank_profile, amount_limit, 'job:x'
              from payout_run where id = :run returning id
        """),
        {"run": like.id},
    ).scalar_one()
    return int(
        conn.execute(
            text("""
                insert into payout_payment (run_id, line, partner_id, bank_account_id, name, iban, siren, amount,
                                            transfers, transfers_digest)
                select :draft, 1, partner_id, bank_account_id, name, iban, siren, 1, 1, ''
                  from payout_payment where run_id = :run and line = 2 returning id
            """),
            {"draft": run_id, "run": like.id},
        ).scalar_one()
    )


@pytest.mark.parametrize(
    "what",
    [
        "select :payment, t.id, t.amount from transfer t where t.kind = 'grant' limit 1",
        "select :payment, t.id, t.amount - 1 from transfer t where t.kind = 'sale' and t.amount = 99",
        "select :payment, t.id, -t.amount from transfer t where t.kind = 'sale' and t.amount = 99",
        "select :payment, t.id, t.amount from transfer t where t.kind = 'sale' and t.amount = 7001",
        "select :payment, t.id, t.amount from transfer t where t.kind = 'refund' and t.amount = 4001",
        "select :payment, 999999999, 99",
        "select 999999999, t.id, t.amount from transfer t where t.kind = 'sale' and t.amount = 99",
    ],
)
def test_a_line_pays_a_transfer_of_its_partner_whole_and_before_the_cut_off(world: World, run: Run, what: str) -> None:
    with world.engine.connect() as conn, conn.begin() as transaction:
        draft = _draft(conn, run)
        line = f"insert into payout_line (payment_id, transfer_id, amount) {what}"
        assert breaks(conn, line, payment=draft) == "lines_claim_what_is_owed"
        transaction.rollback()


def test_a_sale_after_the_cut_off_is_not_claimed(world: World, run: Run) -> None:
    with world.engine.connect() as conn, conn.begin() as transaction:
        draft = _draft(conn, run)
        line = """
            insert into payout_line (payment_id, transfer_id, amount)
            select :payment, id, amount from transfer where kind = 'sale' and amount = 99
        """
        assert breaks(conn, line, payment=draft) == "lines_claim_what_is_owed"
        transaction.rollback()


def test_nothing_is_added_to_a_frozen_run(world: World, run: Run) -> None:
    payment = """
        insert into payout_payment (run_id, line, partner_id, bank_account_id, name, iban, siren, amount, transfers,
                                    transfers_digest)
        select :run, 9, s.id, a.id, 'x', a.iban, '211401187', 1, 1, ''
          from partner s join partner_bank_account a on a.partner_id = s.id
         where s.id not in (select partner_id from payout_payment where run_id = :run) limit 1
    """
    world.partner()
    refused(world.engine, payment, "frozen_runs_do_not_change", run=run.id)
    held = """
        insert into payout_held (run_id, partner_id, amount, transfers, reason)
        select :run, max(id), 1, 1, 'iban_wrong' from partner
    """
    refused(world.engine, held, "frozen_runs_do_not_change", run=run.id)
    line = """
        insert into payout_line (payment_id, transfer_id, amount)
        select p.id, t.id, t.amount from payout_payment p, transfer t
         where p.run_id = :run and p.line = 2 and t.kind = 'sale' and t.amount = 99
    """
    refused(world.engine, line, "lines_claim_what_is_owed", run=run.id)


def test_lines_do_not_change_and_die_only_with_their_run(world: World, run: Run) -> None:
    refused(world.engine, "update payout_line set live = false", "no right")
    for change in ("live = false", "amount = 1", "transfer_id = transfer_id + 100000", "payment_id = payment_id + 9"):
        refused(world.owner, f"update payout_line set {change}", "lines_die_with_their_run")


def test_the_horizon_does_not_pass_what_is_owed(world: World, run: Run) -> None:
    late = "(select id from transfer where kind = 'sale' and amount = 99)"
    refused(world.engine, f"update payout_horizon set through = {late}", "horizon_is_proved")
    refused(world.engine, "update payout_horizon set through = through + 1000000", "horizon_is_proved")
    refused(world.owner, f"update payout_horizon set through = {late}", "horizon_is_proved")
    partner = world.partner()
    sale = world.sale(partner, 1234, AFTER)
    first = "insert into payout_horizon (partner_id, through) values (:partner, :sale)"
    refused(world.engine, first, "horizon_is_proved", partner=partner, sale=sale)
    with world.engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        assert breaks(conn, "update payout_horizon set through = through") == "horizon_is_proved"
        conn.rollback()


# -- runs ----------------------------------------------------------------------------------------------------------


def test_the_content_of_a_run_does_not_change(world: World, run: Run) -> None:
    refused(world.engine, "update payout_run set cutoff = now()", "no right")
    for change in ("amount = amount", "content_hash = sha256('x')", "flags = '{}'"):
        refused(world.engine, f"update payout_run set {change} where id = :run", "no right", run=run.id)
    for change in ("state = 'approved'", "amount = 1", "prepared_by = 'job:y'"):
        refused(world.owner, f"update payout_run set {change} where id = :run", "no right", run=run.id)
    for change in (
        "name = 'x'",
        "iban = 'FR7630006000011234567890189'",
        "amount = amount + 1",
        "bic = 'X'",
        "flags = '{}'",
    ):
        refused(world.engine, f"update payout_payment set {change}", "no right")
        refused(world.owner, f"update payout_payment set {change}", "payments_move_forward")


def test_a_run_begins_as_a_draft_in_the_past_and_has_one_live_week(world: World, run: Run) -> None:
    columns = "settled_through, payer, bank_profile, amount_limit, prepared_by"
    born = f"""
        insert into payout_run (reference, state, weekly, cutoff, {columns})
        select 'x', :state, :weekly, cutoff + :later, {columns} from payout_run where id = :run
    """.replace(":state", "cast(:state as payout_state)").replace(":later", "cast(:later as interval)")
    week = {"run": run.id, "weekly": True, "later": "0", "state": "draft"}
    refused(
        world.engine, born, "no right", **week
    )  # The state, and the instant that says what is past, are not its own.
    refused(world.owner, born, "one_live_run_per_week", **week)
    refused(world.owner, born, "no right", **week | {"weekly": False, "state": "approved"})
    refused(world.owner, born, "only_what_is_past", **week | {"later": "100 years"})


def test_a_run_is_frozen_only_if_it_adds_up(world: World, run: Run) -> None:
    with world.engine.connect() as conn, conn.begin() as transaction:
        _draft(conn, run)
        close = """
            update payout_run set payments = 1, amount = 1, owed = 1, content_hash = sha256('x')
             where reference = 'draft'
        """
        assert breaks(conn, close) is None
        step = """
            insert into payout_step (run_id, state, actor)
            select id, 'frozen', 'x' from payout_run where reference = 'draft'
        """
        assert breaks(conn, step) == "run_adds_up"
        assert breaks(conn, "update payout_run set owed = 2 where reference = 'draft'") == "owed_is_accounted_for"
        transaction.rollback()


STATES = (
    "draft", "frozen", "approved", "generated", "transmitted", "booked", "partial", "rejected", "reconciled", "refused",
    "empty",
)  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_run_goes_only_where_its_state_leads(world: World, run: Run, state: str) -> None:
    step = f"insert into payout_step (run_id, state, actor, reason) values (:run, '{state}', 'x', 'y')"
    expected = {"refused": None, "approved": "two_people_approve"}.get(state, "states_follow")
    with world.engine.connect() as conn, conn.begin() as transaction:
        assert breaks(conn, step, run=run.id) == expected
        transaction.rollback()


def test_an_approved_run_has_no_file_without_its_bytes_and_its_transfers(world: World) -> None:
    world.sale(world.partner(), 5555, BEFORE)
    approved = world.approve(world.freeze(AFTER, weekly=False))
    run = {"run": approved.id}
    file = """
        insert into payout_file (run_id, message_number, message_id, created_at, execution_date, name, size, sha256)
        values (:run, :number, 'M', now(), '2026-09-08', 'M.xml', 3, sha256('abc'))
    """
    step = "insert into payout_step (run_id, state, actor) values (:run, 'generated', 'x')"
    with world.engine.connect() as conn, conn.begin() as transaction:
        assert breaks(conn, step, **run) == "file_and_books_together"
        assert breaks(conn, file, number=2, **run) == "messages_without_gap"
        assert breaks(conn, file, number=1, **run) is None
        part = "insert into payout_file_part (run_id, part, content) values (:run, :part, :content)"
        assert breaks(conn, part, part=1, content=b"abx", **run) is None
        issue = "update payout_payment set state = 'issued', end_to_end_id = 'M-1' where run_id = :run"
        assert breaks(conn, issue, **run) is None
        assert breaks(conn, step, **run) == "file_and_books_together"
        transaction.rollback()
    frozen = "insert into payout_file_part (run_id, part, content) values (:run, 1, 'x')"
    refused(world.engine, frozen, "payout_file_part_run_id_fkey", **run)


def test_a_file_is_made_for_an_approved_run_only(world: World, run: Run) -> None:
    file = """
        insert into payout_file (run_id, message_number, message_id, created_at, execution_date, name, size, sha256)
        values (:run, 1, 'M', now(), '2026-09-08', 'M.xml', 3, sha256('abc'))
    """
    refused(world.engine, file, "only_approved_runs_are_written", run=run.id)


def test_a_run_whose_payees_have_changed_is_neither_approved_nor_written(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 5556, BEFORE)
    approved = world.approve(world.freeze(AFTER, weekly=False))
    world.sale(partner, 5557, BEFORE)
    frozen = world.freeze(AFTER, weekly=False)
    person = world.person(Role.PAYMENT_APPROVER)
    file = """
        insert into payout_file (run_id, message_number, message_id, created_at, execution_date, name, size, sha256)
        values (:run, 1, 'M', now(), '2026-09-08', 'M.xml', 3, sha256('abc'))
    """
    for change in (
        "update partner set status = 'suspended' where id = :partner",
        "update partner_bank_account set ended_at = now() where partner_id = :partner",
        """insert into bank_account_block (account_id, reason, blocked_by)
           select id, 'x', 'y' from partner_bank_account where partner_id = :partner""",
    ):
        with world.engine.connect() as conn, conn.begin() as transaction:
            conn.execute(text(change), {"partner": partner})
            assert breaks(conn, file, run=approved.id) == "payees_are_current"
            asked = {"run": frozen.id, "person": person, "hash": frozen.content_hash}
            assert breaks(conn, APPROVE, **asked) == "payees_are_current"
            transaction.rollback()


# -- approvals -----------------------------------------------------------------------------------------------------

APPROVE = "insert into payout_approval (run_id, person_id, content_hash) values (:run, :person, :hash)"


def test_two_different_people_approve_and_one_is_not_enough(world: World, run: Run) -> None:
    person, other = world.person(Role.PAYMENT_APPROVER), world.person(Role.PAYMENT_APPROVER)
    step = "insert into payout_step (run_id, state, actor) values (:run, 'approved', 'x')"
    with world.engine.connect() as conn, conn.begin() as transaction:
        assert breaks(conn, APPROVE, run=run.id, person=person, hash=run.content_hash) is None
        assert breaks(conn, APPROVE, run=run.id, person=person, hash=run.content_hash) == "payout_approval_pkey"
        assert breaks(conn, step, run=run.id) == "two_people_approve"
        assert breaks(conn, APPROVE, run=run.id, person=other, hash=run.content_hash) is None
        assert breaks(conn, step, run=run.id) is None
        transaction.rollback()


def test_what_is_approved_is_the_hash_of_the_run(world: World, run: Run) -> None:
    person = world.person(Role.PAYMENT_APPROVER)
    refused(world.engine, APPROVE, "approval_is_of_the_content", run=run.id, person=person, hash=bytes(32))


def test_who_has_no_right_or_is_disabled_does_not_approve(world: World, run: Run) -> None:
    for person in (world.person(), world.person(Role.ACCOUNTANT), world.person(Role.ADMINISTRATOR), 999_999):
        refused(world.engine, APPROVE, "approver_has_the_role", run=run.id, person=person, hash=run.content_hash)
    disabled = world.person(Role.PAYMENT_APPROVER)
    with world.engine.connect() as conn, conn.begin() as transaction:
        conn.execute(text("update person set status = 'disabled' where id = :id"), {"id": disabled})
        assert breaks(conn, APPROVE, run=run.id, person=disabled, hash=run.content_hash) == "approver_has_the_role"
        transaction.rollback()


def test_who_prepared_a_run_does_not_approve_it(world: World) -> None:
    world.sale(world.partner(), 321, BEFORE)
    maker = world.person(Role.PAYMENT_APPROVER)
    made = world.freeze(AFTER, weekly=False, actor=f"person:{maker}")
    refused(world.engine, APPROVE, "maker_is_not_checker", run=made.id, person=maker, hash=made.content_hash)


@pytest.mark.parametrize("hand", ["asked_by", "accepted_by", "called_by", "lifted_by"])
def test_who_had_a_hand_in_an_account_of_the_run_does_not_approve_it(world: World, run: Run, hand: str) -> None:
    person = world.person(Role.PAYMENT_APPROVER)
    with world.owner.connect() as conn, conn.begin() as transaction:
        conn.execute(text("set local session_replication_role = replica"))
        account = {"account": world.payments(run)[0].frozen.bank_account_id, "who": f"person:{person}"}
        if hand == "called_by":
            call = """
                insert into bank_account_call (account_id, phone, spoke_with, called_by)
                values (:account, '1', 'x', :who)
            """
            conn.execute(text(call), account)
        elif hand == "lifted_by":
            block = """
                insert into bank_account_block (account_id, reason, blocked_by, lifted_by, lifted_at)
                values (:account, 'AC04', 'job:bank', :who, now())
            """
            conn.execute(text(block), account)
        else:
            conn.execute(text(f"update partner_bank_account set {hand} = :who where id = :account"), account)
        conn.execute(text("set local session_replication_role = origin"))
        assert independence.hindrance(conn, run, person) is Hindrance.TOUCHED_AN_ACCOUNT
        assert breaks(conn, APPROVE, run=run.id, person=person, hash=run.content_hash) == "no_hand_in_its_accounts"
        transaction.rollback()


def test_a_block_is_lifted_once_and_by_whom_stays_known(world: World, run: Run) -> None:
    account = world.payments(run)[0].frozen.bank_account_id
    for engine in (world.engine, world.owner):
        with engine.connect() as conn, conn.begin() as transaction:
            partner_accounts.block(conn, account, reason="AC04", actor="job:bank")
            partner_accounts.unblock(conn, account, actor="person:1")
            change = "update bank_account_block set lifted_by = {0}, lifted_at = {1} where account_id = :account"
            assert breaks(conn, change.format("'person:2'", "lifted_at"), account=account) == "no right"
            assert breaks(conn, change.format("null", "null"), account=account) == "no right"
            transaction.rollback()


def test_a_run_above_its_limit_is_not_approved(world: World) -> None:
    world.sale(world.partner(), 432, BEFORE)
    large = world.freeze(AFTER, replace(TERMS, run_limit=431), weekly=False)
    person = world.person(Role.PAYMENT_APPROVER)
    refused(world.engine, APPROVE, "run_within_its_limit", run=large.id, person=person, hash=large.content_hash)


def test_a_payment_is_owed_again_only_once_the_bank_has_rejected_or_returned_it(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 6666, BEFORE)
    approved = world.approve(world.freeze(AFTER, weekly=False))
    again = """
        insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year, reverses)
        select 'payout_reopened', credit_account, debit_account, amount, :document, 1, school_year, id
          from transfer where kind = 'payout' and document = :payment
    """
    with world.engine.connect() as conn, conn.begin() as transaction:
        files.issue(conn, approved, "M")
        (payment,) = runs.payments(conn, approved.id)
        own = {"payment": payment.id, "document": payment.id}
        assert breaks(conn, again, **own) == "reopened_on_the_banks_word"
        move = text("update payout_payment set state = :state where id = :id")
        conn.execute(move, {"id": payment.id, "state": "booked"})
        assert breaks(conn, again, **own) == "reopened_on_the_banks_word"
        conn.execute(move, {"id": payment.id, "state": "returned"})
        assert breaks(conn, again, payment=payment.id, document=999_999) == "reopened_on_the_banks_word"
        assert breaks(conn, again, **own) is None
        transaction.rollback()


# -- bank accounts -------------------------------------------------------------------------------------------------


def test_an_account_does_not_change_and_is_not_put_in_force_by_who_asked(world: World) -> None:
    partner = world.partner()
    change = "update partner_bank_account set {} where partner_id = :partner"
    for what in (
        "iban = 'FR7630006000011234567890189'", "holder = 'x'", "asked_by = 'x'", "accepted_by = 'x'",
        "usable_from = now() - interval '1 day'", "usable_from = null",
    ):  # fmt: skip
        refused(world.engine, change.format(what), "no right", partner=partner)
        refused(world.owner, change.format(what), "no right", partner=partner)


def test_a_second_account_needs_a_call_and_a_cool_off(world: World) -> None:
    partner = world.partner()
    second = """
        insert into partner_bank_account (partner_id, iban, holder, asked_by, accepted_at, accepted_by, usable_from)
        values (:partner, 'FR7630006000011234567890189', 'x', 'person:1', now(), 'person:2', now())
    """
    refused(world.engine, second, "no right", partner=partner)
    refused(world.owner, second, "a_change_needs_a_call", partner=partner)
    with world.engine.connect() as conn, conn.begin() as transaction:
        asked = """
            insert into partner_bank_account (partner_id, iban, holder, asked_by)
            values (:partner, 'FR7630006000011234567890189', 'x', 'person:1')
        """
        assert breaks(conn, asked, partner=partner) is None
        assert breaks(conn, asked, partner=partner) == "one_pending_bank_account"
        accept = """
            update partner_bank_account set accepted_at = now(), accepted_by = :who, usable_from = now()
             where partner_id = :partner and accepted_at is null
        """
        end = "update partner_bank_account set ended_at = now() where partner_id = :partner and accepted_at is not null"
        assert breaks(conn, end, partner=partner) is None
        assert breaks(conn, accept, partner=partner, who="person:2") == "a_change_needs_a_call"
        assert breaks(conn, accept, partner=partner, who="person:1") == "a_change_needs_a_call"
        assert breaks(conn, end, partner=partner) == "no right"
        transaction.rollback()


def test_every_promise_that_has_words_is_in_the_schema(world: World) -> None:
    told = {*approval._REFUSALS, *partner_accounts._REFUSALS, *outcomes._REFUSALS}
    with world.owner.connect() as conn:
        sources = conn.execute(
            text("select string_agg(prosrc, ' ') from pg_proc where pronamespace = 'atouts'::regnamespace")
        )
        source = sources.scalar_one()
        names = set(
            conn.execute(text("select conname from pg_constraint union select relname from pg_class")).scalars()
        )
    assert {promise for promise in told if promise not in names and f"'{promise}'" not in source} == set()
    assert runs.STATE_WORDS.keys() == set(STATES)
