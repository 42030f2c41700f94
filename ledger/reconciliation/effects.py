"""What the bank's word does to the books, and to the payments.

The bank account moves by each booked entry of a statement, share by share: against transit for our payments, against
the charges' account for fees, against suspense for all that is not explained. What is explained later moves from
suspense onward, so the bank account never moves twice for one entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal

from sqlalchemy import Connection

from ledger.accounts import BANK, BANK_CHARGES, FUNDING, IN_TRANSIT, SUSPENSE, WRITE_OFF
from ledger.bank_messages import Reason
from ledger.calendar import school_year_of
from ledger.payouts import outcomes, runs
from ledger.reconciliation.notices import Notice, Tell, officers
from ledger.return_reasons import FollowUp, follow_up
from ledger.shares import Match, MatchKind, Share
from ledger.transfers import Kind, Transfer

Counter = tuple[int, int]
"""An account and the signed cents, as on the statement, that stand against it."""

NO_CODE = "NONE"
"""Stands for the reason code where the bank gives none."""

_FROM_BANK: dict[int, Kind] = {BANK_CHARGES: "bank_charge", FUNDING: "bank_funding", SUSPENSE: "suspense_in"}


def counters(share: Share) -> list[Counter]:
    """Against which accounts a share stands; they add up to it. What is not certain stands against suspense."""
    if not isinstance(share, Match) or not share.certain:
        return [(SUSPENSE, share.signed_cents)]
    if share.kind is MatchKind.CHARGES:
        return [(BANK_CHARGES, share.signed_cents)]
    return payment_counters(share.signed_cents, share.charges_cents)


def payment_counters(signed_cents: int, charges_cents: int) -> list[Counter]:
    """Against which accounts our payments stand: transit for all they are worth, charges for what a bank kept."""
    kept = [(BANK_CHARGES, -charges_cents)] if charges_cents else []
    return [(IN_TRANSIT, signed_cents + charges_cents), *kept]


def from_bank(document: int, against: Iterable[Counter], day: date) -> list[Transfer]:
    """The transfers by which the bank account moves against these accounts."""
    return [
        _transfer(_kind(account, signed), BANK, account, signed, document, day, line)
        for line, (account, signed) in enumerate(against, start=1)
    ]


def from_suspense(document: int, against: Iterable[Counter], day: date) -> list[Transfer]:
    """The transfers by which what was in suspense moves on to these accounts."""
    return [
        _transfer("write_off" if account == WRITE_OFF else "suspense_out", SUSPENSE, account, signed, document, day, n)
        for n, (account, signed) in enumerate(against, start=1)
        if account != SUSPENSE
    ]


def _kind(account: int, signed: int) -> Kind:
    if account == IN_TRANSIT:
        return "bank_return" if signed > 0 else "bank_debit"
    return _FROM_BANK[account]


def _transfer(kind: Kind, one: int, other: int, signed: int, document: int, day: date, line: int) -> Transfer:
    """Money that came in is debited to the first account and credited to the other, and the other way round."""
    debit, credit = (one, other) if signed > 0 else (other, one)
    return Transfer(kind, debit, credit, abs(signed), document, school_year_of(day), line)


def owe_again(
    conn: Connection,
    payment_id: int,
    outcome: Literal["rejected", "returned"],
    reasons: Sequence[Reason],
    *,
    tell: Tell,
    actor: str,
) -> FollowUp:
    """A payment was rejected or came back: owe it again, block its account where the reason asks for it, and tell."""
    what = follow_up(reasons, returned=outcome == "returned")
    outcomes.send_back(conn, payment_id, outcome, reason=what.code or NO_CODE, block=what.blocks_iban, actor=actor)
    run, payment = runs.payment(conn, payment_id)
    tell(
        conn,
        Notice(
            outcome=outcome,
            partner_id=payment.frozen.partner_id,
            partner_name=payment.partner_name,
            partner_email=payment.partner_email,
            run=run.reference,
            end_to_end_id=payment.end_to_end_id or "",
            amount=payment.frozen.amount,
            iban=payment.frozen.iban,
            reasons=tuple(reasons),
            what_to_do=what,
            officers=officers(conn),
        ),
    )
    return what
