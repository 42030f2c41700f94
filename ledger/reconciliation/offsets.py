"""Amounts in suspense that make up for each other, settled by themselves or by a person."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, text

from ledger.bank_messages import Direction, MessageKind
from ledger.pairing import OpenConflict, made_good
from ledger.reconciliation.expectations import Known
from ledger.shares import ConflictKind

_CONFLICTS = text("""
    select s.id, s.kind, s.amount as signed, e.booked_on, 'montant' <> all(s.keys) as named, p.payment_id, p.amount
      from bank_share s join bank_entry e on e.id = s.entry_id join bank_share_payment p on p.share_id = s.id
     where s.state in ('open', 'waiting') and s.nature = 'conflict'
     order by s.id, p.payment_id
""")
_SETTLE = text("update bank_share set state = 'settled', decision = :decision where id = :id")
_TELL = text("""
    insert into bank_told (payment_id, direction, told_by, share_id)
    values (:payment, :direction, 'camt.053', :share) on conflict do nothing
""")
_COUNTERPART = text("""
    select s.id from bank_share s join bank_share_payment p on p.share_id = s.id
     where s.state in ('open', 'waiting') and s.nature = 'conflict' and s.amount = -cast(:amount as bigint)
       and p.payment_id in (select payment_id from bank_share_payment where share_id = :share)
     order by s.id limit 1
""")
_PAYMENTS = text("select payment_id from bank_share_payment where share_id = :share")


def settle_what_is_made_good(conn: Connection, known: Known) -> bool:
    """Settle the conflicts that add up to nothing for their payments; whether there were any."""
    conflicts: dict[int, OpenConflict] = {}
    amounts: defaultdict[int, dict[int, int]] = defaultdict(dict)
    doubles: set[int] = set()
    for row in conn.execute(_CONFLICTS):
        amounts[row.id][row.payment_id] = row.amount
        conflicts[row.id] = OpenConflict(row.id, row.booked_on, row.named, amounts[row.id])
        if row.kind == ConflictKind.DEBITED_TWICE:
            doubles.add(row.id)
    groups = made_good(conflicts.values())
    for group in groups:
        for conflict in group:
            others = sorted({other.day for other in group if other is not conflict})
            decision = f"Compensé par {' et '.join(f'l’écriture du {day:%d/%m/%Y}' for day in others)}."
            conn.execute(_SETTLE, {"id": conflict.share, "decision": decision})
            if not conflict.named:
                tell_moved(conn, known, conflict.share, sum(conflict.amounts.values()))
    settled = {conflict.share for group in groups for conflict in group}
    still = {payment for share in doubles - settled for payment in amounts[share]}
    for payment_id in {payment for share in doubles & settled for payment in amounts[share]} - still:
        if (payment := known.payment(payment_id)) is not None:
            known.expected.debited_twice(payment, still=False)
    return bool(groups)


def counterpart(conn: Connection, share_id: int, amount: int) -> int | None:
    """The open conflict that an amount, proposed to make up for it, belongs to."""
    found: int | None = conn.execute(_COUNTERPART, {"share": share_id, "amount": amount}).scalar_one_or_none()
    return found


def tell_moved(conn: Connection, known: Known, share_id: int, amount: int) -> None:
    """The payment of a share has moved by it, so that no other movement without an id is taken for its own."""
    direction = Direction.CREDIT if amount > 0 else Direction.DEBIT
    for payment_id in conn.execute(_PAYMENTS, {"share": share_id}).scalars().all():
        conn.execute(_TELL, {"payment": payment_id, "direction": direction, "share": share_id})
        if (payment := known.payment(payment_id)) is not None:
            known.expected.moved(payment, direction, MessageKind.STATEMENT, frozenset())
