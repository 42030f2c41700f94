"""Payments as the partner that receives them sees them: when, for which week, how much, and what each is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, TextClause, text

from ledger.calendar import last_day_before


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a partner stands, in cents: owed and in no payment yet, in one that is prepared, and in one at the bank."""

    open: int
    planned: int
    issued: int

    @property
    def unpaid(self) -> int:
        """What the books owe the partner: all that has not left in a payment. Below zero when it owes."""
        return self.open + self.planned


@dataclass(frozen=True, slots=True)
class Received:
    """One payment. `amount` in cents; `state` is planned, issued, booked, rejected or returned.

    `weekly` unless its run is one out of turn. `last_day` is the last day, in Paris, of what it pays; the bank carries
    it out on `execution_date`, which is known once its file is made, as is the end-to-end id that the partner finds on
    its own bank statement.
    """

    payment_id: int
    reference: str
    weekly: bool
    last_day: date
    amount: int
    transfers: int
    state: str
    state_reason: str | None
    end_to_end_id: str | None
    execution_date: date | None
    iban: str


@dataclass(frozen=True, slots=True)
class ReceivedLine:
    """One movement that a payment pays: `amount` in cents, below zero for what was given back after an earlier one.

    Sale, line and product are those of the sale, or of the sale that was given back; None for what came back from the
    bank.
    """

    transfer_id: int
    kind: str
    posted_at: datetime
    amount: int
    sale_id: int | None
    sale_line: int | None
    ean: int | None
    title: str | None


def standing(conn: Connection, partner_id: int) -> Standing:
    """Where a partner stands now."""
    row = conn.execute(
        text("""
            select (select coalesce(sum(o.amount), 0)::bigint
                      from open_transfers(:partner,
                                          coalesce((select h.through from payout_horizon h
                                                     where h.partner_id = :partner), 0),
                                          9223372036854775807) o) as open,
                   coalesce(sum(p.amount) filter (where p.state = 'planned'), 0)::bigint as planned,
                   coalesce(sum(p.amount) filter (where p.state = 'issued'), 0)::bigint as issued
              from payout_payment p where p.partner_id = :partner
        """),
        {"partner": partner_id},
    ).one()
    return Standing(row.open, row.planned, row.issued)


_RECEIVED = """
    select p.id as payment_id, r.reference, r.weekly, r.cutoff, p.amount, p.transfers, p.state, p.state_reason,
           p.end_to_end_id, f.execution_date, p.iban
      from payout_payment p
      join payout_run r on r.id = p.run_id
      left join payout_file f on f.run_id = r.id
     where p.partner_id = :partner and p.state <> 'withdrawn'
"""


def payments(conn: Connection, partner_id: int, *, before: int | None = None, limit: int = 50) -> list[Received]:
    """A partner's payments, the latest first; `before` is the number of the last one already seen."""
    wanted = text(
        _RECEIVED + " and p.id < coalesce(cast(:before as bigint), 9223372036854775807) order by p.id desc limit :limit"
    )
    return _received(conn, wanted, {"partner": partner_id, "before": before, "limit": limit})


def payment(conn: Connection, partner_id: int, payment_id: int) -> Received | None:
    """One payment, if it is this partner's."""
    wanted = text(_RECEIVED + " and p.id = :payment")
    return next(iter(_received(conn, wanted, {"partner": partner_id, "payment": payment_id})), None)


def lines(conn: Connection, payment_id: int, *, after: int = 0, limit: int = 100) -> Sequence[ReceivedLine]:
    """What a payment is made of, in the order of the books; `after` is the number of the last one already seen."""
    rows = conn.execute(
        text("""
            select t.id as transfer_id, t.kind::text as kind, t.posted_at, l.amount, s.document as sale_id,
                   s.line as sale_line, x.ean, g.title
              from payout_line l
              join transfer t on t.id = l.transfer_id
              left join transfer s on s.id = case t.kind when 'sale' then t.id when 'refund' then t.reverses end
              left join sale_line x on x.sale_id = s.document and x.line = s.line
              left join product g on g.ean = x.ean
             where l.payment_id = :payment and l.transfer_id > :after
             order by l.transfer_id limit :limit
        """),
        {"payment": payment_id, "after": after, "limit": limit},
    )
    return [ReceivedLine(**row._mapping) for row in rows]


def _received(conn: Connection, wanted: TextClause, parameters: dict[str, int | None]) -> list[Received]:
    return [
        Received(
            payment_id=row.payment_id,
            reference=row.reference,
            weekly=row.weekly,
            last_day=last_day_before(row.cutoff),
            amount=row.amount,
            transfers=row.transfers,
            state=row.state,
            state_reason=row.state_reason,
            end_to_end_id=row.end_to_end_id,
            execution_date=row.execution_date,
            iban=row.iban,
        )
        for row in conn.execute(wanted, parameters)
    ]
