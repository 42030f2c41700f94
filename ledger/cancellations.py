"""Cancellations: a partner gives back a sale, whole or line by line.

A cancelled line is a transfer that mirrors the one it takes back, so nothing is ever refunded above what was paid, nor
twice: the database sees to it. Before the payout that pays the sale is frozen this lowers the payout; afterwards the
same transfer is a refund that the next payout nets. Money given back after the benefit's deadline lapses at once: it
never comes back to life.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from ledger import audit
from ledger.accounts import LAPSED
from ledger.sales import KeyReused
from ledger.transfers import Transfer, lock_wallets, post


class UnknownSale(Exception):
    """This partner has made no such sale, or it was refused and moved nothing."""


class NothingToCancel(Exception):
    """The sale has no such line, or the line is cancelled already. `lines` are those; empty when all are."""

    def __init__(self, lines: Sequence[int]) -> None:
        super().__init__(f"lines {list(lines)} cannot be cancelled")
        self.lines = tuple(lines)


@dataclass(frozen=True, slots=True)
class CancelledLine:
    """One line given back. `balance_after` is what can be spent of the benefit since then, in cents."""

    line: int
    benefit: str
    amount: int
    balance_after: int
    usable_until: datetime


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The answer to a cancellation; `refunded` and `lapsed` in cents, the latter a part of the former."""

    cancellation_id: int
    sale_id: int
    asked_at: datetime
    refunded: int
    lapsed: int
    lines: tuple[CancelledLine, ...]
    replayed: bool


@dataclass(frozen=True, slots=True)
class _SoldLine:
    """One line of an accepted sale, by the transfer that paid it."""

    transfer_id: int
    line: int
    wallet: int
    partner_account: int
    amount: int
    school_year: int
    too_late: bool


def cancel(
    conn: Connection,
    sale_id: int,
    *,
    partner_id: int,
    origin: str,
    key: UUID,
    request_hash: bytes,
    lines: Sequence[int] | None = None,
    reason: str = "",
) -> Cancellation:
    """Give back a sale of this partner: its `lines`, or all that are not yet cancelled.

    `origin` ("terminal:7", "person:12") and `key` name the request for ever; asked again with the same `request_hash`
    it gives the first answer. Raises `KeyReused`, `UnknownSale` and `NothingToCancel`.
    """
    replay = answered(conn, origin=origin, key=key, request_hash=request_hash)
    if replay is not None:
        return replay
    sold = _sold_lines(conn, sale_id, partner_id)
    if not sold:
        raise UnknownSale
    lock_wallets(conn, [row.wallet for row in sold])
    # Only now: whoever cancelled meanwhile has ended.
    cancelled = set(
        conn.scalars(
            text("select reverses from transfer where reverses = any(cast(:ids as bigint[]))"),
            {"ids": [row.transfer_id for row in sold]},
        )
    )
    if cancelled:
        replay = answered(conn, origin=origin, key=key, request_hash=request_hash)
        if replay is not None:
            return replay
    open_lines = {row.line: row for row in sold if row.transfer_id not in cancelled}
    wanted = sorted(open_lines) if lines is None else sorted(set(lines))
    impossible = [line for line in wanted if line not in open_lines]
    if impossible or not wanted:
        raise NothingToCancel(impossible)
    chosen = [open_lines[line] for line in wanted]
    refunded = sum(row.amount for row in chosen)
    lapsed = sum(row.amount for row in chosen if row.too_late)
    try:
        row = conn.execute(
            text("""
                insert into cancellation (sale_id, origin, key, request_hash, reason, refunded, lapsed)
                values (:sale, :origin, :key, :hash, :reason, :refunded, :lapsed) returning id, asked_at
            """),
            {
                "sale": sale_id,
                "origin": origin,
                "key": key,
                "hash": request_hash,
                "reason": reason,
                "refunded": refunded,
                "lapsed": lapsed,
            },
        ).one()
    except IntegrityError as error:
        # The key was used for another sale at this very moment: there is no other way to meet here under the locks.
        raise KeyReused from error
    post(conn, [transfer for sold_line in chosen for transfer in _give_back(sold_line, row.id)])
    answers = conn.execute(
        text("""
            insert into cancellation_line (cancellation_id, line, benefit, amount, balance_after, usable_until)
            select :cancellation, c.line, b.code, c.amount, a.balance - a.held, b.usable_until
              from unnest(cast(:lines as smallint[]), cast(:wallets as bigint[]), cast(:amounts as bigint[]))
                   as c(line, wallet, amount)
              join account a on a.id = c.wallet join benefit b on b.id = a.benefit_id
            returning line, benefit, amount, balance_after, usable_until
        """),
        {
            "cancellation": row.id,
            "lines": wanted,
            "wallets": [sold_line.wallet for sold_line in chosen],
            "amounts": [sold_line.amount for sold_line in chosen],
        },
    ).all()
    audit.record(
        conn,
        actor=origin,
        action="sale.cancel",
        subject=f"sale:{sale_id}",
        details={"lines": wanted, "refunded": refunded, "lapsed": lapsed, "reason": reason},
    )
    told = tuple(sorted((CancelledLine(*answer) for answer in answers), key=lambda line: line.line))
    return Cancellation(row.id, sale_id, row.asked_at, refunded, lapsed, told, replayed=False)


def _give_back(sold: _SoldLine, cancellation_id: int) -> list[Transfer]:
    """The refund of one line and, when the deadline has passed, the lapse that follows on its heels."""
    refund = Transfer(
        kind="refund",
        debit_account=sold.partner_account,
        credit_account=sold.wallet,
        amount=sold.amount,
        document=cancellation_id,
        line=sold.line,
        school_year=sold.school_year,
        reverses=sold.transfer_id,
    )
    if not sold.too_late:
        return [refund]
    return [
        refund,
        Transfer(
            kind="lapse",
            debit_account=sold.wallet,
            credit_account=LAPSED,
            amount=sold.amount,
            document=cancellation_id,
            line=sold.line,
            school_year=sold.school_year,
        ),
    ]


def _sold_lines(conn: Connection, sale_id: int, partner_id: int) -> list[_SoldLine]:
    rows = conn.execute(
        text("""
            select t.id as transfer_id, t.line, t.debit_account as wallet, t.credit_account as partner_account,
                   t.amount, t.school_year, now() >= b.usable_until as too_late
              from sale s
              join transfer t on t.kind = 'sale' and t.document = s.id
              join account a on a.id = t.debit_account
              join benefit b on b.id = a.benefit_id
             where s.id = :sale and s.partner_id = :partner
             order by t.line
        """),
        {"sale": sale_id, "partner": partner_id},
    )
    return [_SoldLine(**row._mapping) for row in rows]


def answered(conn: Connection, *, origin: str, key: UUID, request_hash: bytes) -> Cancellation | None:
    """The answer that this key was given before, if it was. Raises `KeyReused`."""
    given = conn.execute(
        text("""
            select id, sale_id, asked_at, refunded, lapsed, request_hash from cancellation
             where origin = :origin and key = :key
        """),
        {"origin": origin, "key": key},
    ).one_or_none()
    if given is None:
        return None
    if given.request_hash != request_hash:
        raise KeyReused
    lines = conn.execute(
        text("""
            select line, benefit, amount, balance_after, usable_until from cancellation_line
             where cancellation_id = :cancellation order by line
        """),
        {"cancellation": given.id},
    )
    return Cancellation(
        given.id,
        given.sale_id,
        given.asked_at,
        given.refunded,
        given.lapsed,
        tuple(CancelledLine(*line) for line in lines),
        replayed=True,
    )
