"""Up to which transfer the books are complete: below it, nothing can appear any more.

Transfers take their numbers while their transactions are open, so a lower number may be committed after a higher one.
Whoever is about to take a number holds a lock on the table of transfers until its transaction ends. So: read the number
last given, see who holds such a lock, wait until all of them have ended. Nobody is locked out meanwhile.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, text

_LAST_GIVEN = text("select case when is_called then last_value else 0 end from transfer_number")
_WRITING = text("""
    select virtualtransaction from pg_locks
     where locktype = 'relation' and relation = 'transfer'::regclass and mode = 'RowExclusiveLock' and granted
       and database = (select oid from pg_database where datname = current_database()) and pid <> pg_backend_pid()
""")


class StillPosting(Exception):
    """A transaction that posts transfers has been open for too long to wait for; try again later."""


def settled_through(conn: Connection, patience: float = 20) -> int:
    """The highest transfer number at or below which nothing can appear any more.

    Waits up to `patience` seconds for transactions that are posting. Later statements of a read committed transaction
    see all of what is settled; the transaction must not have posted anything itself. Raises `StillPosting`.
    """
    last = int(conn.execute(_LAST_GIVEN).scalar_one())
    writing = set(conn.execute(_WRITING).scalars())
    deadline = time.monotonic() + patience
    while writing:
        if time.monotonic() > deadline:
            raise StillPosting("Des écritures ne sont pas encore finies : recommencez dans un instant.")
        time.sleep(0.02)
        writing &= set(conn.execute(_WRITING).scalars())
    return last
