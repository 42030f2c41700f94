"""Freezing a run: what is owed, by whom it is claimed, and that nothing is forgotten or paid twice."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from ledger.calendar import Week, week_of
from ledger.payouts import approval, calendar, runs
from ledger.payouts.approval import NotAllowed
from ledger.payouts.freeze import NotYet, freeze
from ledger.payouts.rules import Flag
from ledger.rights import Role
from ledger.settled import StillPosting
from tests.conftest import Database
from tests.payout_world import AFTER, BEFORE, MONDAY, PAYER, TERMS, World, iban


@pytest.fixture
def world(fresh_database: Database) -> Iterator[World]:
    """An empty scheme; at the end of each test the runs and the books must agree."""
    world = World(fresh_database.engine, fresh_database.owner_engine)
    yield world
    world.assert_sound()


def test_what_is_owed_is_paid_carried_or_held_and_nothing_else(world: World) -> None:
    paid, carried, small, suspended, unknown = (world.partner() for _ in range(5))
    world.sale(paid, 7000)
    world.sale(paid, 4000, AFTER)
    world.refund(carried, world.sale(carried, 4000, AFTER - timedelta(days=30)), BEFORE)
    world.sale(small, 99)
    world.sale(suspended, 1000)
    world.sale(unknown, 2000)
    with world.owner.begin() as conn:
        conn.execute(text("update partner set status = 'suspended' where id = :id"), {"id": suspended})
        conn.execute(text("update partner set status = 'refused' where id = :id"), {"id": unknown})
    run = world.freeze()
    assert (run.amount, run.carried, run.held, run.owed) == (7000, 99, 3000, 10_099)
    assert [one.frozen.partner_id for one in world.payments(run)] == [paid]
    assert world.held(run) == {
        carried: (0, "nothing_due"),
        small: (99, "below_minimum"),
        suspended: (1000, "partner_suspended"),
        unknown: (2000, "partner_not_validated"),
    }


def test_the_next_run_takes_over_what_was_carried_and_what_is_no_longer_held(world: World) -> None:
    small, suspended, owing = (world.partner() for _ in range(3))
    world.sale(small, 99)
    world.sale(suspended, 1000)
    sold = world.sale(owing, 5000)
    world.freeze(MONDAY)
    with world.owner.begin() as conn:
        conn.execute(text("update partner set status = 'suspended' where id = :id"), {"id": suspended})
    world.refund(owing, sold, AFTER)
    world.sale(owing, 3000, AFTER)
    world.sale(small, 50, AFTER)
    world.sale(suspended, 200, AFTER)
    second = world.freeze(MONDAY + timedelta(days=7))
    assert {one.frozen.partner_id: one.frozen.amount for one in world.payments(second)} == {small: 149}
    assert world.held(second) == {owing: (-2000, "nothing_due"), suspended: (200, "partner_suspended")}
    world.sale(owing, 2500, AFTER + timedelta(days=7))
    with world.owner.begin() as conn:
        conn.execute(text("update partner set status = 'validated' where id = :id"), {"id": suspended})
    third = world.freeze(MONDAY + timedelta(days=14))
    assert {one.frozen.partner_id: one.frozen.amount for one in world.payments(third)} == {owing: 500, suspended: 200}


def test_a_sale_at_the_cut_off_belongs_to_the_next_week(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 1000, MONDAY - timedelta(microseconds=1))
    world.sale(partner, 2000, MONDAY)
    assert world.freeze().amount == 1000
    assert world.freeze(MONDAY + timedelta(days=7)).amount == 2000


def test_a_transfer_with_a_lower_number_that_commits_later_is_not_forgotten(world: World) -> None:
    partner = world.partner()
    late = world.owner.connect()
    transaction = late.begin()
    world.sale_within(late, partner, 1000, BEFORE)
    world.sale(partner, 2000, BEFORE)

    def commit() -> None:
        time.sleep(0.5)
        transaction.commit()

    thread = threading.Thread(target=commit)
    thread.start()
    run = world.freeze()
    thread.join()
    late.close()
    assert run.amount == 3000


def test_a_run_is_not_frozen_while_a_posting_stays_open(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 2000)
    with world.owner.begin() as late, world.engine.connect() as conn:
        world.sale_within(late, partner, 1000)
        with pytest.raises(StillPosting, match="recommencez dans un instant"), conn.begin():
            freeze(conn, cutoff=MONDAY, terms=TERMS, actor="job:payouts", patience=0.1)
    assert world.freeze().amount == 3000


def test_a_week_is_frozen_once_and_sales_posted_late_wait_for_the_next(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 1000)
    run = world.freeze()
    world.sale(partner, 500, BEFORE)
    assert world.freeze().id == run.id
    following = world.freeze(MONDAY + timedelta(days=7))
    assert (following.reference, following.amount) == ("2026-W37", 500)


def test_two_freezes_at_once_make_one_run(world: World) -> None:
    for _ in range(3):
        world.sale(world.partner(), 1000)
    made: list[int] = []
    threads = [threading.Thread(target=lambda: made.append(world.freeze().id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1


def test_a_run_out_of_turn_pays_what_is_owed_at_its_instant(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 1000)
    run = world.freeze(AFTER, weekly=False)
    assert (run.reference, run.weekly, run.amount) == ("2026-W37-X1", False, 1000)
    assert world.freeze(AFTER, weekly=False).reference == "2026-W37-X2"
    assert world.freeze(MONDAY + timedelta(days=7)).state == "empty"


def test_a_cut_off_lies_in_the_past(world: World) -> None:
    with pytest.raises(NotYet):
        world.freeze(datetime.now(UTC) + timedelta(hours=1))


def test_a_refusal_frees_everything_with_its_reason(world: World) -> None:
    partners = [world.partner() for _ in range(3)]
    for partner in partners:
        world.sale(partner, 1000)
    run = world.freeze()
    accountant = world.person(Role.ACCOUNTANT)
    with world.engine.begin() as conn:
        approval.refuse(conn, run.id, actor=f"person:{accountant}", reason="IBAN douteux")
        (_, refused) = runs.steps(conn, run.id)
    assert (refused.state, refused.reason, refused.actor) == ("refused", "IBAN douteux", f"person:{accountant}")
    assert {one.state for one in world.payments(run)} == {"withdrawn"}
    again = world.freeze()
    assert (again.reference, again.amount) == ("2026-W36-2", 3000)


def test_a_refusal_needs_a_reason(world: World) -> None:
    world.sale(world.partner(), 1000)
    run = world.freeze()
    with world.engine.begin() as conn, pytest.raises(NotAllowed) as refusal:
        approval.refuse(conn, run.id, actor="person:1", reason=" ")
    assert refusal.value.rule == "a_refusal_has_a_reason"


def test_a_refused_run_below_a_later_one_is_paid_by_the_one_after(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 1000)
    first = world.freeze()
    world.sale(partner, 500, AFTER)
    world.freeze(MONDAY + timedelta(days=7))
    with world.engine.begin() as conn:
        approval.refuse(conn, first.id, actor="person:1", reason="à revoir")
    world.sale(partner, 20, AFTER + timedelta(days=7))
    assert world.freeze(MONDAY + timedelta(days=14)).amount == 1020


def test_payee_and_account_are_those_of_the_instant_of_the_freeze(world: World) -> None:
    partner = world.partner(name="Lycée d’avant", account=iban(77))
    world.sale(partner, 1000)
    run = world.freeze()
    with world.owner.begin() as conn:
        conn.execute(text("update partner set name = 'Lycée d’après' where id = :id"), {"id": partner})
    (payment,) = world.payments(run)
    assert (payment.frozen.name, payment.frozen.iban) == ("Lycée d’avant", iban(77))
    assert payment.frozen.siren == payment.siret[:9]


def test_flags_come_from_the_history_of_the_partner(world: World) -> None:
    shared = iban(4711)
    one, other = world.partner(account=shared), world.partner(account=shared)
    world.sale(one, 1000)
    world.sale(other, 1000)
    run = world.freeze()
    assert run.flags == ()
    assert [payment.frozen.flags for payment in world.payments(run)] == [(Flag.FIRST_PAYMENT, Flag.IBAN_SHARED)] * 2


def test_limits_of_a_week_count_every_run_of_seven_days(world: World) -> None:
    terms = replace(TERMS, weekly_limit=1500)
    partner = world.partner()
    world.sale(partner, 1000)
    assert world.freeze(AFTER, terms, weekly=False).amount == 1000
    world.sale(partner, 600, AFTER)
    held = world.freeze(MONDAY + timedelta(days=7), terms)
    assert world.held(held) == {partner: (600, "above_weekly_limit")}
    assert world.freeze(MONDAY + timedelta(days=14), terms).amount == 600


def test_the_weeks_due_are_told_by_the_database_in_paris_time(world: World) -> None:
    first = week_of(BEFORE)
    with world.engine.connect() as conn:
        assert calendar.due(conn, MONDAY) == []
    world.sale(world.partner(), 1000)
    with world.engine.connect() as conn:
        assert calendar.due(conn, MONDAY - timedelta(microseconds=1)) == []
        assert calendar.due(conn, MONDAY) == [first]
        assert calendar.due(conn, MONDAY + timedelta(days=15)) == [first, first.next(), first.next().next()]
    world.freeze()
    with world.engine.connect() as conn:
        assert calendar.due(conn, MONDAY + timedelta(days=6)) == []
        assert calendar.due(conn, MONDAY + timedelta(days=7)) == [first.next()]


def test_weeks_are_due_at_midnight_in_paris_when_the_clocks_have_changed(world: World) -> None:
    world.sale(world.partner(), 1000, datetime(2026, 10, 20, 12, tzinfo=UTC))
    winter = Week(datetime(2026, 10, 19, tzinfo=UTC).date())
    with world.engine.connect() as conn:
        assert calendar.due(conn, datetime(2026, 10, 25, 22, 59, tzinfo=UTC)) == []
        assert calendar.due(conn, datetime(2026, 10, 25, 23, tzinfo=UTC)) == [winter]


def test_the_payer_and_the_conditions_are_part_of_what_is_approved(world: World) -> None:
    world.sale(world.partner(), 1000)
    run = world.freeze()
    assert run.payer == PAYER
    with world.engine.begin() as conn:
        approval.refuse(conn, run.id, actor="person:1", reason="autre compte")
    again = world.freeze(terms=replace(TERMS, payer=replace(PAYER, bic="BDFEFRPPCCT")))
    assert again.content_hash != run.content_hash
