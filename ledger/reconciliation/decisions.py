"""What people do about what the files alone do not explain: accept, refuse, explain, sign.

Everything here moves amounts from suspense onward or says why they stay there; the bank account itself never moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import Connection, Row, text

from ledger import audit
from ledger.accounts import BANK_CHARGES, FUNDING, WRITE_OFF
from ledger.bank_messages import Direction, MessageKind, Reason
from ledger.expected import ExpectedPayment
from ledger.explanations import learn
from ledger.money import euros
from ledger.reconciliation import expectations, lock, offsets, reports
from ledger.reconciliation.entries import Decided, Writer
from ledger.reconciliation.notices import Tell
from ledger.reconciliation.progress import move_runs
from ledger.reconciliation.retries import retry_open
from ledger.settings import BANK_CHARGES_LIMIT_CENTS
from ledger.shares import Match, MatchKind

_SHARE = text("""
    select s.*, e.booked_on from bank_share s join bank_entry e on e.id = s.entry_id where s.id = :id
""")
_PAYMENTS = text("""
    select p.end_to_end_id from bank_share_payment s join payout_payment p on p.id = s.payment_id
     where s.share_id = :id order by p.id
""")
_DECIDE = text("""
    update bank_share set state = :state, decided_by = :actor, decided_at = now(), decision = :decision
     where id = any(:ids)
""")
_REPLACE = text("update bank_share set state = 'replaced' where id = :id")
_DISMISS = text("""
    update bank_statement set state = 'dismissed', decided_by = :actor, decided_at = now(), decision = :decision
     where id = :id and state = 'quarantined'
""")
_SETTLE_CONFLICT = text("""
    update bank_status_conflict set settled_by = :actor, settled_at = now(), decision = :decision
     where id = :id and settled_at is null
""")
_IS_THERE = {
    "relevé": text("select exists (select from bank_statement where id = :id)"),
    "conflit": text("select exists (select from bank_status_conflict where id = :id)"),
}
_LIVE = ("open", "refused", "waiting")


class CannotSettle(ValueError):
    """The item does not allow this. The text is one French sentence for the accountant."""


class Explanation(StrEnum):
    """What an amount that nothing of ours explains can be."""

    CHARGES = "charges"
    FUNDING = "funding"
    WRITE_OFF = "write_off"

    @property
    def account(self) -> int:
        """Where the amount goes."""
        return {self.CHARGES: BANK_CHARGES, self.FUNDING: FUNDING, self.WRITE_OFF: WRITE_OFF}[self]


def accept(conn: Connection, share_id: int, *, actor: str, tell: Tell) -> None:
    """Take a proposed match as certain. Raises `CannotSettle` when it is none any more."""
    lock.take_turn(conn)
    share = _share(conn, share_id, "open")
    if share.nature != "match":
        raise CannotSettle("Rien n’est proposé pour cette écriture.")
    if share.kind == MatchKind.OFFSET:
        _accept_offset(conn, share, actor, tell)
        return
    ids = list(conn.execute(_PAYMENTS, {"id": share_id}).scalars())
    _apply(conn, share, ids, share.reason.removeprefix("À confirmer : "), "Proposition acceptée.", actor, tell)


def explain_by_payment(
    conn: Connection, share_id: int, end_to_end_id: str, *, reason: str, actor: str, tell: Tell
) -> None:
    """Say which payment of ours an unexplained amount is: its debit, or its return if the amount came in.

    A return may be short of the payment by what a bank kept: above `BANK_CHARGES_LIMIT_CENTS` somebody else has signed
    for the item first. Raises `CannotSettle`.
    """
    lock.take_turn(conn)
    _apply(conn, _share(conn, share_id, *_LIVE), [end_to_end_id], _said(reason), reason, actor, tell)


def refuse(conn: Connection, share_id: int, *, reason: str, actor: str) -> None:
    """Turn a proposed match down: it waits for a person and is not proposed again. Raises `CannotSettle`."""
    lock.take_turn(conn)
    if _share(conn, share_id, "open").nature != "match":
        raise CannotSettle("Rien n’est proposé pour cette écriture.")
    _decide(conn, [share_id], "refused", _said(reason), actor)


def explain(conn: Connection, share_id: int, what: Explanation, *, reason: str, actor: str) -> None:
    """Say what an unexplained amount is, and move it there. A write-off is for who may sign one.

    Charges, and a debit called the Region's own, need two people above `BANK_CHARGES_LIMIT_CENTS`: see `sign`. Raises
    `CannotSettle`.
    """
    lock.take_turn(conn)
    share = _share(conn, share_id, *_LIVE)
    if what is Explanation.CHARGES or (what is Explanation.FUNDING and share.amount < 0):
        _require_another(share, abs(share.amount), actor)
    writer = Writer(conn, expectations.known(conn), _nobody, actor)
    conn.execute(_REPLACE, {"id": share_id})
    decided = Decided(share.amount, what, _said(reason), actor)
    writer.settle(share.entry_id, share.detail, decided, what.account, share.booked_on)
    writer.flush()
    _note(conn, f"bank.{what}", share_id, actor, {"amount": share.amount, "reason": reason})


def offset(conn: Connection, share_ids: Sequence[int], *, reason: str, actor: str) -> None:
    """Settle amounts that make up for each other, such as a wrong debit and its correction. Raises `CannotSettle`."""
    lock.take_turn(conn)
    shares = [_share(conn, share_id, *_LIVE) for share_id in share_ids]
    if len(set(share_ids)) < 2 or sum(share.amount for share in shares) != 0:
        raise CannotSettle("Ces montants ne se compensent pas.")
    _decide(conn, share_ids, "settled", _said(reason), actor)


def sign(conn: Connection, share_id: int, *, reason: str, actor: str) -> None:
    """Explain why an amount stays in suspense; the explanation stands until the amount is settled.

    It is the first of two signatures where one is not enough.
    """
    lock.take_turn(conn)
    _share(conn, share_id, "open", "refused")
    _decide(conn, [share_id], "waiting", _said(reason), actor)


def dismiss(conn: Connection, statement_id: int, *, reason: str, actor: str) -> None:
    """Put a statement that was kept aside away for good; it never had any effect. Raises `CannotSettle`."""
    lock.take_turn(conn)
    require_known(conn, "relevé", statement_id)
    row = {"id": statement_id, "decision": _said(reason), "actor": actor}
    if conn.execute(_DISMISS, row).rowcount == 0:
        raise CannotSettle("Ce relevé n’est plus à l’écart.")
    audit.record(
        conn,
        actor=actor,
        action="bank.dismiss",
        subject=f"bank_statement:{statement_id}",
        details={"reason": reason},
    )


def settle_conflict(conn: Connection, conflict_id: int, *, reason: str, actor: str) -> None:
    """Close what a status report said that did not fit; it never had any effect. Raises `CannotSettle`."""
    lock.take_turn(conn)
    require_known(conn, "conflit", conflict_id)
    row = {"id": conflict_id, "decision": _said(reason), "actor": actor}
    if conn.execute(_SETTLE_CONFLICT, row).rowcount == 0:
        raise CannotSettle("Ce conflit est déjà réglé.")
    audit.record(
        conn,
        actor=actor,
        action="bank.settle_conflict",
        subject=f"bank_status_conflict:{conflict_id}",
        details={"reason": reason},
    )


def reject_after_all(conn: Connection, conflict_id: int, *, reason: str, actor: str, tell: Tell) -> None:
    """Owe a payment again that the bank refused as a double, and that it confirms it never carried out.

    Raises `CannotSettle` for any other conflict, and once the bank has told what became of the payment.
    """
    lock.take_turn(conn)
    require_known(conn, "conflit", conflict_id)
    run_id = reports.reject_after_all(conn, conflict_id, tell=tell, actor=actor)
    if run_id is None:
        raise CannotSettle("Ce point n’est plus ouvert, ou ne porte pas sur un virement refusé comme doublon.")
    settle_conflict(conn, conflict_id, reason=reason, actor=actor)
    retry_open(Writer(conn, expectations.known(conn), tell, actor))
    move_runs(conn, [run_id], actor=actor)


def require_known(conn: Connection, what: Literal["relevé", "conflit"], number: int) -> None:
    """Raise `CannotSettle` when there never was one of this number, which is no "not any more"."""
    if not conn.execute(_IS_THERE[what], {"id": number}).scalar_one():
        raise CannotSettle(f"Il n’y a pas de {what} n° {number}.")


def _apply(conn: Connection, share: Row[Any], ids: list[str], why: str, decision: str, actor: str, tell: Tell) -> None:
    known = expectations.known(conn)
    payments = [_still_fits(known.expected.payment(key), key, share.amount) for key in ids]
    worth = sum(payment.cents for payment in payments)
    kept = worth - abs(share.amount)
    if kept < 0 or (kept and share.amount < 0):
        raise CannotSettle("Le montant n’est pas celui du virement.")
    _require_another(share, kept, actor)
    direction = Direction.CREDIT if share.amount > 0 else Direction.DEBIT
    match = Match(
        signed_cents=share.amount,
        detail=share.detail,
        reason=why,
        kind=MatchKind.RETURNED if share.amount > 0 else MatchKind.DEBITED,
        keys=tuple(share.keys) or ("décision",),
        payments=tuple(payments),
        told_before=any(payment.told(direction) for payment in payments),
        charges_cents=kept,
        reasons=(Reason(share.return_code),) if share.return_code else (),
    )
    writer = Writer(conn, known, tell, actor)
    conn.execute(_REPLACE, {"id": share.id})
    learn([match], MessageKind.STATEMENT, known.expected)
    told_by = MessageKind.STATEMENT
    writer.divide(
        share.entry_id, [match], told_by, share.booked_on, in_suspense=True, decided_by=actor, decision=decision
    )
    writer.flush()
    retry_open(writer)
    reports.close_answered(conn, actor=actor)
    move_runs(conn, {known.run_ids[known.id_of(payment)] for payment in payments}, actor=actor)
    _note(conn, "bank.match", share.id, actor, {"payments": ids, "amount": share.amount, "reason": decision})


def _accept_offset(conn: Connection, share: Row[Any], actor: str, tell: Tell) -> None:
    other = offsets.counterpart(conn, share.id, share.amount)
    if other is None:
        raise CannotSettle("L’écriture qui la compense n’est pas encore à un relevé, ou n’est plus ouverte.")
    writer = Writer(conn, expectations.known(conn), tell, actor)
    _decide(conn, [share.id, other], "settled", "Compensation acceptée.", actor)
    offsets.tell_moved(conn, writer.known, share.id, share.amount)
    retry_open(writer)
    move_runs(conn, writer.known.run_ids.values(), actor=actor)


def _still_fits(payment: ExpectedPayment | None, key: str, signed_cents: int) -> ExpectedPayment:
    direction = Direction.CREDIT if signed_cents > 0 else Direction.DEBIT
    if payment is None:
        raise CannotSettle(f"Aucun virement ne porte la référence {key}.")
    if payment.rejected:
        raise CannotSettle(f"Le virement {key} a été rejeté par la banque.")
    if payment.doubled and direction is Direction.CREDIT:
        raise CannotSettle(f"Le virement {key} a été débité deux fois : compensez ce crédit par le second débit.")
    if payment.told(direction) is MessageKind.STATEMENT:
        what = "débité" if direction is Direction.DEBIT else "rendu"
        raise CannotSettle(f"Le virement {key} est déjà {what} par une autre écriture.")
    return payment


def _require_another(share: Row[Any], cents: int, actor: str) -> None:
    """See that somebody else has signed for the item where `cents` are too much for one person's word."""
    if cents > BANK_CHARGES_LIMIT_CENTS.value and (share.state != "waiting" or share.decided_by == actor):
        raise CannotSettle(
            f"{euros(cents)} dépassent les {euros(BANK_CHARGES_LIMIT_CENTS.value)} qu’une personne explique seule : "
            "la comptabilité signe l’explication, puis un approbateur des paiements l’enregistre."
        )


def _share(conn: Connection, share_id: int, *states: str) -> Row[Any]:
    share = conn.execute(_SHARE, {"id": share_id}).one_or_none()
    if share is None:
        raise CannotSettle(f"Il n’y a pas d’écriture n° {share_id}.")
    if share.state not in states:
        raise CannotSettle("Cette écriture n’attend plus de décision.")
    return share


def _decide(conn: Connection, ids: Sequence[int], state: str, decision: str, actor: str) -> None:
    conn.execute(_DECIDE, {"ids": list(ids), "state": state, "decision": decision, "actor": actor})
    for share_id in ids:
        _note(conn, f"bank.{state}", share_id, actor, {"reason": decision})


def _said(reason: str) -> str:
    if not reason.strip():
        raise CannotSettle("Dites pourquoi, en une phrase.")
    return reason.strip()


def _note(conn: Connection, action: str, share_id: int, actor: str, details: dict[str, object]) -> None:
    audit.record(conn, actor=actor, action=action, subject=f"bank_share:{share_id}", details=details)


def _nobody(_conn: Connection, _notice: object) -> None:
    """Nobody is told: such a decision sends no payment back."""
