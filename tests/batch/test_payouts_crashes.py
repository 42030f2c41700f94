"""The crash matrix: real workers, killed at each step, doubled, or robbed of their queue.

Whatever happens: one run, the same bytes, nothing paid twice and nothing lost.
"""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from batch import payout_jobs, payouts
from batch.queue import queue, redis_connection
from ledger.payouts import runs
from ledger.payouts.runs import Run
from tests.batch import mortal_worker
from tests.conftest import Database
from tests.payout_world import PAYER, World

PARTNERS = 5
LAST_WEEK = datetime.now(UTC) - timedelta(days=8)

PREPARING = (
    "ledger.payouts.freeze:settled_through",
    "ledger.payouts.freeze:_Freeze.batch",
    "batch.payouts:freeze",
    "batch.payouts:prepare_due",
)
GENERATING = (
    "ledger.payouts.files:next_number",
    "ledger.payouts.files:issue",
    "batch.payouts:write_pain001",
    "batch.payouts:check_file",
    "ledger.payouts.files:store",
    "batch.payouts:generate",
)
TRANSMITTING = (
    "ledger.payouts.files:begin_transmission",
    "ledger.payouts.files:copy",
    "batch.payouts:_drop",
    "ledger.payouts.files:finish_transmission",
    "batch.payouts:transmit",
    "batch.payout_documents:_letter",
)


class Machine:
    """A machine with a queue and workers; the database is elsewhere and stays."""

    def __init__(self, world: World, redis_url: str, folder: Path) -> None:
        self.world = world
        self.redis_url = redis_url
        self.folder = folder

    def ask(self, job: Callable[..., object], *arguments: object) -> None:
        """Put a job into the queue."""
        queue("default", redis_connection(self.redis_url)).enqueue(job, *arguments)

    def start(self, dies_after: str = "-") -> subprocess.Popen[bytes]:
        """A worker that ends when there is nothing left to do, or dies before."""
        return subprocess.Popen(
            [sys.executable, mortal_worker.__file__, dies_after],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def work(self, dies_after: str = "-") -> None:
        """Have a worker do what waits, or die at it."""
        ended = self.start(dies_after).wait(timeout=120)
        assert ended == (0 if dies_after == "-" else -signal.SIGKILL)

    def lose_the_queue(self) -> None:
        """Forget every job, as a Redis without its disk does."""
        redis_connection(self.redis_url).flushdb()


@pytest.fixture
def machine(
    fresh_database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Machine]:
    """Five partners to whom a week is owed; at the end the runs and the books must agree."""
    for name, value in {
        "ATOUTS_DATABASE_URL": fresh_database.owner_url,
        "ATOUTS_DATABASE_APP_URL": fresh_database.app_url,
        "ATOUTS_REDIS_URL": redis_url,
        "ATOUTS_PAYER_IBAN": PAYER.iban,
        "ATOUTS_PAYOUT_FOLDER": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    for number in range(PARTNERS):
        world.sale(world.partner(), 1000 + number, LAST_WEEK)
    yield Machine(world, redis_url, tmp_path)
    world.assert_sound()


def the_run(world: World) -> Run:
    """The one run that there is."""
    with world.engine.connect() as conn:
        (run,) = runs.latest(conn)
    return run


def frozen(machine: Machine) -> Run:
    """The week's run, approved."""
    (number,) = payouts.prepare_due(machine.world.engine, actor="job:payouts")
    return machine.world.approve(machine.world.run(number))


def assert_paid_once(machine: Machine) -> None:
    """One run, one file of the stored bytes, one posting and one mail for each payment."""
    world, run = machine.world, the_run(machine.world)
    assert run.state == "transmitted"
    assert run.file is not None
    assert run.file.message_id == "ATOUTS-000001"
    assert [path.name for path in machine.folder.iterdir()] == [run.file.name]
    stored, anew = world.content(run), io.BytesIO()
    assert (machine.folder / run.file.name).read_bytes() == stored
    with world.engine.connect() as conn:
        payouts.rewrite(conn, run, anew)
        mails = conn.execute(text("select count(*) from mail_outbox where purpose = 'remittance_advice'")).scalar_one()
    assert anew.getvalue() == stored
    assert mails == PARTNERS
    assert world.in_transit == run.amount == sum(1000 + number for number in range(PARTNERS))


@pytest.mark.slow
@pytest.mark.parametrize("queue_survives", [True, False])
@pytest.mark.parametrize("place", PREPARING)
def test_a_worker_killed_while_preparing_leaves_one_run(machine: Machine, place: str, queue_survives: bool) -> None:
    machine.ask(payout_jobs.prepare_due_weeks)
    machine.work(dies_after=place)
    if not queue_survives:
        machine.lose_the_queue()
    machine.ask(payout_jobs.nudge)
    machine.work()
    assert (the_run(machine.world).state, the_run(machine.world).payments) == ("frozen", PARTNERS)


@pytest.mark.slow
@pytest.mark.parametrize("place", GENERATING)
def test_a_worker_killed_while_generating_leaves_one_file_or_none(machine: Machine, place: str) -> None:
    run = frozen(machine)
    machine.ask(payout_jobs.generate_file, run.id, "person:1")
    machine.work(dies_after=place)
    after = the_run(machine.world)
    whole = place == "batch.payouts:generate"
    assert (after.file is not None, machine.world.in_transit) == (whole, run.amount if whole else 0)
    machine.ask(payout_jobs.generate_file, run.id, "person:1")
    machine.ask(payout_jobs.transmit_file, run.id, "person:1")
    machine.work()
    assert_paid_once(machine)


@pytest.mark.slow
@pytest.mark.parametrize("queue_survives", [True, False])
@pytest.mark.parametrize("place", TRANSMITTING)
def test_a_worker_killed_while_transmitting_leaves_one_file_with_the_bank(
    machine: Machine, place: str, queue_survives: bool
) -> None:
    run = frozen(machine)
    payouts.generate(machine.world.engine, run.id, actor="person:1")
    machine.ask(payout_jobs.transmit_file, run.id, "person:1")
    machine.work(dies_after=place)
    if not queue_survives:
        machine.lose_the_queue()
    if place == "ledger.payouts.files:begin_transmission":
        # Nothing was noted yet: whoever asked sees that nothing happened, and asks again.
        machine.ask(payout_jobs.transmit_file, run.id, "person:1")
    machine.ask(payout_jobs.nudge)
    machine.work()
    assert_paid_once(machine)


@pytest.mark.slow
def test_a_file_that_vanished_before_its_status_was_noted_is_sent_again_with_the_same_bytes(machine: Machine) -> None:
    run = frozen(machine)
    payouts.generate(machine.world.engine, run.id, actor="person:1")
    machine.ask(payout_jobs.transmit_file, run.id, "person:1")
    machine.work(dies_after="batch.payouts:_drop")
    (left,) = machine.folder.iterdir()
    first = left.read_bytes()
    left.unlink()
    machine.ask(payout_jobs.nudge)
    machine.work()
    assert left.read_bytes() == first
    assert_paid_once(machine)


@pytest.mark.slow
def test_every_job_twice_by_two_workers_at_once_is_done_once(machine: Machine) -> None:
    def at_once(job: Callable[..., object], *arguments: object) -> None:
        for _ in range(4):
            machine.ask(job, *arguments)
        workers = [machine.start(), machine.start()]
        assert [worker.wait(timeout=120) for worker in workers] == [0, 0]

    at_once(payout_jobs.prepare_due_weeks)
    run = machine.world.approve(the_run(machine.world))
    at_once(payout_jobs.generate_file, run.id, "person:1")
    at_once(payout_jobs.transmit_file, run.id, "person:1")
    assert_paid_once(machine)
    with machine.world.engine.connect() as conn:
        states = [step.state for step in runs.steps(conn, run.id)]
    assert states == ["frozen", "approved", "generated", "transmitted"]
