"""One at a time: imports and decisions read what is open and act on it."""

from __future__ import annotations

from sqlalchemy import Connection, text

_LOCK = text("select pg_advisory_xact_lock(hashtext('atouts bank reconciliation'))")


def take_turn(conn: Connection) -> None:
    """Wait for every other import or decision to end, and hold them off until this transaction ends."""
    conn.execute(_LOCK)
