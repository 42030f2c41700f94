"""Holds: reserve now, debit later. A school reserves a class's licences before the publisher confirms them.

A hold is a sale asked with `held_until` (see `ledger.sales`): its lines lower what the student can spend without moving
anything. It ends once: captured (the sale is posted), voided, or expired.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from ledger import audit
from ledger.accounts import partner_account
from ledger.transfers import Transfer, lock_wallets, post

Outcome = Literal["captured", "voided", "expired"]


class UnknownHold(Exception):
    """This partner holds nothing under that sale."""


class HoldIsClosed(Exception):
    """The hold has ended in another way already; `outcome` says how."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class ClosedHold:
    """How a hold ended and the cents it was about; `again` when it had ended that way before this call."""

    sale_id: int
    outcome: Outcome
    amount: int
    again: bool


def capture(conn: Connection, sale_id: int, *, partner_id: int, actor: str) -> ClosedHold:
    """Post the sale that was reserved. Done twice it debits once.

    Raises `UnknownHold`, and `HoldIsClosed` when it was voided or has expired, by the database's clock.
    """
    return _close(conn, sale_id, partner_id, "captured", actor)


def void(conn: Connection, sale_id: int, *, partner_id: int, actor: str) -> ClosedHold:
    """Give up a reservation. Raises `UnknownHold`, and `HoldIsClosed` when it was captured or has expired."""
    return _close(conn, sale_id, partner_id, "voided", actor)


def _close(conn: Connection, sale_id: int, partner_id: int, wanted: Outcome, actor: str) -> ClosedHold:
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
    (outcome,) = conn.scalars(text("select distinct outcome from hold where sale_id = :sale"), {"sale": sale_id}).all()
    if outcome is None and rows[0].expired:
        outcome = "expired"
    if outcome is not None:
        if outcome != wanted:
            raise HoldIsClosed(outcome)
        return ClosedHold(sale_id, wanted, amount, again=True)
    conn.execute(
        text("update hold set closed_at = now(), outcome = :outcome where sale_id = :sale and closed_at is null"),
        {"sale": sale_id, "outcome": wanted},
    )
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
    audit.record(conn, actor=actor, action=f"hold.{wanted}", subject=f"sale:{sale_id}", details={"cents": amount})
    return ClosedHold(sale_id, wanted, amount, again=False)


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
