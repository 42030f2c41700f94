"""Two people, or a person and a job, at one run in the same instant: one of them is told, nothing breaks off."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

from sqlalchemy import text

from batch import payouts
from ledger.payouts import approval, files, runs
from ledger.payouts.approval import NotAllowed
from tests.payout_world import World
from tests.waiting import eventually


class Meanwhile:
    """What somebody else does in another transaction, begun and waiting for a lock before we go on."""

    def __init__(self, world: World, act: Callable[[], object]) -> None:
        self.world = world
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run, args=(act,))

    def _run(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:
            self.error = error

    def begin(self) -> None:
        """Start it, and return once it waits for a lock."""
        self.thread.start()
        assert eventually(self._waits)

    def _waits(self) -> bool:
        waiting = text("""
            select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')
        """)
        with self.world.owner.connect() as conn:
            return bool(conn.execute(waiting).scalar_one())

    def end(self) -> Exception | None:
        """Wait for its end; what went wrong, if anything did."""
        self.thread.join(timeout=20)
        assert not self.thread.is_alive()
        return self.error


def test_a_refusal_while_the_file_is_made_waits_and_is_told_that_it_comes_too_late(world: World) -> None:
    world.sale(world.partner(), 7000)
    run = world.approved()

    def refuse() -> None:
        with world.engine.begin() as conn:
            approval.refuse(conn, run.id, actor="person:2", reason="Trop tard ?")

    other = Meanwhile(world, refuse)
    made = payouts.generate(world.engine, run.id, actor="person:1", progress=lambda _: other.begin())
    assert isinstance(other.end(), NotAllowed)
    assert made.state == world.run(run.id).state == "generated"
    assert world.in_transit == 7000


def test_a_file_asked_for_while_the_run_is_refused_is_not_made(world: World) -> None:
    world.sale(world.partner(), 7000)
    run = world.approved()
    other = Meanwhile(world, lambda: payouts.generate(world.engine, run.id, actor="person:1"))
    with world.engine.begin() as conn:
        approval.refuse(conn, run.id, actor="person:2", reason="Un doute.")
        other.begin()
    assert isinstance(other.end(), NotAllowed)
    assert world.run(run.id).state == "refused"
    assert world.in_transit == 0


def test_two_who_say_at_once_that_the_bank_has_the_file_are_both_right(world: World) -> None:
    world.sale(world.partner(), 7000)
    run = world.generated()
    payouts.download(world.engine, run.id, io.BytesIO(), actor="person:1")

    def bank_has_it() -> None:
        with world.engine.begin() as conn:
            files.confirm_transmission(conn, run.id, actor="job:bank", reason="La banque a répondu.")

    other = Meanwhile(world, bank_has_it)
    with world.engine.begin() as conn:
        files.confirm_transmission(conn, run.id, actor="person:1")
        other.begin()
    assert other.end() is None
    with world.engine.connect() as conn:
        assert [step.state for step in runs.steps(conn, run.id)].count("transmitted") == 1
