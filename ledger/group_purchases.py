"""Group purchases: a school takes licences for a whole class at once, each student paying with their own benefit.

A purchase is written down whole before anybody is debited. It is then carried out in parts of up to 100 students, each
one request of `ledger.sales` under a key that follows from the purchase's: done again after a crash, or by two browsers
at once, each part happens once, and what is left is simply done next.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, Engine, Row, text

from ledger import audit, sales, sold
from ledger.sales import AskedLine, AskedSale
from ledger.sold import SoldSale

PART = 100
MOST_STUDENTS = 2_000
MOST_LINES = 50
"""Of one student."""


@dataclass(frozen=True, slots=True)
class GroupPurchase:
    """What was asked, in the order in which it is done: one sale per student, of a till of the partner."""

    key: UUID
    partner_id: int
    terminal_id: int
    label: str
    all_or_nothing: bool
    sales: tuple[AskedSale, ...]
    asked_by: str
    asked_at: datetime

    @property
    def amount(self) -> int:
        """Cents that it asks for in all."""
        return sum(line.price for sale in self.sales for line in sale.lines)

    @property
    def part_keys(self) -> list[UUID]:
        """The idempotency keys of its parts."""
        return [uuid5(self.key, str(number)) for number in range(-(-len(self.sales) // PART))]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a purchase has come: students answered, and what was debited to those who were not refused, in cents."""

    purchase: GroupPurchase
    answered: int
    accepted: int
    debited: int

    @property
    def is_done(self) -> bool:
        """Whether every student was answered."""
        return self.answered == len(self.purchase.sales)


def decide(
    conn: Connection,
    key: UUID,
    *,
    partner_id: int,
    terminal_id: int,
    label: str,
    asked: Sequence[AskedSale],
    all_or_nothing: bool,
    actor: str,
) -> None:
    """Write a purchase down; decided again under the same key, it stays as it was. Nobody is debited by this."""
    lines = [(item, line) for item, sale in enumerate(asked, start=1) for line in sale.lines]
    entered = conn.execute(
        text("""
            insert into group_purchase (key, partner_id, terminal_id, label, all_or_nothing, cards, line_item, line_ean,
                                        line_price, asked_by)
            values (:key, :partner, :terminal, :label, :all_or_nothing, cast(:cards as bigint[]),
                    cast(:items as smallint[]), cast(:eans as bigint[]), cast(:prices as bigint[]), :actor)
            on conflict (key) do nothing
        """),
        {
            "key": key,
            "partner": partner_id,
            "terminal": terminal_id,
            "label": label,
            "all_or_nothing": all_or_nothing,
            "cards": [sale.card_id for sale in asked],
            "items": [item for item, _ in lines],
            "eans": [line.ean for _, line in lines],
            "prices": [line.price for _, line in lines],
            "actor": actor,
        },
    )
    if entered.rowcount:
        audit.record(
            conn,
            actor=actor,
            action="sales.group",
            subject=f"partner:{partner_id}",
            details={"key": str(key), "students": len(asked), "cents": sum(line.price for _, line in lines)},
        )


def get(conn: Connection, key: UUID, *, partner_id: int) -> GroupPurchase | None:
    """A purchase of this partner."""
    row = conn.execute(
        text("select * from group_purchase where key = :key and partner_id = :partner"),
        {"key": key, "partner": partner_id},
    ).one_or_none()
    return None if row is None else _purchase(row)


def latest(conn: Connection, partner_id: int, *, limit: int = 20) -> list[Progress]:
    """The partner's latest purchases, the newest first, with how far each has come."""
    rows = conn.execute(
        text("select * from group_purchase where partner_id = :partner order by asked_at desc limit :limit"),
        {"partner": partner_id, "limit": limit},
    ).all()
    return [progress(conn, _purchase(row)) for row in rows]


def progress(conn: Connection, purchase: GroupPurchase) -> Progress:
    """How far a purchase has come."""
    row = conn.execute(
        text("""
            select count(*) as answered, count(*) filter (where refusal is null) as accepted,
                   coalesce(sum(amount), 0)::bigint as debited
              from sale where terminal_id = :terminal and key = any(cast(:keys as uuid[]))
        """),
        {"terminal": purchase.terminal_id, "keys": purchase.part_keys},
    ).one()
    return Progress(purchase, row.answered, row.accepted, row.debited)


def carry_on(engine: Engine, purchase: GroupPurchase) -> Progress:
    """Do the next part that is not done yet, and tell how far that brings the purchase.

    Raises `ledger.sales.AskedTwiceAtOnce` when somebody else keeps doing the same part; then ask again.
    """
    with engine.connect() as conn:
        before = progress(conn, purchase)
    if before.is_done:
        return before
    # Parts are done in order and whole, so what is answered tells which one is next.
    number = before.answered // PART
    sales.sell_now(
        engine,
        person=purchase.asked_by,
        terminal_id=purchase.terminal_id,
        secret_hash=None,
        key=purchase.part_keys[number],
        request_hash=hashlib.sha256(f"{purchase.key}/{number}".encode()).digest(),
        sales=purchase.sales[number * PART : (number + 1) * PART],
        all_or_nothing=purchase.all_or_nothing,
    )
    with engine.connect() as conn:
        return progress(conn, purchase)


def results(conn: Connection, purchase: GroupPurchase) -> list[SoldSale]:
    """What became of each student who was answered, in the order in which they were asked for."""
    return sold.sales_of_keys(conn, purchase.partner_id, purchase.terminal_id, purchase.part_keys)


def _purchase(row: Row[Any]) -> GroupPurchase:
    lines: dict[int, list[AskedLine]] = {}
    for item, ean, price in zip(row.line_item, row.line_ean, row.line_price, strict=True):
        lines.setdefault(item, []).append(AskedLine(ean, price))
    return GroupPurchase(
        key=row.key,
        partner_id=row.partner_id,
        terminal_id=row.terminal_id,
        label=row.label,
        all_or_nothing=row.all_or_nothing,
        sales=tuple(AskedSale(card, lines[item]) for item, card in enumerate(row.cards, start=1)),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
    )
