"""What happened to a student's benefits, as they read it: one entry per purchase, refund, grant or lapse."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on one benefit; `amount` in cents, negative for what went out, `balance_after` what was left then.

    `kind` is "grant", "sale", "refund", "lapse" or "grant_withdrawal"; a lapse that follows a refund which came after
    the deadline is "late_refund_lapse". `titles` are the licences, `partner` the school that took or gave back.
    `number` orders operations as the books do.
    """

    number: int
    posted_at: datetime
    kind: str
    label: str
    school_year: int
    amount: int
    balance_after: int
    usable_until: datetime
    partner: str | None
    titles: tuple[str, ...]


def lapsed(conn: Connection, wallets: Collection[int]) -> dict[int, int]:
    """What has lapsed of each of these wallets, by account, in cents; those of which nothing has are left out."""
    rows = conn.execute(
        text("""
            select debit_account as account, sum(amount)::bigint as cents from transfer
             where kind = 'lapse' and debit_account = any(cast(:wallets as bigint[])) group by debit_account
        """),
        {"wallets": list(wallets)},
    )
    return {row.account: row.cents for row in rows}


def operations(conn: Connection, student_id: int, *, before: int | None = None, limit: int = 20) -> list[Operation]:
    """A student's operations of all years, the latest first; `before` is the number of the last one already seen."""
    # All of a student's entries are read, some dozens over the years: a balance is the sum of what came before it.
    rows = conn.execute(
        text("""
            with moved as (
                select e.*, a.benefit_id,
                       sum(e.amount) over (partition by a.id order by e.transfer_id) as balance_after,
                       case when e.kind in ('sale', 'refund') then e.document else -e.transfer_id end as together
                  from account a cross join lateral (select * from entry where account_id = a.id) e
                 where a.owner_id = :student and a.benefit_id is not null
            ), grouped as (
                select max(transfer_id) as number, min(posted_at) as posted_at, kind, benefit_id, account_id,
                       sum(amount)::bigint as amount, min(other_account_id) as other, min(document) as document,
                       (array_agg(balance_after order by transfer_id desc))[1]::bigint as balance_after,
                       array_agg(case kind when 'sale' then transfer_id when 'refund' then reverses end) as sold
                  from moved group by kind, together, account_id, benefit_id
            )
            select g.number, g.posted_at,
                   case when g.kind = 'lapse' and g.document <> g.account_id then 'late_refund_lapse'
                        else g.kind::text end as kind,
                   b.label, b.school_year, g.amount, g.balance_after, b.usable_until, p.name as partner,
                   array(select r.title from transfer s
                           join sale_line l on l.sale_id = s.document and l.line = s.line
                           join product r on r.ean = l.ean
                          where s.id = any(g.sold) order by l.line) as titles
              from grouped g
              join benefit b on b.id = g.benefit_id
              left join partner p on p.id = g.other - 2000000000000
             where g.number < coalesce(cast(:before as bigint), 9223372036854775807)
             order by g.number desc limit :limit
        """),
        {"student": student_id, "before": before, "limit": limit},
    )
    return [Operation(**(row._asdict() | {"titles": tuple(row.titles)})) for row in rows]
