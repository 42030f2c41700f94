"""Who may not approve a run, told before they try.

The rule itself is kept by the database, see `payout_approval_is_independent` in 0004_payouts.sql.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, text

from ledger.payouts import advance
from ledger.payouts.runs import Run


class Hindrance(StrEnum):
    """Why a person cannot approve a run that waits for approval."""

    PREPARED_IT = "prepared_it"
    TOUCHED_AN_ACCOUNT = "touched_an_account"
    HAS_APPROVED = "has_approved"
    ABOVE_THE_LIMIT = "above_the_limit"
    ABOVE_THE_ADVANCE = "above_the_advance"


_HANDS = text("""
    select exists (select from payout_approval where run_id = :run and person_id = :person) as approved,
           exists (select from payout_payment p
                     join partner_bank_account a on a.id = p.bank_account_id
                     left join bank_account_call c on c.account_id = a.id
                    where p.run_id = :run
                      and (:actor in (a.asked_by, a.accepted_by, c.called_by)
                           or exists (select from bank_account_block b
                                       where b.account_id = a.id and b.lifted_by = :actor))) as touched
""")


def hindrance(conn: Connection, run: Run, person_id: int) -> Hindrance | None:
    """What keeps a person from approving the run; None if nothing that lies in the person or the sum does."""
    actor = f"person:{person_id}"
    if run.prepared_by == actor:
        return Hindrance.PREPARED_IT
    hands = conn.execute(_HANDS, {"run": run.id, "person": person_id, "actor": actor}).one()
    if hands.approved:
        return Hindrance.HAS_APPROVED
    if hands.touched:
        return Hindrance.TOUCHED_AN_ACCOUNT
    if run.amount > run.amount_limit:
        return Hindrance.ABOVE_THE_LIMIT
    left = advance.left(conn, run)
    return Hindrance.ABOVE_THE_ADVANCE if left is not None and run.amount > left else None
