"""The ceiling of an advance: a run is approved within what is left of it, and the bank's statements tell how much."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from batch import payouts
from ledger.accounts import BANK, FUNDING, IN_TRANSIT
from ledger.payouts import advance, approval, independence
from ledger.payouts.approval import Altered, NotAllowed
from ledger.payouts.independence import Hindrance
from ledger.payouts.runs import Run
from ledger.rights import Role
from tests.conftest import Database
from tests.payout_world import AFTER, MONDAY, PAYER, World


@pytest.fixture
def world(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """An account that may advance 50 euros."""
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    monkeypatch.setenv("ATOUTS_PAYOUT_ADVANCE_CEILING_CENTS", "5000")
    return World(fresh_database.engine, fresh_database.owner_engine)


def prepared(world: World, *, later: bool = False) -> Run:
    """The run of the week, or one out of turn a few days later."""
    cutoff = AFTER + timedelta(days=1) if later else MONDAY
    return world.run(payouts.prepare(world.engine, cutoff=cutoff, actor="job:payouts", weekly=not later))


def left(world: World, run: Run) -> int | None:
    with world.engine.connect() as conn:
        return advance.left(conn, run)


def bank(world: World, kind: str, debit: int, credit: int, amount: int) -> None:
    """What a statement of the bank does to the books."""
    world.tamper(
        """
        insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year)
        select cast(:kind as transfer_kind), :debit, :credit, :amount, count(*) + 1, 1, 2026 from transfer
        """,
        kind=kind,
        debit=debit,
        credit=credit,
        amount=amount,
    )


def test_each_run_is_approved_within_what_those_before_it_leave(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 3000)
    first = prepared(world)
    world.sale(partner, 2600, AFTER)
    second = prepared(world, later=True)
    assert (left(world, first), left(world, second)) == (5000, 2000)
    with pytest.raises(NotAllowed, match="avance disponible") as refusal:
        world.approve(second)
    assert refusal.value.rule == "run_within_the_advance"
    approver = world.person(Role.PAYMENT_APPROVER)
    with world.engine.connect() as conn:
        assert independence.hindrance(conn, first, approver) is None
        assert independence.hindrance(conn, second, approver) is Hindrance.ABOVE_THE_ADVANCE
    assert world.approve(first).state == "approved"


def test_what_is_paid_counts_until_the_bank_shows_that_the_advance_was_made_up(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 3000)
    paid = world.generated()
    world.sale(partner, 2600, AFTER)
    run = prepared(world, later=True)
    assert paid.amount == 3000
    assert left(world, run) == 2000
    # The statement that tells of the advance and of the transfers leaves as much.
    bank(world, "bank_funding", BANK, FUNDING, 5000)
    bank(world, "bank_debit", IN_TRANSIT, BANK, 3000)
    assert left(world, run) == 2000
    with pytest.raises(NotAllowed):
        world.approve(run)
    bank(world, "bank_funding", BANK, FUNDING, 3000)
    assert left(world, run) == 5000
    # More than the advance on the account does not raise its ceiling.
    bank(world, "bank_funding", BANK, FUNDING, 9000)
    assert left(world, run) == 5000
    assert world.approve(run).state == "approved"


def test_a_run_that_was_refused_leaves_its_share(world: World) -> None:
    world.sale(world.partner(), 3000)
    first = prepared(world)
    with world.engine.begin() as conn:
        approval.refuse(conn, first.id, actor="person:1", reason="Trop tôt.")
    again = prepared(world)
    assert left(world, again) == 5000
    assert world.approve(again).state == "approved"


def test_the_ceiling_is_part_of_what_is_approved(world: World) -> None:
    world.sale(world.partner(), 6000)
    run = prepared(world)
    assert run.advance_ceiling == 5000
    world.tamper("update payout_run set advance_ceiling = null")
    with world.engine.begin() as conn, pytest.raises(Altered):
        approval.verify(conn, world.run(run.id))


def test_an_account_without_such_a_ceiling_pays_what_is_owed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATOUTS_PAYOUT_ADVANCE_CEILING_CENTS")
    world.sale(world.partner(), 6000)
    run = prepared(world)
    assert (run.advance_ceiling, left(world, run)) == (None, None)
    assert world.approve(run).state == "approved"
    with world.engine.connect() as conn:
        assert conn.scalar(text("select count(*) from payout_run where advance_ceiling is not null")) == 0
