"""Sales read again: what was sold to whom, what has been given back since, and what the student was told is left.

A partner sees its own sales only; another's is answered like one that does not exist.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, text

from ledger.accounts import partner_account
from ledger.refusals import Refusal


@dataclass(frozen=True, slots=True)
class PastLine:
    """One line of a sale; `label` is the benefit's, as users read it, `cancelled_at` when it was given back.

    `taken` says that the line debited somebody: not when it was refused, nor while it is only reserved. `balance_after`
    is what the student was told last about the benefit, by this line or by its cancellation, in cents.
    """

    line: int
    ean: str
    title: str
    publisher: str
    price: int
    benefit: str | None
    label: str
    balance_after: int | None
    usable_until: datetime | None
    refusal: Refusal | None
    taken: bool
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Buyer:
    """The student of a sale, as a clerk sees them; the names are empty once the student has been erased."""

    student_id: int
    first_name: str
    initial: str
    class_name: str

    @property
    def called(self) -> str:
        """As in: Léa M."""
        if not self.first_name:
            return "élève effacé"
        return f"{self.first_name} {self.initial}." if self.initial else self.first_name


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a benefit since a sale, or since what was cancelled of it."""

    benefit: str
    label: str
    balance: int
    usable_until: datetime


@dataclass(frozen=True, slots=True)
class PastSale:
    """A sale as it stands now."""

    sale_id: int
    asked_at: datetime
    terminal_id: int
    terminal_name: str
    buyer: Buyer | None
    refusal: Refusal | None
    held_until: datetime | None
    lines: tuple[PastLine, ...]

    @property
    def debited(self) -> int:
        """Cents that it took."""
        return sum(line.price for line in self.lines if line.taken)

    @property
    def refunded(self) -> int:
        """Cents given back so far."""
        return sum(line.price for line in self.lines if line.cancelled_at is not None)

    @property
    def kept(self) -> int:
        """Cents that the partner keeps."""
        return self.debited - self.refunded

    @property
    def open_lines(self) -> tuple[PastLine, ...]:
        """The lines that can still be cancelled."""
        return tuple(line for line in self.lines if line.taken and line.cancelled_at is None)

    @property
    def left(self) -> tuple[Left, ...]:
        """What the student has left of each benefit that paid: the least that a line says, or what came back last."""
        found: dict[str, Left] = {}
        for line in sorted(
            self.lines, key=lambda line: (line.cancelled_at is not None, line.cancelled_at or self.asked_at)
        ):
            if line.benefit is not None and line.balance_after is not None and line.usable_until is not None:
                found[line.benefit] = Left(line.benefit, line.label, line.balance_after, line.usable_until)
        return tuple(sorted(found.values(), key=lambda left: left.benefit))


_LINES = """
    select s.id as sale_id, s.asked_at, s.terminal_id, m.name as terminal_name, s.refusal::text as sale_refusal,
           s.held_until, c.student_id, i.first_name, left(i.last_name, 1) as initial, e.class_name,
           l.line, l.ean, p.title, p.publisher, l.price, l.benefit, b.label, l.refusal::text as refusal,
           coalesce(n.balance_after, l.balance_after) as balance_after,
           coalesce(n.usable_until, l.usable_until) as usable_until, t.id is not null as taken,
           r.posted_at as cancelled_at
      from sale s
      join terminal m on m.id = s.terminal_id
      join sale_line l on l.sale_id = s.id
      left join product p on p.ean = l.ean
      left join card c on c.id = s.card_id
      left join student_identity i on i.student_id = c.student_id
      left join account a on a.id = l.wallet
      left join benefit b on b.id = a.benefit_id
      left join enrolment e on e.student_id = c.student_id and e.school_year = b.school_year
      left join transfer t on t.kind = 'sale' and t.document = s.id and t.line = l.line
      left join transfer r on r.reverses = t.id
      left join cancellation_line n on n.cancellation_id = r.document and n.line = l.line
"""


def get(conn: Connection, sale_id: int, *, partner_id: int) -> PastSale | None:
    """One sale of a partner, accepted or refused; None when there is none of this number."""
    rows = conn.execute(
        text(_LINES + "where s.id = :sale and s.partner_id = :partner order by l.line"),
        {"sale": sale_id, "partner": partner_id},
    )
    return next(iter(_sales(rows)), None)


def latest(
    conn: Connection,
    partner_id: int,
    *,
    before: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 50,
) -> list[PastSale]:
    """The partner's sales that debited somebody, the newest first: those numbered below `before`, from `start` on and
    before `end`.
    """
    rows = conn.execute(
        text(
            f"""
            with page as (
                select document from transfer
                 where kind = 'sale' and credit_account = :account
                   and (cast(:before as bigint) is null or document < :before)
                   and (cast(:start as timestamptz) is null or posted_at >= :start)
                   and (cast(:end as timestamptz) is null or posted_at < :end)
                 group by document order by document desc limit :limit
            )
            {_LINES} join page on page.document = s.id order by s.id desc, l.line
            """  # noqa: S608 - joined from constants
        ),
        {"account": partner_account(partner_id), "before": before, "start": start, "end": end, "limit": limit},
    )
    return _sales(rows)


def of_keys(conn: Connection, terminal_id: int, keys: Sequence[Any]) -> list[PastSale]:
    """Every sale that a till asked under these keys, in the order of the keys and of the places in each."""
    rows = conn.execute(
        text(
            f"""
            {_LINES} join unnest(cast(:keys as uuid[])) with ordinality k(key, place) on k.key = s.key
             where s.terminal_id = :terminal order by k.place, s.item, l.line
            """
        ),
        {"terminal": terminal_id, "keys": list(keys)},
    )
    return _sales(rows)


def _sales(rows: Iterable[Any]) -> list[PastSale]:
    return [_sale(list(lines)) for _, lines in groupby(rows, key=lambda row: row.sale_id)]


def _sale(rows: Sequence[Any]) -> PastSale:
    first = rows[0]
    class_name = next((row.class_name for row in rows if row.class_name), "")
    buyer = Buyer(first.student_id, first.first_name or "", first.initial or "", class_name)
    return PastSale(
        sale_id=first.sale_id,
        asked_at=first.asked_at,
        terminal_id=first.terminal_id,
        terminal_name=first.terminal_name,
        buyer=None if first.student_id is None else buyer,
        refusal=_refusal(first.sale_refusal),
        held_until=first.held_until,
        lines=tuple(
            PastLine(
                line=row.line,
                ean=f"{row.ean:013}",
                title=row.title or "Article hors catalogue",
                publisher=row.publisher or "",
                price=row.price,
                benefit=row.benefit,
                label=row.label or "",
                balance_after=row.balance_after,
                usable_until=row.usable_until,
                refusal=_refusal(row.refusal),
                taken=row.taken,
                cancelled_at=row.cancelled_at,
            )
            for row in rows
        ),
    )


def _refusal(code: str | None) -> Refusal | None:
    return None if code is None else Refusal(code)
