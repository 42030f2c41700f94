"""The ceiling of an advance, where the account that pays is that of a régie d'avances.

A régie pays out of a sum that its public accountant has put at its disposal, and that is made up again against proof of
what was paid. What it has paid and not been given back never exceeds that sum (Code général des collectivités
territoriales, article R1617-12). So a run is approved only within what is left; the database keeps that promise, see
`payout_advance_left` in 0004_payouts.sql. Nothing has to be prepared again once the advance is made up: the next
statement of the bank says so.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from ledger.payouts.runs import Run


def left(conn: Connection, run: Run) -> int | None:
    """Cents of the advance that a run waiting for approval may pay now, below zero too; None without a ceiling."""
    found: int | None = conn.scalar(text("select payout_advance_left(:run)"), {"run": run.id})
    return found
