"""Two sessions at once, with raw SQL: what one adds while the other takes a run further is counted, or refused."""

import pytest
from sqlalchemy import Connection, text

from ledger.payouts import files
from tests.conftest import Database
from tests.ledger.test_payouts_promises import breaks
from tests.payout_world import BEFORE, World

LINE = "insert into payout_line (payment_id, transfer_id, amount) values (:payment, :transfer, :amount)"
PART = "insert into payout_file_part (run_id, part, content) values (:run, :part, :content)"
STEP = "insert into payout_step (run_id, state, actor) values (:run, cast(:state as payout_state), 'x')"
MUST_WAIT = "canceling statement due to lock timeout"


@pytest.fixture
def world(fresh_database: Database) -> World:
    return World(fresh_database.engine, fresh_database.owner_engine)


def impatient(conn: Connection) -> Connection:
    conn.execute(text("set local lock_timeout = '200ms'"))
    return conn


def test_a_line_that_is_being_added_is_not_overlooked_by_who_freezes_the_draft(world: World) -> None:
    partner = world.partner()
    paid, smuggled = world.sale(partner, 7000), world.sale(partner, 4000)
    with world.engine.begin() as conn:
        run_id = conn.execute(
            text("""
                insert into payout_run (reference, weekly, cutoff, settled_through, payer, bank_profile, amount_limit,
                                        prepared_by)
                values ('draft', false, :cutoff, :paid, '{}', '{}', 1000000, 'job:x') returning id
            """),
            {"cutoff": BEFORE.replace(day=3), "paid": paid},
        ).scalar_one()
        payment = conn.execute(
            text("""
                insert into payout_payment (run_id, line, partner_id, bank_account_id, name, iban, siren, amount,
                                            transfers, transfers_digest)
                select :run, 1, partner_id, id, holder, iban, '123456789', 7000, 1, '' from partner_bank_account
                returning id
            """),
            {"run": run_id},
        ).scalar_one()
        conn.execute(text(LINE), {"payment": payment, "transfer": paid, "amount": 7000})
        conn.execute(text("update payout_run set payments = 1, amount = 7000, owed = 7000, content_hash = sha256('x')"))
    with world.engine.connect() as adding, world.engine.connect() as freezing:
        adding.execute(text(LINE), {"payment": payment, "transfer": smuggled, "amount": 4000})
        assert MUST_WAIT in str(breaks(impatient(freezing), STEP, run=run_id, state="frozen"))
        adding.commit()
        assert breaks(freezing, STEP, run=run_id, state="frozen") == "run_adds_up"


def test_bytes_that_are_being_added_are_not_overlooked_by_who_closes_the_file(world: World) -> None:
    world.sale(world.partner(), 7000)
    run = world.approve(world.freeze())
    with world.engine.begin() as conn:
        files.issue(conn, run, "ATOUTS-000001")
        conn.execute(
            text("""
                insert into payout_file (run_id, message_number, message_id, created_at, execution_date, name, size,
                                         sha256)
                values (:run, 1, 'ATOUTS-000001', now(), '2026-09-08', 'x.xml', 5, sha256('bytes'))
            """),
            {"run": run.id},
        )
        conn.execute(text(PART), {"run": run.id, "part": 1, "content": b"bytes"})
    with world.engine.connect() as adding, world.engine.connect() as closing:
        adding.execute(text(PART), {"run": run.id, "part": 2, "content": b" and more"})
        assert MUST_WAIT in str(breaks(impatient(closing), STEP, run=run.id, state="generated"))
        adding.commit()
        assert breaks(closing, STEP, run=run.id, state="generated") == "file_and_books_together"


def test_no_function_of_the_attackers_stands_in_for_one_that_a_guard_calls(world: World) -> None:
    """On servers older than PostgreSQL 15, or upgraded from one, everybody may create in `public`."""
    world.sale(world.partner(), 7000)
    run = world.freeze()
    with world.owner.begin() as conn:
        conn.execute(text("grant create on schema public to public"))
    with world.engine.connect() as conn:
        conn.execute(text("create function public.pg_trigger_depth() returns int language sql as 'select 2'"))
        conn.execute(
            text("create function public.to_jsonb(payout_run) returns jsonb language sql as $$ select '{}'::jsonb $$")
        )
        conn.execute(text("set local search_path = public, pg_catalog, atouts"))
        smaller = "update payout_run set content_hash = sha256('another content') where id = :run"
        assert breaks(conn, smaller, run=run.id) == "no right"
