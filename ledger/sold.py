"""Sales as their partner reads them again: what was taken, for whom, and what has become of it since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.accounts import partner_account
from ledger.refusals import Refusal


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One line of a sale; amounts in cents.

    `state` is "accepted", "cancelled" or "refused"; of a reservation "held", "voided" or "expired" as long as it was
    not captured. `balance_after` and `usable_until` are what the student was told, `balance_since` is what was left
    once the line was given back.
    """

    line: int
    ean: int
    title: str
    benefit: str
    label: str
    price: int
    balance_after: int | None
    usable_until: datetime | None
    state: str
    cancelled_at: datetime | None
    balance_since: int | None


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a benefit, in cents, as the student was told last about a sale."""

    benefit: str
    label: str
    balance: int
    usable_until: datetime


@dataclass(frozen=True, slots=True)
class SoldSale:
    """A sale asked by a partner's till. Names are empty once the student has been erased.

    `state` is that of its lines where they have the same, else "partly_cancelled".
    """

    sale_id: int
    sold_at: datetime
    terminal_id: int
    terminal_name: str
    student_id: int | None
    first_name: str
    initial: str
    class_name: str
    refusal: Refusal | None
    held_until: datetime | None
    lines: tuple[SoldLine, ...]

    @property
    def state(self) -> str:
        """See the class."""
        states = {line.state for line in self.lines}
        return states.pop() if len(states) == 1 else "partly_cancelled"

    @property
    def debited(self) -> int:
        """Cents that were debited, given back or not."""
        return sum(line.price for line in self.lines if line.state in ("accepted", "cancelled"))

    @property
    def refunded(self) -> int:
        """Cents given back since."""
        return sum(line.price for line in self.lines if line.state == "cancelled")

    @property
    def held(self) -> int:
        """Cents reserved at this moment."""
        return sum(line.price for line in self.lines if line.state == "held")

    @property
    def left(self) -> tuple[Left, ...]:
        """What the student had left of each benefit once the sale was made, or once it was last given back from."""
        found: dict[str, Left] = {}
        for line in sorted(
            self.lines, key=lambda line: (line.cancelled_at is not None, line.cancelled_at or self.sold_at)
        ):
            balance = line.balance_after if line.balance_since is None else line.balance_since
            if balance is not None and line.usable_until is not None:
                found[line.benefit] = Left(line.benefit, line.label, balance, line.usable_until)
        return tuple(found[benefit] for benefit in sorted(found))


@dataclass(frozen=True, slots=True)
class Hand:
    """What a person did to a sale at a browser till: `action` as in the audit trail, "sale.make" or "sale.cancel"."""

    at: datetime
    action: str
    name: str


def sale_of_partner(conn: Connection, sale_id: int, partner_id: int) -> SoldSale | None:
    """One sale, accepted or not, if this partner's tills asked for it."""
    return next(iter(_read(conn, [sale_id], partner_id)), None)


def sales_of_partner(
    conn: Connection,
    partner_id: int,
    *,
    before: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 50,
) -> list[tuple[int, SoldSale]]:
    """The sales debited for a partner, the latest first, each with its number in the books.

    `before` is the number of the last one already seen; `start` and `end` bound a half-open period. A reservation is
    listed from when it is captured.
    """
    # Every sale has a first line, so its transfer stands for it.
    booked = conn.execute(
        text("""
            select id, document from transfer
             where credit_account = :account and kind = 'sale' and line = 1
               and id < coalesce(cast(:before as bigint), 9223372036854775807)
               and posted_at >= coalesce(cast(:start as timestamptz), '-infinity')
               and posted_at < coalesce(cast(:end as timestamptz), 'infinity')
             order by id desc limit :limit
        """),
        {"account": partner_account(partner_id), "before": before, "start": start, "end": end, "limit": limit},
    ).all()
    read = {sale.sale_id: sale for sale in _read(conn, [row.document for row in booked], partner_id)}
    return [(row.id, read[row.document]) for row in booked]


def sales_of_keys(conn: Connection, partner_id: int, terminal_id: int, keys: Sequence[UUID]) -> list[SoldSale]:
    """Every sale that a partner's till asked for under these keys, in the order in which it was asked."""
    ids = conn.scalars(
        text("""
            select s.id from sale s join unnest(cast(:keys as uuid[])) with ordinality k(key, place) on k.key = s.key
             where s.terminal_id = :terminal order by k.place, s.item
        """),
        {"terminal": terminal_id, "keys": list(keys)},
    ).all()
    read = {sale.sale_id: sale for sale in _read(conn, ids, partner_id)}
    return [read[sale_id] for sale_id in ids]


def holds_of_partner(conn: Connection, partner_id: int, *, limit: int = 1000) -> list[SoldSale]:
    """What a partner has reserved at this moment, the next to expire first."""
    ids = conn.scalars(
        text("""
            select h.sale_id from hold h join sale s on s.id = h.sale_id
             where h.closed_at is null and h.expires_at > now() and h.line = 1 and s.partner_id = :partner
             order by h.expires_at, h.sale_id limit :limit
        """),
        {"partner": partner_id, "limit": limit},
    ).all()
    read = {sale.sale_id: sale for sale in _read(conn, ids, partner_id)}
    return [read[sale_id] for sale_id in ids]


def people_behind(conn: Connection, sale_ids: Sequence[int]) -> dict[int, list[Hand]]:
    """Who made or cancelled these sales, in the order in which it was done; nobody where a till did it by itself.

    For whoever answers for the staff: the audit trail knows it, the sale only its till.
    """
    rows = conn.execute(
        text("""
            select cast(substring(e.subject from 6) as bigint) as sale_id, e.at, e.action, w.name
              from audit_event e join person w on e.actor = 'person:' || w.id
             where e.subject = any(cast(:subjects as text[])) order by e.id
        """),
        {"subjects": [f"sale:{sale_id}" for sale_id in sale_ids]},
    )
    found: dict[int, list[Hand]] = {}
    for row in rows:
        found.setdefault(row.sale_id, []).append(Hand(row.at, row.action, row.name))
    return found


_READ = text("""
    select s.id as sale_id, s.asked_at, s.refusal::text, s.held_until, s.terminal_id, t.name as terminal_name,
           c.student_id, i.first_name, i.last_name, e.class_name,
           l.line, l.ean, p.title, l.benefit, b.label, l.price, l.balance_after, l.usable_until,
           case when s.refusal is not null then 'refused'
                when back.id is not null then 'cancelled'
                when sold.id is not null then 'accepted'
                when h.closed_at is null and h.expires_at > now() then 'held'
                else coalesce(h.outcome, 'expired') end as state,
           back.posted_at as cancelled_at, given.balance_after as balance_since
      from sale s
      join sale_line l on l.sale_id = s.id
      join terminal t on t.id = s.terminal_id
      left join product p on p.ean = l.ean
      left join account a on a.id = l.wallet
      left join benefit b on b.id = a.benefit_id
      left join hold h on h.sale_id = l.sale_id and h.line = l.line
      left join transfer sold on sold.kind = 'sale' and sold.document = l.sale_id and sold.line = l.line
      left join transfer back on back.reverses = sold.id
      left join cancellation_line given on given.cancellation_id = back.document and given.line = l.line
      left join card c on c.id = s.card_id
      left join student_identity i on i.student_id = c.student_id
      left join enrolment e on e.student_id = c.student_id and e.school_year = b.school_year
     where s.id = any(cast(:ids as bigint[])) and s.partner_id = :partner
     order by s.id, l.line
""")


def _read(conn: Connection, ids: Sequence[int], partner_id: int) -> list[SoldSale]:
    rows = conn.execute(_READ, {"ids": list(ids), "partner": partner_id})
    return [_sale(list(lines)) for _, lines in groupby(rows, key=lambda row: row.sale_id)]


def _sale(rows: Sequence[Any]) -> SoldSale:
    first = rows[0]
    return SoldSale(
        sale_id=first.sale_id,
        sold_at=first.asked_at,
        terminal_id=first.terminal_id,
        terminal_name=first.terminal_name,
        student_id=first.student_id,
        first_name=first.first_name or "",
        initial=(first.last_name or "")[:1],
        class_name=next((row.class_name for row in rows if row.class_name), ""),
        refusal=None if first.refusal is None else Refusal(first.refusal),
        held_until=first.held_until,
        lines=tuple(
            SoldLine(
                line=row.line,
                ean=row.ean,
                title=row.title or "",
                benefit=row.benefit or "",
                label=row.label or "",
                price=row.price,
                balance_after=row.balance_after,
                usable_until=row.usable_until,
                state=row.state,
                cancelled_at=row.cancelled_at,
                balance_since=row.balance_since,
            )
            for row in rows
        ),
    )
