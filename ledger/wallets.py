"""Wallets: what is left to whom, until when. What the clerk sees after a scan, and what the student sees at home."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from ledger.database import ask
from ledger.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Wallet:
    """What one student has of one benefit of the current school year, in cents.

    `granted` is what the Region gave, `balance` what has not been spent, `held` the part of it that is reserved.
    `usable_until` is the first instant that is too late.
    """

    account: int
    benefit: str
    label: str
    school_year: int
    granted: int
    balance: int
    held: int
    usable_until: datetime

    @property
    def available(self) -> int:
        """What can be spent now."""
        return self.balance - self.held


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a scanned card belongs to: no more than a clerk needs to see that it is the right student."""

    card_id: int
    student_id: int
    first_name: str
    initial: str
    class_name: str
    wallets: tuple[Wallet, ...]


def wallets_of(conn: Connection, student_id: int) -> tuple[Wallet, ...]:
    """A student's wallets of the current school year, in the order of the benefits."""
    rows = ask(
        conn,
        """
            select a.id, b.code, b.label, b.school_year,
                   (select coalesce(sum(case when t.kind = 'grant' then t.amount else -t.amount end), 0)::bigint
                      from transfer t
                     where t.kind = 'grant' and t.credit_account = a.id
                        or t.kind = 'grant_withdrawal' and t.debit_account = a.id),
                   a.balance, a.held, b.usable_until
              from account a join benefit b on b.id = a.benefit_id
             where a.owner_id = %s and now() >= b.usable_from and now() < b.replaced_at
             order by b.id
        """,
        [student_id],
    )
    return tuple(Wallet(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of a wallet, as its student reads it: `amount` in cents, positive for what came in.

    `kind` is that of the transfer: grant, sale, refund, lapse or grant_withdrawal. `partner` and `title` say at whose
    counter and what for, where it was a sale or its refund. `number` is the transfer's, in the order of the books.
    """

    number: int
    posted_at: datetime
    kind: str
    benefit: str
    label: str
    school_year: int
    amount: int
    partner: str | None
    title: str | None


def history(conn: Connection, student_id: int, *, before: int | None = None, limit: int = 50) -> list[Movement]:
    """What happened to a student's wallets of all years, the latest first.

    `before` is the number of the last movement already seen.
    """
    rows = conn.execute(
        text("""
            with moved as (
                select e.transfer_id, e.posted_at, e.kind, e.amount, e.reverses, e.school_year, e.other_account_id,
                       e.document, e.line, b.code, b.label
                  from account a
                  join benefit b on b.id = a.benefit_id
                 cross join lateral (select * from entry
                                      where account_id = a.id
                                        and transfer_id < coalesce(cast(:before as bigint), 9223372036854775807)
                                      order by transfer_id desc limit :limit) e
                 where a.owner_id = :student
                 order by e.transfer_id desc limit :limit
            )
            select m.transfer_id as number, m.posted_at, m.kind::text as kind, m.code as benefit, m.label,
                   m.school_year, m.amount, p.name as partner, g.title
              from moved m
              left join partner p on p.id = m.other_account_id - 2000000000000
              left join transfer s
                on s.id = case m.kind when 'sale' then m.transfer_id when 'refund' then m.reverses end
              left join sale_line l on l.sale_id = s.document and l.line = s.line
              left join product g on g.ean = l.ean
             order by m.transfer_id desc
        """),
        {"student": student_id, "before": before, "limit": limit},
    )
    return [Movement(**row._mapping) for row in rows]


def look_up(conn: Connection, card_id: int, *, partner_id: int) -> Holder | Refusal:
    """Tell a partner whose card this is and what it may charge to: the benefits that the partner accepts.

    A refusal says what keeps every sale from being made: of the partner, the card or the enrolment.
    """
    row = conn.execute(
        text("""
            select p.status::text as status, p.accepts, c.student_id, c.revoked_at, c.reason, i.first_name, i.last_name,
                   e.class_name
              from partner p
              left join card c on c.id = :card
              left join student_identity i on i.student_id = c.student_id
              left join (enrolment e join school_year y
                           on y.year = e.school_year and now() >= y.starts_at and now() < y.ends_at)
                on e.student_id = c.student_id and e.withdrawn_at is null
             where p.id = :partner
        """),
        {"card": card_id, "partner": partner_id},
    ).one()
    if row.status != "validated":
        return Refusal.PARTNER_SUSPENDED if row.status == "suspended" else Refusal.PARTNER_NOT_VALIDATED
    if row.student_id is None:
        return Refusal.UNKNOWN_CARD
    if row.reason == Refusal.STUDENT_NOT_ENROLLED:
        return Refusal.STUDENT_NOT_ENROLLED
    if row.revoked_at is not None:
        return Refusal.CARD_REVOKED
    if row.class_name is None:
        return Refusal.STUDENT_NOT_ENROLLED
    return Holder(
        card_id=card_id,
        student_id=row.student_id,
        first_name=row.first_name or "",
        initial=(row.last_name or "")[:1],
        class_name=row.class_name,
        wallets=tuple(wallet for wallet in wallets_of(conn, row.student_id) if wallet.benefit in row.accepts),
    )
