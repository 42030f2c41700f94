"""The jobs that run beside the tills, all at once and again and again: each may be killed anywhere, and done twice."""

import contextlib
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from batch.seals import seal_all
from ledger import benefits, holds, lapses
from ledger.calendar import school_year_at
from ledger.database import engine_for
from ledger.payouts import approval
from ledger.payouts.freeze import freeze
from ledger.settled import StillPosting
from tests.payout_world import TERMS


def seal(engine: Engine) -> None:
    for _ in seal_all(engine):
        pass


def grant(engine: Engine) -> None:
    with engine.begin() as conn:
        year = school_year_at(conn.execute(text("select now()")).scalar_one())
        benefits.grant(conn, year, actor="job:grants")


def expire_holds(engine: Engine) -> None:
    with engine.begin() as conn:
        holds.expire(conn)


def lapse(engine: Engine) -> None:
    with engine.begin() as conn:
        lapses.lapse_batch(conn)


def freeze_and_refuse(engine: Engine) -> None:
    try:
        with engine.begin() as conn:
            cutoff = conn.execute(text("select now()")).scalar_one()
            run = freeze(conn, cutoff=cutoff, terms=TERMS, actor="job:payouts", weekly=False, patience=1)
    except StillPosting:
        return
    # A run with nothing to pay is over already.
    with contextlib.suppress(approval.NotAllowed), engine.begin() as conn:
        approval.refuse(conn, run, actor="person:1", reason="simulation")


JOBS: tuple[Callable[[Engine], None], ...] = (seal, grant, expire_holds, lapse, freeze_and_refuse)


def work(url: str, stop: Path, seed: int) -> None:
    engine = engine_for(url)
    chance = random.Random(seed)
    while not stop.exists():
        with contextlib.suppress(DBAPIError):
            chance.choice(JOBS)(engine)
        time.sleep(0.05)


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
