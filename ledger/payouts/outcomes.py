"""What the bank did with the payments of a file, as reconciliation tells it.

A payment that was rejected, or that came back, is owed again: its amount moves from transit back to the partner, whole,
and the next run pays it under a new id. The lines that it paid stay paid by it: nothing is claimed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Connection, text

from ledger import audit, partner_accounts, promises
from ledger.accounts import IN_TRANSIT, partner_account
from ledger.payouts import runs
from ledger.payouts.approval import NotAllowed
from ledger.payouts.freeze import STEP
from ledger.payouts.runs import Payment, State
from ledger.transfers import Transfer, post

_REFUSALS = {
    "states_follow": "La campagne n’est pas dans un état qui le permet.",
    "payments_move_forward": "Le virement n’est pas dans un état qui le permet.",
}

_BOOK = text("""
    update payout_payment set state = 'booked', state_at = now()
     where run_id = :run and state = 'issued' and (cast(:ids as bigint[]) is null or id = any(cast(:ids as bigint[])))
""")
_SEND_BACK = text("""
    update payout_payment set state = :state, state_reason = :reason, state_at = now()
     where id = :id and state <> :state
""")
_PAYOUT = text("select id, school_year from transfer where kind = 'payout' and document = :payment and line = 1")


def book(conn: Connection, run_id: int, payment_ids: Sequence[int] | None = None) -> int:
    """The bank has debited us: for these payments of a run, or for all that are neither rejected nor returned.

    Returns how many that changed.
    """
    ids = None if payment_ids is None else list(payment_ids)
    return int(conn.execute(_BOOK, {"run": run_id, "ids": ids}).rowcount)


def send_back(
    conn: Connection, payment_id: int, outcome: Literal["rejected", "returned"], *, reason: str, block: bool, actor: str
) -> int:
    """A payment was rejected or came back, for the ISO `reason` code: owe its amount again, and return that transfer.

    `block` says that the account is not to be paid until somebody has looked at it. Told twice, it happens once. Raises
    `NotAllowed` for a payment that never left, or that has come back otherwise.
    """
    _, payment = runs.payment(conn, payment_id)
    paid = conn.execute(_PAYOUT, {"payment": payment_id}).one_or_none()
    if paid is None:
        raise NotAllowed("payments_move_forward", _REFUSALS["payments_move_forward"])
    with promises.told(conn, _REFUSALS, NotAllowed):
        conn.execute(_SEND_BACK, {"id": payment_id, "state": outcome, "reason": reason})
    (transfer,) = post(conn, [_reopening(payment, paid.id, paid.school_year)])
    if block:
        partner_accounts.block(
            conn,
            payment.frozen.bank_account_id,
            reason=f"{payment.end_to_end_id} {runs.PAYMENT_STATE_WORDS[outcome]} ({reason})",
            actor=actor,
        )
    audit.record(
        conn,
        actor=actor,
        action=f"payout.{outcome}",
        subject=f"payout_payment:{payment.end_to_end_id}",
        details={"reason": reason, "blocked": block, "transfer": transfer},
    )
    return transfer


def _reopening(payment: Payment, paid: int, school_year: int) -> Transfer:
    frozen = payment.frozen
    return Transfer(
        "payout_reopened",
        IN_TRANSIT,
        partner_account(frozen.partner_id),
        frozen.amount,
        payment.id,
        school_year,
        reverses=paid,
    )


def move(conn: Connection, run_id: int, state: State, *, actor: str, reason: str | None = None) -> None:
    """Take a run to "booked", "partial", "rejected" or "reconciled"; being there already is fine.

    Raises `NotAllowed` when its present state does not lead there.
    """
    run = runs.get(conn, run_id)
    if run.state == state:
        return
    with promises.told(conn, _REFUSALS, NotAllowed):
        conn.execute(STEP, {"run": run_id, "state": state, "actor": actor, "reason": reason})
    audit.record(conn, actor=actor, action=f"payout.{state}", subject=f"payout_run:{run.reference}")
