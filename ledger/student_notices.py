"""What students are to be told by mail: receipts of what was debited or given back, and reminders before the deadline.

Whoever claims something here puts its mail into the outbox in the same transaction, so it is written once: a job that
is killed leaves nothing claimed, one that runs twice finds nothing left, and two at once wait for each other.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one benefit, in cents, and the first instant at which it can no longer be used."""

    label: str
    balance: int
    usable_until: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """A purchase ("sale") or what was given back of one ("refund"): `document` is the sale or the cancellation.

    `lines` are titles with their cents; `lapsed` is what was given back too late to be used again, in cents.
    """

    kind: str
    document: int
    at: datetime
    first_name: str
    email: str
    partner: str
    lines: tuple[tuple[str, int], ...]
    left: tuple[Left, ...]
    lapsed: int

    @property
    def amount(self) -> int:
        """Cents debited or given back."""
        return sum(cents for _, cents in self.lines)


@dataclass(frozen=True, slots=True)
class Reminder:
    """A student with something left `days` days or less before a deadline; `token` stops further reminders."""

    student_id: int
    first_name: str
    email: str
    token: UUID
    days: int
    left: tuple[Left, ...]


_RECEIPTS = text("""
    with moved as (
        select id, kind, document, line, reverses, posted_at from transfer
         where id > :after and id <= :upto and kind in ('sale', 'refund')
    ), event as (
        -- Every sale has a first line, and every cancellation a lowest one: that transfer stands for all of them.
        select m.kind::text as kind, m.document, m.id, m.posted_at, m.document as sale_id,
               null::bigint as cancellation_id
          from moved m where m.kind = 'sale' and m.line = 1
        union all
        select m.kind::text, m.document, m.id, m.posted_at, c.sale_id, c.id
          from moved m join cancellation c on c.id = m.document
         where m.kind = 'refund'
           and m.line = (select min(line) from cancellation_line l where l.cancellation_id = m.document)
    )
    select e.id, e.kind, e.document, e.posted_at, i.first_name, i.email, p.name as partner, l.line, r.title, b.label,
           coalesce(k.amount, l.price) as cents, coalesce(k.balance_after, l.balance_after) as balance,
           coalesce(k.usable_until, l.usable_until) as usable_until, coalesce(c.lapsed, 0) as lapsed
      from event e
      join sale s on s.id = e.sale_id
      join card d on d.id = s.card_id
      join student_identity i on i.student_id = d.student_id and i.email is not null
      join partner p on p.id = s.partner_id
      join sale_line l on l.sale_id = e.sale_id
      join product r on r.ean = l.ean
      join account a on a.id = l.wallet
      join benefit b on b.id = a.benefit_id
      left join cancellation c on c.id = e.cancellation_id
      left join cancellation_line k on k.cancellation_id = e.cancellation_id and k.line = l.line
     where e.cancellation_id is null or k.line is not null
     order by e.id, l.line
""")


def claim_receipts(conn: Connection, settled: int, *, limit: int = 2_000) -> list[Receipt] | None:
    """Claim the receipts of the next `limit` transfers, at most up to the number `settled`; None when all are written.

    `settled` is what `ledger.settled.settled_through` told before: below it no transfer can appear any more, so
    no sale is passed over, and a sale whose first line is there is there as a whole. Students without an address get
    none: they are listed for their school.
    """
    after = conn.execute(text("select through from receipts_written for update")).scalar_one()
    upto = conn.execute(
        text("""
            select max(id)
              from (select id from transfer where id > :after and id <= :settled order by id limit :limit) t
        """),
        {"after": after, "settled": settled, "limit": limit},
    ).scalar_one()
    if upto is None:
        return None
    rows = conn.execute(_RECEIPTS, {"after": after, "upto": upto}).all()
    conn.execute(text("update receipts_written set through = :upto"), {"upto": upto})
    receipts = []
    for _, of_event in groupby(rows, key=lambda row: row.id):
        lines = list(of_event)
        first = lines[0]
        left = {row.label: Left(row.label, row.balance, row.usable_until) for row in lines}
        receipts.append(
            Receipt(
                kind=first.kind,
                document=first.document,
                at=first.posted_at,
                first_name=first.first_name,
                email=first.email,
                partner=first.partner,
                lines=tuple((row.title, row.cents) for row in lines),
                left=tuple(left.values()),
                lapsed=first.lapsed,
            )
        )
    return receipts


def deadlines_ahead(conn: Connection) -> tuple[datetime, list[datetime]]:
    """The database's clock, and the deadlines of the current benefits that lie ahead of it."""
    now = conn.execute(text("select now()")).scalar_one()
    rows = conn.scalars(
        text("select distinct usable_until from benefit where usable_from <= now() and now() < usable_until order by 1")
    )
    return now, list(rows)


_CLAIM = text("""
    with due as materialized (
        select a.owner_id as student_id, a.benefit_id, b.label, a.balance - a.held as balance, b.usable_until,
               i.first_name, i.email
          from benefit b
          join account a on a.benefit_id = b.id
          join student_identity i on i.student_id = a.owner_id
          join enrolment e on e.student_id = a.owner_id and e.school_year = b.school_year
         where b.usable_until = :until and a.owner_id > :after and a.balance > a.held and i.email is not null
           and e.withdrawn_at is null
           and not exists (select from reminder_choice c where c.student_id = a.owner_id and c.stopped_at is not null)
           and not exists (select from reminder_sent r
                            where r.student_id = a.owner_id and r.benefit_id = a.benefit_id and r.days = :days)
         order by a.owner_id fetch first (:limit) rows with ties
    ), claimed as (
        insert into reminder_sent (student_id, benefit_id, days)
        select student_id, benefit_id, :days from due order by student_id, benefit_id
        on conflict do nothing returning student_id, benefit_id
    )
    select d.*, c.student_id is not null as is_ours
      from due d left join claimed c using (student_id, benefit_id) order by d.student_id, d.benefit_id
""")
# The idle update has the row returned whether it is new or not.
_TOKENS = text("""
    insert into reminder_choice (student_id) select * from unnest(cast(:students as bigint[])) as s(id) order by id
    on conflict (student_id) do update set stopped_at = reminder_choice.stopped_at returning student_id, token
""")


def claim_reminders(
    conn: Connection, *, usable_until: datetime, days: int, after: int = 0, limit: int = 2_000
) -> tuple[list[Reminder], int | None]:
    """Claim the reminders of the next students, by number, who have something left to use before `usable_until`.

    `after` is the number of the last student already seen. Returns the reminders and the last student looked at, None
    when there is nobody left; those whom another job took meanwhile are passed over. Left out are students who stopped
    the reminders, have no address, or have left school.
    """
    rows = conn.execute(_CLAIM, {"until": usable_until, "days": days, "after": after, "limit": limit}).all()
    ours = [row for row in rows if row.is_ours]
    students = sorted({row.student_id for row in ours})
    tokens = {row.student_id: row.token for row in conn.execute(_TOKENS, {"students": students})}
    reminders = []
    for student_id, of_student in groupby(ours, key=lambda row: row.student_id):
        benefits = list(of_student)
        left = tuple(Left(row.label, row.balance, row.usable_until) for row in benefits)
        first = benefits[0]
        reminders.append(Reminder(student_id, first.first_name, first.email, tokens[student_id], days, left))
    return reminders, rows[-1].student_id if rows else None


# -- who wants reminders, and who cannot be reached --------------------------------------------------------------------


def wants_reminders(conn: Connection, student_id: int) -> bool:
    """Whether a student has left the reminders on."""
    return not conn.scalar(
        text("select stopped_at is not null from reminder_choice where student_id = :id"), {"id": student_id}
    )


def choose_reminders(conn: Connection, student_id: int, *, wanted: bool) -> None:
    """Start or stop the reminders of a student."""
    conn.execute(
        text("""
            insert into reminder_choice (student_id, stopped_at)
            values (:id, case when :wanted then null else now() end)
            on conflict (student_id) do update set stopped_at = excluded.stopped_at
        """),
        {"id": student_id, "wanted": wanted},
    )


def stop_reminders(conn: Connection, token: UUID) -> bool:
    """Stop the reminders of whoever was sent the link with `token`; whether there is such a link."""
    stopped = conn.execute(
        text("update reminder_choice set stopped_at = coalesce(stopped_at, now()) where token = :token"),
        {"token": token},
    )
    return stopped.rowcount == 1


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A student to whom no mail gets; `email` is the address that refused it, None where none is known."""

    school_uai: str
    school: str
    class_name: str
    last_name: str
    first_name: str
    email: str | None


def unreachable(conn: Connection, school_year: int, *, uai: str | None = None) -> list[Unreachable]:
    """The enrolled students whose address is missing or was refused for good, by school and class."""
    rows = conn.execute(
        text("""
            select s.uai, s.name, e.class_name, i.last_name, i.first_name, i.email
              from enrolment e
              join school s on s.id = e.school_id
              join student_identity i on i.student_id = e.student_id
             where e.school_year = :year and e.withdrawn_at is null
               and s.uai = coalesce(cast(:uai as text), s.uai)
               and (i.email is null
                    or exists (select from mail_outbox m where m.recipient = i.email and m.refused_at is not null))
             order by s.uai, e.class_name, i.last_name, i.first_name
        """),
        {"year": school_year, "uai": uai},
    )
    return [Unreachable(*row) for row in rows]
