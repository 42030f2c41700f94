"""Payout runs moved along by what the bank did with their payments."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from ledger.payouts import files, outcomes
from ledger.payouts.runs import State

_STATES = text("""
    select r.id, r.state::text as state,
           count(*) filter (where p.state = 'issued') as issued,
           count(*) filter (where p.state = 'booked') as booked,
           count(*) filter (where p.state = 'rejected') as rejected,
           exists (select from payout_transmission t where t.run_id = r.id and t.finished_at is not null) as left_us,
           count(*) as payments,
           bool_or(p.state_at > coalesce((select max(c.closed_at) from bank_closing c where c.run_id = r.id),
                                         '-infinity')) as changed
      from payout_run r join payout_payment p on p.run_id = r.id
     where r.id = any(:runs)
     group by r.id
""")
_LEADS_TO: dict[str, tuple[State, ...]] = {
    "transmitted": ("booked", "partial", "rejected"),
    "booked": ("partial",),
    "reconciled": ("partial",),
}


def move_runs(conn: Connection, run_ids: Iterable[int], *, actor: str) -> None:
    """Move each run to booked, partial or rejected once the bank has answered for all its payments.

    A file that the bank answers has reached it: a run whose file was downloaded counts as transmitted then.
    """
    for row in conn.execute(_STATES, {"runs": sorted(set(run_ids))}).all():
        state = row.state
        if state == "generated" and row.left_us and row.issued < row.payments:
            files.confirm_transmission(conn, row.id, actor=actor, reason="La banque a répondu.")
            state = "transmitted"
        reached = _reached(row.payments, row.issued, row.booked, row.rejected)
        if reached and reached in _LEADS_TO.get(state, ()) and (row.changed or state != "reconciled"):
            outcomes.move(conn, row.id, reached, actor=actor)


def _reached(payments: int, issued: int, booked: int, rejected: int) -> State | None:
    if issued:
        return None
    if booked == payments:
        return "booked"
    return "rejected" if rejected == payments else "partial"
