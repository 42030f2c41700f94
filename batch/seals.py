"""The job that seals the history of the books (see `ledger.seals`).

It may run at any time, twice at once, or be killed: each range is a transaction of its own, and the next run goes on
where this one ended.
"""

from collections.abc import Iterator

import structlog
from sqlalchemy import Engine

from ledger import seals
from ledger.database import working_engine
from ledger.seals import Seal

log = structlog.get_logger()


def seal_all(engine: Engine) -> Iterator[Seal]:
    """Seal everything that is settled, range after range, and yield each seal once it is committed."""
    while True:
        with engine.begin() as conn:
            made = seals.seal(conn)
        if made is None:
            return
        yield made


def seal_history() -> str | None:
    """The job: seal what there is, log each seal, and return the latest one as it is printed."""
    latest = None
    with working_engine() as engine:
        for made in seal_all(engine):
            log.info("history.sealed", seal=made.printed, last_id=made.last_id, transfers=made.transfers)
            latest = made.printed
    return latest
