"""Year end: the job that lapses what is left once a deadline has passed. It may run any day, any number of times."""

from collections.abc import Callable

from sqlalchemy import Engine

from ledger import audit, lapses
from ledger.lapses import Lapsed


def lapse(engine: Engine, *, actor: str = "job:year_end", progress: Callable[[int], None] | None = None) -> Lapsed:
    """Lapse every wallet whose time is up, batch by batch; `progress` is told how many wallets each batch emptied.

    Two of these at once share the work: a batch locks its wallets, and finds those of the other empty.
    """
    total = Lapsed(0, 0)
    while True:
        with engine.begin() as conn:
            done = lapses.lapse_batch(conn)
            if done.wallets:
                audit.record(
                    conn,
                    actor=actor,
                    action="benefits.lapse",
                    subject="wallets",
                    details={"wallets": done.wallets, "cents": done.amount},
                )
        total += done
        if progress:
            progress(done.wallets)
        if not done.wallets:
            with engine.connect() as conn:
                if not lapses.waiting(conn):
                    return total
