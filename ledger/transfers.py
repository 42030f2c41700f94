"""Posting: the one way by which amounts other than sales enter the books.

A transfer moves one amount from one account to another, so the books balance by construction. The database keeps the
promises (see `migrations/sql/0001_books.sql`); this module adds what a caller needs: several transfers at once, and a
posting that can be done twice with the effect of once.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import Connection, text

Kind = Literal[
    "sale",
    "grant",
    "refund",
    "lapse",
    "grant_withdrawal",
    "payout",
    "payout_reopened",
    "bank_debit",
    "bank_return",
    "bank_charge",
    "bank_funding",
    "suspense_in",
    "suspense_out",
    "write_off",
]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One amount, in cents, from `debit_account` to `credit_account`.

    `(kind, document, line)` is the business key: it posts once. `document` is the number of the wallet, cancellation,
    payment ... that the amount belongs to, `line` its place there. `reverses` names the transfer taken back, whole.
    """

    kind: Kind
    debit_account: int
    credit_account: int
    amount: int
    document: int
    school_year: int
    line: int = 1
    reverses: int | None = None


class PostingConflict(Exception):
    """A business key is already in the books with another content."""

    def __init__(self, transfer: Transfer) -> None:
        super().__init__(f"{transfer.kind} {transfer.document}/{transfer.line} is in the books with another content")
        self.transfer = transfer


_POST = text("""
    with asked as materialized (
        select * from unnest(cast(:kind as transfer_kind[]), cast(:debit_account as bigint[]),
                             cast(:credit_account as bigint[]), cast(:amount as bigint[]), cast(:document as bigint[]),
                             cast(:line as smallint[]), cast(:school_year as smallint[]), cast(:reverses as bigint[]))
                      with ordinality
            as a(kind, debit_account, credit_account, amount, document, line, school_year, reverses, n)
    ), posted as (
        insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year, reverses)
        select kind, debit_account, credit_account, amount, document, line, school_year, reverses from asked order by n
        on conflict (kind, document, line) do nothing
        returning id, kind, document, line
    )
    select p.id from asked a left join posted p using (kind, document, line) order by a.n
""")

_FIND = text("""
    select id, debit_account, credit_account, amount, school_year, reverses
      from transfer where kind = cast(:kind as transfer_kind) and document = :document and line = :line
""")

# The database's function locks in the order of all the books, so that no two of their functions wait for each other.
_LOCK_WALLETS = text("select * from lock_wallets(cast(:accounts as bigint[]))")


def lock_wallets(conn: Connection, accounts: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Lock wallets against every other posting until the transaction ends; return their (balance, held) in cents."""
    return {row.id: (row.balance, row.held) for row in conn.execute(_LOCK_WALLETS, {"accounts": list(accounts)})}


def post(conn: Connection, transfers: Sequence[Transfer]) -> list[int]:
    """Put transfers into the books and return their numbers, in order.

    A transfer that is already there with the same content is left as it is and its number returned, so a job may post
    twice. Raises `PostingConflict` when its business key stands there with another content, and what the database
    raises when a promise would be broken (`IntegrityError`: a wallet below zero, a reversal that mirrors nothing ...).
    """
    if not transfers:
        return []
    rows = [asdict(transfer) for transfer in transfers]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    numbers = [row.id for row in conn.execute(_POST, columns)]
    return [
        number if number is not None else _number_of_same(conn, transfer)
        for number, transfer in zip(numbers, transfers, strict=True)
    ]


def _number_of_same(conn: Connection, transfer: Transfer) -> int:
    """Find the transfer that holds a business key, and insist that it says the same."""
    there = conn.execute(_FIND, {"kind": transfer.kind, "document": transfer.document, "line": transfer.line}).one()
    same = (there.debit_account, there.credit_account, there.amount, there.school_year, there.reverses) == (
        transfer.debit_account,
        transfer.credit_account,
        transfer.amount,
        transfer.school_year,
        transfer.reverses,
    )
    if not same:
        raise PostingConflict(transfer)
    return int(there.id)
