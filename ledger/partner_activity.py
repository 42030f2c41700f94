"""What moves a partner's account, as the partner reads it: by week, by period, and what a payout run left out.

Amounts are in cents and as the account sees them: above zero for what the Region owes the partner (sales, money that
came back from the bank), below for what was given back to students or paid out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from ledger.accounts import partner_account
from ledger.calendar import Week, last_day_before
from ledger.payouts.rules import Hold


@dataclass(frozen=True, slots=True)
class WeekOfSales:
    """One week in Paris: sales and refunds in cents, both above zero, and how many of each."""

    week: Week
    sales: int
    refunds: int
    sold_lines: int
    refunded_lines: int

    @property
    def net(self) -> int:
        """Sales less refunds."""
        return self.sales - self.refunds


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer of the partner's account; `balance` is what the Region owes once it is booked.

    Sale, product and student are those of the sale, or of the sale that was given back; `payment_id` and
    `end_to_end_id` those of the payment that was made, or that came back. Names are empty once a student was erased.
    """

    transfer_id: int
    posted_at: datetime
    kind: str
    amount: int
    balance: int
    sale_id: int | None
    ean: int | None
    title: str
    first_name: str
    initial: str
    payment_id: int | None
    end_to_end_id: str | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a run did not pay to the partner although the account was not at zero, and why."""

    reference: str
    weekly: bool
    last_day: date
    amount: int
    reason: Hold


def sales_by_week(conn: Connection, partner_id: int, first: Week, last: Week) -> list[WeekOfSales]:
    """Each week from `first` to `last`, those without a sale too."""
    rows = conn.execute(
        text("""
            select cast(date_trunc('week', posted_at at time zone 'Europe/Paris') as date) as monday,
                   coalesce(sum(amount) filter (where kind = 'sale'), 0)::bigint as sales,
                   coalesce(-sum(amount) filter (where kind = 'refund'), 0)::bigint as refunds,
                   count(*) filter (where kind = 'sale') as sold_lines,
                   count(*) filter (where kind = 'refund') as refunded_lines
              from entry
             where account_id = :account and kind in ('sale', 'refund') and posted_at >= :start and posted_at < :end
             group by 1
        """),
        {"account": partner_account(partner_id), "start": first.starts_at, "end": last.ends_at},
    )
    found = {row.monday: row for row in rows}
    weeks = []
    week = first
    while week <= last:
        row = found.get(week.monday)
        counted = (row.sales, row.refunds, row.sold_lines, row.refunded_lines) if row else (0, 0, 0, 0)
        weeks.append(WeekOfSales(week, *counted))
        week = week.next()
    return weeks


def movements(
    conn: Connection,
    partner_id: int,
    start: datetime,
    end: datetime,
    *,
    opening: int,
    kinds: Sequence[str] | None = None,
    after: int = 0,
    limit: int = 200,
) -> Sequence[Movement]:
    """What moved the account from `start` on and before `end`, in the order of the books.

    `opening` is the balance at `start`; `kinds` are those to be shown, all if none are named; `after` is the number of
    the last movement already seen.
    """
    rows = conn.execute(
        text("""
            with moved as (
                select e.transfer_id, e.posted_at, e.kind::text as kind, e.amount, e.document, e.reverses,
                       (:opening + sum(e.amount) over (order by e.transfer_id))::bigint as balance
                  from entry e
                 where e.account_id = :account and e.posted_at >= :start and e.posted_at < :end
            )
            select m.transfer_id, m.posted_at, m.kind, m.amount, m.balance, s.document as sale_id, l.ean,
                   coalesce(p.title, '') as title, coalesce(i.first_name, '') as first_name,
                   coalesce(left(i.last_name, 1), '') as initial, y.id as payment_id, y.end_to_end_id
              from (select * from moved
                     where transfer_id > :after
                       and (cast(:kinds as text[]) is null or kind = any(cast(:kinds as text[])))
                     order by transfer_id limit :limit) m
              left join transfer s
                on s.id = case m.kind when 'sale' then m.transfer_id when 'refund' then m.reverses end
              left join sale_line l on l.sale_id = s.document and l.line = s.line
              left join product p on p.ean = l.ean
              left join account a on a.id = s.debit_account
              left join student_identity i on i.student_id = a.owner_id
              left join transfer paid on paid.id = m.reverses and m.kind = 'payout_reopened'
              left join payout_payment y
                on y.id = case m.kind when 'payout' then m.document when 'payout_reopened' then paid.document end
             order by m.transfer_id
        """),
        {
            "account": partner_account(partner_id),
            "start": start,
            "end": end,
            "opening": opening,
            "kinds": None if kinds is None else list(kinds),
            "after": after,
            "limit": limit,
        },
    )
    return [Movement(**row._mapping) for row in rows]


def left_out(
    conn: Connection, partner_id: int, start: datetime | None = None, end: datetime | None = None, *, limit: int = 10
) -> list[LeftOut]:
    """What runs carried over or held back, the newest first: of the weeks that ended after `start`, by `end`."""
    rows = conn.execute(
        text("""
            select r.reference, r.weekly, r.cutoff, h.amount, h.reason
              from payout_held h join payout_run r on r.id = h.run_id
             where h.partner_id = :partner and r.state <> 'refused' and (h.amount <> 0 or h.transfers > 0)
               and r.cutoff > coalesce(cast(:start as timestamptz), '-infinity')
               and r.cutoff <= coalesce(cast(:end as timestamptz), 'infinity')
             order by r.cutoff desc, r.id desc limit :limit
        """),
        {"partner": partner_id, "start": start, "end": end, "limit": limit},
    )
    return [
        LeftOut(
            row.reference,
            row.weekly,
            last_day_before(row.cutoff),
            row.amount,
            Hold(row.reason),
        )
        for row in rows
    ]
