"""Closing a run: nothing is left to explain, or a person has explained and signed all that is."""

from __future__ import annotations

from sqlalchemy import Connection, text

from ledger.payouts import outcomes
from ledger.payouts.approval import NotAllowed
from ledger.reconciliation import lock
from ledger.reconciliation.decisions import CannotSettle
from ledger.reconciliation.run_sheet import run_sheet

_CLOSE = text("""
    insert into bank_closing (run_id, difference, reason, closed_by) values (:run, :difference, :reason, :actor)
""")


def close_run(conn: Connection, run_id: int, *, reason: str = "", actor: str) -> None:
    """Say that a run is reconciled.

    Raises `CannotSettle` while something open is neither nil nor explained and signed, and where the difference that is
    left has no `reason`.
    """
    lock.take_turn(conn)
    sheet = run_sheet(conn, run_id)
    unexplained = [item for item in sheet.items if not item.explained]
    if unexplained:
        raise CannotSettle(f"{unexplained[0].title} : {unexplained[0].sentence} Expliquez-le avant de clore.")
    if not sheet.agrees and not reason.strip():
        raise CannotSettle("La campagne ne tombe pas à zéro : dites pourquoi, en une phrase.")
    row = {"run": run_id, "difference": sheet.unsettled, "reason": reason.strip() or None, "actor": actor}
    try:
        outcomes.move(conn, run_id, "reconciled", actor=actor, reason=reason.strip() or None)
    except NotAllowed as error:
        raise CannotSettle("La banque n’a pas encore répondu pour tous les virements de cette campagne.") from error
    conn.execute(_CLOSE, row)
