"""What one payment is made of: every sale, refund and other movement, down to the product and the student."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

Movement = Literal["sale", "refund", "payout_reopened", "write_off"]


@dataclass(frozen=True, slots=True)
class PaidTransfer:
    """One transfer of a payment. `amount` in cents: above zero what is owed to the partner, below what it owes.

    Sale, product and student are those of the sale, or of the sale that a refund gives back; `replaces` is the
    end-to-end id of the payment that came back. The names are None once the student has been erased.
    """

    transfer_id: int
    kind: Movement
    posted_at: datetime
    amount: int
    sale_id: int | None
    sale_line: int | None
    ean: int | None
    title: str | None
    benefit: str | None
    first_name: str | None
    last_name: str | None
    replaces: str | None


_TRANSFERS = text("""
    select t.id, t.kind::text, t.posted_at, l.amount, s.document, s.line, x.ean, g.title, b.label,
           i.first_name, i.last_name, back.end_to_end_id
      from payout_line l
      join transfer t on t.id = l.transfer_id
      left join transfer s on s.id = case t.kind when 'sale' then t.id when 'refund' then t.reverses end
      left join sale_line x on x.sale_id = s.document and x.line = s.line
      left join product g on g.ean = x.ean
      left join account w on w.id = s.debit_account
      left join benefit b on b.id = w.benefit_id
      left join student_identity i on i.student_id = w.owner_id
      left join transfer paid on paid.id = t.reverses and t.kind = 'payout_reopened'
      left join payout_payment back on back.id = paid.document
     where l.payment_id = :payment
     order by t.posted_at, t.id
""")


def transfers(conn: Connection, payment_id: int) -> list[PaidTransfer]:
    """Every transfer that a payment pays, in the order in which they were posted; they add up to its amount."""
    return [PaidTransfer(*row) for row in conn.execute(_TRANSFERS, {"payment": payment_id})]
