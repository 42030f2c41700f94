"""Sales: the hot path. A till asks for 1..n sales in one call and is answered in one round trip.

The rules are in the database function `sell` (`migrations/sql/0002_sales.sql`), because only there can they be decided
under the wallets' locks in one statement. This module gives it a Python face and answers replays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ledger import audit
from ledger.database import ask, statements_alone
from ledger.refusals import Refusal


@dataclass(frozen=True, slots=True)
class AskedLine:
    """One licence to be taken: its EAN and the price asked, in cents."""

    ean: int
    price: int


@dataclass(frozen=True, slots=True)
class AskedSale:
    """One student's sale: the card that was scanned and at least one line.

    Without a card, because the code told none, `code_refusal` says why. Such a sale is asked all the same: only here is
    it known whether its key was answered before, and from here on it is answered the same way.
    """

    card_id: int | None
    lines: Sequence[AskedLine]
    code_refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class AnsweredLine:
    """What was decided about one line.

    `balance_after` is what is left to spend of the benefit, in cents, once this line was taken (or, when the sale is
    refused, what there is); `usable_until` is the first instant that is too late. Both are None without a wallet.
    """

    line: int
    ean: int
    price: int
    benefit: str | None
    balance_after: int | None
    usable_until: datetime | None
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class AnsweredSale:
    """The answer to one sale. `amount` is what was debited (or held, until `held_until`), 0 when refused."""

    sale_id: int
    item: int
    asked_at: datetime
    refusal: Refusal | None
    amount: int
    lines: tuple[AnsweredLine, ...]
    held_until: datetime | None
    replayed: bool


class KeyReused(Exception):
    """The idempotency key was used before, for another request."""


class CardTwice(Exception):
    """One card stands in two sales of a group: each student buys once, or a refusal of one would touch the other."""

    def __init__(self, item: int, again: int) -> None:
        super().__init__(f"sales {item} and {again} are for the same card")
        self.item = item
        self.again = again


class UnknownTerminal(Exception):
    """No terminal has this number and secret."""


class AskedTwiceAtOnce(Exception):
    """The same key is being answered for somebody else right now; ask again."""


_SELL = """
    select * from sell(%s, %s, %s, %s, %s::bigint[], %s::smallint[], %s::bigint[], %s::bigint[], %s, %s, %s::refusal[])
"""


def _array(elements: Iterable[int | Refusal | None]) -> str:
    """An array as PostgreSQL reads it: numbers and codes need no quotes. The driver would look at each for its type."""
    return f"{{{','.join('null' if element is None else str(element) for element in elements)}}}"


class _Row(NamedTuple):
    """One `answered_line` of the database."""

    sale_id: int
    item: int
    asked_at: datetime
    sale_refusal: str | None
    amount: int
    line: int
    ean: int
    price: int
    benefit: str | None
    balance_after: int | None
    usable_until: datetime | None
    line_refusal: str | None
    held_until: datetime | None
    replayed: bool


def sell(
    conn: Connection,
    *,
    terminal_id: int,
    secret_hash: bytes | None,
    key: UUID,
    request_hash: bytes,
    sales: Sequence[AskedSale],
    all_or_nothing: bool = False,
    held_until: datetime | None = None,
) -> list[AnsweredSale]:
    """Take up to 100 sales, in the order asked. One round trip; the transaction is the caller's.

    `secret_hash` is SHA-256 of the terminal's secret, or None when the caller has authenticated the person who uses
    the terminal. `key` names the request for ever: asked again with the same `request_hash` (SHA-256 of the request),
    it gives the first answer, whatever has changed since. With `all_or_nothing`, one refusal refuses every sale. With
    `held_until`, amounts are reserved and not debited (see `ledger.holds`).

    Raises `CardTwice`, `KeyReused`, `UnknownTerminal`, and `AskedTwiceAtOnce` when the same key is being answered at
    this very moment (the transaction is void then: use `sell_now`, which asks again).
    """
    first_item: dict[int, int] = {}
    for item, sale in enumerate(sales, start=1):
        if sale.card_id is not None and first_item.setdefault(sale.card_id, item) != item:
            raise CardTwice(first_item[sale.card_id], item)
    lines = [(item, line) for item, sale in enumerate(sales, start=1) for line in sale.lines]
    try:
        rows = ask(
            conn,
            _SELL,
            (
                terminal_id,
                secret_hash,
                key,
                request_hash,
                _array(sale.card_id for sale in sales),
                _array(item for item, _ in lines),
                _array(line.ean for _, line in lines),
                _array(line.price for _, line in lines),
                all_or_nothing,
                held_until,
                _array(sale.code_refusal for sale in sales),
            ),
        )
    except DBAPIError as error:
        raise _in_words(error) from error
    answered = groupby(map(_Row._make, rows), key=attrgetter("item"))
    return [_sale(list(lines)) for _, lines in answered]


def sell_now(engine: Engine, *, person: str | None = None, **request: Any) -> list[AnsweredSale]:
    """`sell` in a transaction of its own that has ended when this returns: what is answered is in the books.

    Two requests that meet (the same key twice at once, a deadlock) are asked again; the answer is then the first one's.
    A sale says itself which terminal asked for it; who was at a browser till, `person` ("person:12"), is noted in the
    audit trail, in the same transaction.
    """
    for _ in range(3):
        try:
            if person is None:
                with statements_alone(engine) as conn:
                    return sell(conn, **request)
            with engine.begin() as conn:
                sold = sell(conn, **request)
                _note(conn, person, sold)
                return sold
        except AskedTwiceAtOnce:
            continue
    raise AskedTwiceAtOnce


def _note(conn: Connection, person: str, sold: Iterable[AnsweredSale]) -> None:
    for sale in sold:
        if not sale.replayed and sale.refusal is None:
            action = "sale.make" if sale.held_until is None else "hold.make"
            audit.record(
                conn, actor=person, action=action, subject=f"sale:{sale.sale_id}", details={"cents": sale.amount}
            )


def _sale(rows: Sequence[_Row]) -> AnsweredSale:
    first = rows[0]
    return AnsweredSale(
        sale_id=first.sale_id,
        item=first.item,
        asked_at=first.asked_at,
        refusal=_refusal(first.sale_refusal),
        amount=first.amount,
        lines=tuple(
            AnsweredLine(
                line=row.line,
                ean=row.ean,
                price=row.price,
                benefit=row.benefit,
                balance_after=row.balance_after,
                usable_until=row.usable_until,
                refusal=_refusal(row.line_refusal),
            )
            for row in rows
        ),
        held_until=first.held_until,
        replayed=first.replayed,
    )


def _refusal(code: str | None) -> Refusal | None:
    return None if code is None else Refusal(code)


def _in_words(error: DBAPIError) -> Exception:
    """Tell the three things a till can meet from everything else, by the names that `sell` raises."""
    diagnostics = getattr(error.orig, "diag", None)
    constraint = getattr(diagnostics, "constraint_name", None)
    state = getattr(error.orig, "sqlstate", None)
    if constraint == "key_reused":
        return KeyReused()
    if state == "28000":
        return UnknownTerminal()
    if constraint == "one_sale_per_key" or state in ("40P01", "40001"):
        return AskedTwiceAtOnce()
    return error
