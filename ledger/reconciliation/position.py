"""The bank account in the books beside the entries: the balance it began with, and what missing statements moved.

Together with the entries these make the account in the books equal to the last closing balance, whatever order the
statements come in. A statement that comes late takes its share of the gap back out of suspense.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import Connection, text

from ledger import transfers
from ledger.accounts import FUNDING, SUSPENSE
from ledger.reconciliation.effects import from_bank

_DIFFERENCES = text("""
    with told as (
        select account, opening, closing - opening - booked as gap from bank_position
    ), adjusted as (
        select account, coalesce(sum(amount) filter (where kind = 'opening'), 0)::bigint as opening,
               coalesce(sum(amount) filter (where kind = 'gap'), 0)::bigint as gap
          from bank_adjustment group by account
    )
    select account, t.opening - coalesce(a.opening, 0) as opening, t.gap - coalesce(a.gap, 0) as gap
      from told t left join adjusted a using (account)
     order by account
""")
_INSERT = text("""
    insert into bank_adjustment (import_id, account, kind, amount) values (:import_id, :account, :kind, :amount)
    returning id
""")
_GAPS = text("""
    select account, sum(amount)::bigint as amount from bank_adjustment where kind = 'gap'
     group by account having sum(amount) <> 0 order by account
""")
_BALANCES = text("""
    select bank_book_balance() as books, (select coalesce(sum(closing), 0)::bigint from bank_position) as statements
""")


@dataclass(frozen=True, slots=True)
class BankBalance:
    """The bank account in cents, in the books and by the last statements. They are always equal."""

    books: int
    statements: int


def adjust(conn: Connection, import_id: int, today: date) -> None:
    """Post what the chain of statements says beside their entries, as far as it is not posted yet."""
    for row in conn.execute(_DIFFERENCES).all():
        _post(conn, import_id, row.account, "opening", row.opening, today)
        _post(conn, import_id, row.account, "gap", row.gap, today)


def _post(
    conn: Connection, import_id: int, account: str, kind: Literal["opening", "gap"], signed: int, today: date
) -> None:
    if signed == 0:
        return
    row = {"import_id": import_id, "account": account, "kind": kind, "amount": signed}
    number = conn.execute(_INSERT, row).scalar_one()
    against = FUNDING if kind == "opening" else SUSPENSE
    transfers.post(conn, from_bank(number, [(against, signed)], today))


def gaps(conn: Connection) -> dict[str, int]:
    """What statements that are missing must have moved, in signed cents, by account; empty when none is missing."""
    return {row.account: row.amount for row in conn.execute(_GAPS)}


def balance(conn: Connection) -> BankBalance:
    """The bank account in the books and by the statements."""
    return BankBalance(*conn.execute(_BALANCES).one())
