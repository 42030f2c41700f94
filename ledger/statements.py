"""Statements: what an account held at any instant, and how it came to that, from the transfers alone.

The sign convention everywhere: a balance is credits minus debits, in cents. A wallet's is what its student can still
spend, a partner's what the Region owes it; the Region's bank account is below zero by what the bank holds for it.

`posted_at` is the instant at which a transfer's transaction began, so what is said of an instant is final as soon as no
transaction that began before it is running any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from ledger.chart import CHART, Heading
from ledger.streams import take_time

# Two sums, each on its own index; the same over the view `entry` takes twice as long.
_BALANCE = """
    select coalesce((select sum(amount) from transfer where credit_account = :account and posted_at < i.at), 0)
         - coalesce((select sum(amount) from transfer where debit_account = :account and posted_at < i.at), 0)
           as balance
      from (select coalesce(cast(:at as timestamptz), 'infinity') as at) i
"""


class UnknownAccount(LookupError):
    """The books have no account of this number."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One transfer as an account sees it: `amount` in cents, positive for a credit; `balance` once it is booked.

    `document` is the number of what it belongs to (sale, cancellation, payment ...), `line` its place there.
    """

    transfer_id: int
    posted_at: datetime
    kind: str
    document: int
    line: int
    other_account: int
    amount: int
    balance: int
    school_year: int
    reverses: int | None


@dataclass(frozen=True, slots=True)
class Statement:
    """What happened to an account from `start` on and before `end`, in the order in which it was booked."""

    account: int
    start: datetime
    end: datetime
    opening: int
    lines: Sequence[StatementLine]

    @property
    def credits(self) -> int:
        """Sum of what came in, in cents."""
        return sum(line.amount for line in self.lines if line.amount > 0)

    @property
    def debits(self) -> int:
        """Sum of what went out, in cents, as a positive amount."""
        return -sum(line.amount for line in self.lines if line.amount < 0)

    @property
    def closing(self) -> int:
        """The balance at `end`."""
        return self.opening + self.credits - self.debits


def balance(conn: Connection, account: int, at: datetime | None = None) -> int:
    """Cents on an account just before the instant `at`; now, if none is given. Raises `UnknownAccount`."""
    _require(conn, account)
    return int(conn.execute(text(_BALANCE), {"account": account, "at": at}).scalar_one())


def statement(conn: Connection, account: int, start: datetime, end: datetime) -> Statement:
    """The statement of an account for the half-open period from `start` to `end`. Raises `UnknownAccount`."""
    _require(conn, account)
    # One statement, so that opening balance and lines are of one instant.
    rows = conn.execute(
        text(f"""
            with opening as materialized ({_BALANCE})
            select o.balance as opening, transfer_id, posted_at, kind, document, line, other_account_id, amount,
                   (o.balance + sum(amount) over (order by transfer_id))::bigint, school_year, reverses
              from opening o
              left join entry on account_id = :account and posted_at >= :at and posted_at < :end
             order by transfer_id
        """),  # noqa: S608
        {"account": account, "at": start, "end": end},
    ).all()
    lines = [StatementLine(*row[1:]) for row in rows if row.transfer_id is not None]
    return Statement(account, start, end, int(rows[0].opening), lines)


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One line of the trial balance: what was debited and credited, in cents, on all accounts of a heading."""

    heading: Heading
    debits: int
    credits: int

    @property
    def balance(self) -> int:
        """Credits minus debits."""
        return self.credits - self.debits


def trial_balance(
    conn: Connection, at: datetime | None = None, *, school_year: int | None = None
) -> tuple[TrialLine, ...]:
    """Debits and credits per heading of the chart, just before `at` (now, if none is given), of all years or of one.

    The balances add up to zero, since each transfer debits what it credits.
    """
    take_time(conn)
    moved = conn.execute(
        text("""
            select case when debit_account < 3000000000000 then debit_account / 1000000000000 else debit_account end,
                   case when credit_account < 3000000000000 then credit_account / 1000000000000 else credit_account end,
                   sum(amount)::bigint
              from transfer
             where posted_at < coalesce(cast(:at as timestamptz), 'infinity')
               and school_year = coalesce(cast(:school_year as smallint), school_year)
             group by 1, 2
        """),
        {"at": at, "school_year": school_year},
    ).all()
    # A collective heading comes as its leading digit, which is the number of its accounts without the zeros.
    keys = {heading: heading.accounts.start // (10**12 if heading.is_collective else 1) for heading in CHART}
    return tuple(
        TrialLine(
            heading,
            debits=sum(amount for debit, _, amount in moved if debit == key),
            credits=sum(amount for _, credit, amount in moved if credit == key),
        )
        for heading, key in keys.items()
    )


def _require(conn: Connection, account: int) -> None:
    if conn.scalar(text("select true from account where id = :account"), {"account": account}) is None:
        raise UnknownAccount(f"there is no account {account}")
