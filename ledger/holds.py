"""Holds: reserve now, debit later. A school reserves a class's licences before the publisher confirms them.

A hold is a sale asked with `held_until` (see `ledger.sales`): its lines lower what the student can spend without moving
anything. It ends once: captured (the sale is posted), voided, or expired.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from ledger import audit
from ledger.accounts import partner_account
from ledger.refusals import Refusal
from ledger.sales import KeyReused
from ledger.transfers import Transfer, lock_wallets, post

Outcome = Literal["captured", "voided", "expired"]


class UnknownHold(Exception):
    """This partner holds nothing under that sale."""


class HoldIsClosed(Exception):
    """The hold has ended in another way already; `outcome` says how."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class MayNotSell(Exception):
    """The partner may sell nothing any more, reserved or not; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class ClosedHold:
    """How a hold ended, when, and the cents it was about; `again` when it had ended that way before this call."""

    sale_id: int
    outcome: Outcome
    amount: int
    closed_at: datetime
    again: bool


def capture(
    conn: Connection, sale_id: int, *, partner_id: int, origin: str, key: UUID, request_hash: bytes
) -> ClosedHold:
    """Post the sale that was reserved. Done twice it debits once.

    `origin` ("terminal:7", "person:12") and `key` name the request for ever; asked again with the same `request_hash`
    it gives the first answer. Raises `KeyReused`, `UnknownHold`, `HoldIsClosed` when it was voided or has expired, by
    the database's clock, and `MayNotSell` once the Region has suspended the partner: it can be voided still.
    """
    return _close(conn, sale_id, partner_id, "captured", origin, key, request_hash)


def void(conn: Connection, sale_id: int, *, partner_id: int, origin: str, key: UUID, request_hash: bytes) -> ClosedHold:
    """Give up a reservation, as `capture` takes it up. Raises the same, `HoldIsClosed` when it was captured."""
    return _close(conn, sale_id, partner_id, "voided", origin, key, request_hash)


def answered(conn: Connection, *, origin: str, key: UUID, request_hash: bytes) -> ClosedHold | None:
    """The answer that this key was given before, if it was. Raises `KeyReused`."""
    given = conn.execute(
        text("select * from hold_closing where origin = :origin and key = :key"), {"origin": origin, "key": key}
    ).one_or_none()
    if given is None:
        return None
    if given.request_hash != request_hash:
        raise KeyReused
    return ClosedHold(given.sale_id, given.outcome, given.amount, given.closed_at, again=True)


def _close(
    conn: Connection, sale_id: int, partner_id: int, wanted: Outcome, origin: str, key: UUID, request_hash: bytes
) -> ClosedHold:
    replay = answered(conn, origin=origin, key=key, request_hash=request_hash)
    if replay is not None:
        return replay
    rows = conn.execute(
        text("""
            select h.line, h.wallet, h.amount, b.school_year, h.expires_at <= now() as expired
              from hold h
              join sale s on s.id = h.sale_id
              join account a on a.id = h.wallet
              join benefit b on b.id = a.benefit_id
             where h.sale_id = :sale and s.partner_id = :partner
             order by h.line
        """),
        {"sale": sale_id, "partner": partner_id},
    ).all()
    if not rows:
        raise UnknownHold
    lock_wallets(conn, [row.wallet for row in rows])
    amount = sum(row.amount for row in rows)
    # Only now: whoever closed it meanwhile has ended.
    closed = conn.execute(
        text("""
            select h.outcome, h.closed_at, p.status::text as partner_status from hold h, partner p
             where h.sale_id = :sale and h.line = :line and p.id = :partner
        """),
        {"sale": sale_id, "line": rows[0].line, "partner": partner_id},
    ).one()
    outcome: Outcome | None = "expired" if closed.outcome is None and rows[0].expired else closed.outcome
    if outcome is not None:
        if outcome != wanted:
            raise HoldIsClosed(outcome)
        return ClosedHold(sale_id, wanted, amount, closed.closed_at, again=True)
    if wanted == "captured" and closed.partner_status != "validated":
        is_suspended = closed.partner_status == "suspended"
        raise MayNotSell(Refusal.PARTNER_SUSPENDED if is_suspended else Refusal.PARTNER_NOT_VALIDATED)
    conn.execute(
        text("update hold set closed_at = now(), outcome = :outcome where sale_id = :sale and closed_at is null"),
        {"sale": sale_id, "outcome": wanted},
    )
    try:
        closed_at = conn.execute(
            text("""
                insert into hold_closing (sale_id, origin, key, request_hash, outcome, amount)
                values (:sale, :origin, :key, :hash, :outcome, :amount) returning closed_at
            """),
            {
                "sale": sale_id,
                "origin": origin,
                "key": key,
                "hash": request_hash,
                "outcome": wanted,
                "amount": amount,
            },
        ).scalar_one()
    except IntegrityError as error:
        # The key was used for another hold at this very moment.
        raise KeyReused from error
    if wanted == "captured":
        post(
            conn,
            [
                Transfer(
                    kind="sale",
                    debit_account=row.wallet,
                    credit_account=partner_account(partner_id),
                    amount=row.amount,
                    document=sale_id,
                    line=row.line,
                    school_year=row.school_year,
                )
                for row in rows
            ],
        )
    audit.record(conn, actor=origin, action=f"hold.{wanted}", subject=f"sale:{sale_id}", details={"cents": amount})
    return ClosedHold(sale_id, wanted, amount, closed_at, again=False)


def expire(conn: Connection, *, limit: int = 1000) -> int:
    """Close the holds whose time is up, so that what they reserved can be spent again; return how many lines.

    A hold past its time cannot be captured whether or not this has run.
    """
    due = conn.execute(
        text("""
            select h.sale_id, h.line, h.wallet from hold h
             where h.closed_at is null and h.expires_at <= now() order by h.expires_at limit :limit
        """),
        {"limit": limit},
    ).all()
    lock_wallets(conn, [row.wallet for row in due])
    closed = conn.execute(
        text("""
            update hold set closed_at = now(), outcome = 'expired'
             where closed_at is null
               and (sale_id, line) in (select * from unnest(cast(:sales as bigint[]), cast(:lines as smallint[])))
        """),
        {"sales": [row.sale_id for row in due], "lines": [row.line for row in due]},
    )
    return closed.rowcount
