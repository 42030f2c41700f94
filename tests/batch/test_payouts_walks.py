"""Long random stories of sales, refunds, runs, refusals and returns: nothing is ever paid twice or forgotten."""

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from batch import payouts
from ledger.payouts import approval, outcomes, runs
from ledger.payouts.rules import Terms
from tests.conftest import Database
from tests.payout_world import PAYER, World

BEGINNING = datetime(2026, 9, 1, tzinfo=UTC)


class Walk:
    """One story; every step is possible at any time."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.partners = [world.partner() for _ in range(5)]
        self.sales: dict[int, int] = {}

    def instant(self) -> datetime:
        """Any instant of a month; transfers and cut-offs come in no order."""
        return BEGINNING + timedelta(hours=self.random.randrange(24 * 30))

    def sale(self) -> None:
        partner = self.random.choice(self.partners)
        self.sales[self.world.sale(partner, self.random.randrange(1, 5000), self.instant())] = partner

    def refund(self) -> None:
        if self.sales:
            sale, partner = self.sales.popitem()
            self.world.refund(partner, sale, self.instant())

    def suspend_or_reinstate(self) -> None:
        change = """
            update partner
               set status = case status when 'validated' then 'suspended'::partner_status else 'validated' end
             where id = :id
        """
        with self.world.owner.begin() as conn:
            conn.execute(text(change), {"id": self.random.choice(self.partners)})

    def freeze(self) -> None:
        terms = Terms(payer=PAYER, bank_profile={}, minimum=100, payment_limit=20_000)
        self.world.freeze(self.instant(), terms, weekly=False)

    def take_a_run_further(self) -> None:
        with self.world.engine.connect() as conn:
            waiting = runs.in_state(conn, "frozen", "approved")
        if not waiting:
            return
        run = self.random.choice(waiting)
        with self.world.engine.begin() as conn:
            if self.random.random() < 0.4 or approval.outdated(conn, run.id):
                approval.refuse(conn, run.id, actor="person:1", reason="x")
                return
        if run.state == "frozen":
            self.world.approve(run)
        else:
            payouts.generate(self.world.engine, run.id, actor="person:1")

    def send_back(self) -> None:
        with self.world.engine.begin() as conn:
            issued = text("select id from payout_payment where state = 'issued' order by random() limit 1")
            payment = conn.execute(issued).scalar_one_or_none()
            if payment is not None:
                outcomes.send_back(conn, payment, "rejected", reason="MS03", block=False, actor="job:bank")

    def step(self) -> None:
        """Something happens."""
        steps = (
            self.sale,
            self.refund,
            self.suspend_or_reinstate,
            self.freeze,
            self.take_a_run_further,
            self.send_back,
        )
        self.random.choices(steps, weights=(8, 2, 1, 3, 5, 1))[0]()


@pytest.fixture
def world(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty scheme and the settings of a payer."""
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    return World(fresh_database.engine, fresh_database.owner_engine)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_in_whatever_order_nothing_is_paid_twice_or_forgotten(world: World, seed: int) -> None:
    walk = Walk(world, seed)
    for _ in range(80):
        walk.step()
        world.assert_sound()
    with world.owner.begin() as conn:
        conn.execute(text("update partner set status = 'validated'"))
    with world.engine.connect() as conn:
        waiting = runs.in_state(conn, "frozen", "approved")
    for run in waiting:
        payouts.generate(world.engine, (world.approve(run) if run.state == "frozen" else run).id, actor="person:1")
    last = world.freeze(datetime.now(UTC), weekly=False)
    world.assert_sound()
    assert last.held == 0
    assert all(reason in ("nothing_due", "below_minimum") for _, reason in world.held(last).values())


@pytest.mark.slow
def test_runs_frozen_and_refused_while_tills_sell_pay_every_sale_once(world: World) -> None:
    partners = [world.partner() for _ in range(4)]
    sold: list[int] = []
    closed = threading.Event()

    def sell(seed: int) -> None:
        chosen = random.Random(seed)
        while not closed.is_set():
            with world.owner.begin() as conn:
                for _ in range(chosen.randrange(1, 4)):
                    amount = chosen.randrange(100, 1000)
                    world.sale_within(conn, chosen.choice(partners), amount, datetime.now(UTC))
                    sold.append(amount)

    tills = [threading.Thread(target=sell, args=(seed,)) for seed in range(3)]
    for till in tills:
        till.start()
    for number in range(12):
        run = world.freeze(datetime.now(UTC), weekly=False)
        if number % 3 == 1 and run.state == "frozen":
            with world.engine.begin() as conn:
                approval.refuse(conn, run.id, actor="person:1", reason="x")
    closed.set()
    for till in tills:
        till.join()
    world.freeze(datetime.now(UTC), weekly=False)
    world.assert_sound()
    with world.engine.connect() as conn:
        planned = conn.execute(text("select sum(amount) from payout_payment where state = 'planned'")).scalar_one()
    assert planned == sum(sold)
