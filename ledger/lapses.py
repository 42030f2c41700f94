"""Lapses: what students have not used when a benefit's deadline has passed goes back to the Region.

The deadline is `benefit.usable_until` by the database's clock, the same that decides a sale, so no cent is both spent
and lapsed. What a hold reserves stays until the hold ends, and lapses at the next run. Running it twice, or killing it
midway, lapses nothing twice: each batch commits for itself, and a wallet that has lapsed holds nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from ledger.accounts import LAPSED
from ledger.transfers import lock_wallets

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Lapsed:
    """What lapsed: wallets emptied, and cents."""

    wallets: int
    amount: int

    def __add__(self, other: "Lapsed") -> "Lapsed":
        return Lapsed(self.wallets + other.wallets, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class LapseReport:
    """One line of the year-end report: all that has lapsed of one benefit, and what a hold still keeps; cents.

    `usable_until` is the first instant that is too late, `is_over` whether the database's clock has passed it.
    """

    school_year: int
    benefit: str
    label: str
    granted: int
    spent: int
    lapsed: int
    still_held: int
    usable_until: datetime
    is_over: bool

    @property
    def left(self) -> int:
        """What is still in the wallets, reserved or not."""
        return self.granted - self.spent - self.lapsed


def waiting(conn: Connection) -> int:
    """How many wallets hold something that can no longer be used and is not reserved."""
    return int(
        conn.execute(
            text("""
                select count(*) from account a join benefit b on b.id = a.benefit_id
                 where b.usable_until <= now() and a.balance > a.held
            """)
        ).scalar_one()
    )


def lapse_batch(conn: Connection, *, limit: int = BATCH) -> Lapsed:
    """Lapse up to `limit` wallets in the caller's transaction; nothing lapsed means that all is done."""
    wallets = conn.scalars(
        text("""
            select a.id from account a join benefit b on b.id = a.benefit_id
             where b.usable_until <= now() and a.balance > a.held
             order by a.owner_id, a.benefit_id limit :limit
        """),
        {"limit": limit},
    ).all()
    if not wallets:
        return Lapsed(0, 0)
    lock_wallets(conn, wallets)
    # Only now, in a statement of its own: it sees what those have posted who held the wallets before.
    row = conn.execute(
        text("""
            with posted as (
                insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year)
                select 'lapse', a.id, :lapsed, a.balance - a.held, a.id,
                       1 + (select count(*) from transfer t where t.kind = 'lapse' and t.document = a.id), b.school_year
                  from account a join benefit b on b.id = a.benefit_id
                 where a.id = any(cast(:wallets as bigint[])) and a.balance > a.held
                 order by a.id
                returning amount
            )
            select count(*) as wallets, coalesce(sum(amount), 0)::bigint as amount from posted
        """),
        {"wallets": list(wallets), "lapsed": LAPSED},
    ).one()
    return Lapsed(row.wallets, row.amount)


def report(conn: Connection, school_year: int) -> list[LapseReport]:
    """What became of each benefit of a school year, in cents: granted = spent + lapsed + what is left in wallets."""
    rows = conn.execute(
        text("""
            with moved as (
                select a.benefit_id,
                       sum(case t.kind when 'grant' then t.amount when 'grant_withdrawal' then -t.amount else 0 end)
                           as granted,
                       sum(case t.kind when 'sale' then t.amount when 'refund' then -t.amount else 0 end) as spent,
                       sum(case t.kind when 'lapse' then t.amount else 0 end) as lapsed
                  from transfer t
                  join account a on a.id = case when t.debit_account < 2000000000000 then t.debit_account
                                                else t.credit_account end
                 where t.school_year = :year and a.benefit_id is not null
                 group by a.benefit_id
            )
            select b.school_year, b.code as benefit, b.label, coalesce(m.granted, 0)::bigint as granted,
                   coalesce(m.spent, 0)::bigint as spent, coalesce(m.lapsed, 0)::bigint as lapsed,
                   (select coalesce(sum(held), 0)::bigint from account where benefit_id = b.id) as still_held,
                   b.usable_until, b.usable_until <= now() as is_over
              from benefit b left join moved m on m.benefit_id = b.id
             where b.school_year = :year order by b.id
        """),
        {"year": school_year},
    )
    return [LapseReport(**row._mapping) for row in rows]
