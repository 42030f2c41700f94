"""Benefits: what the Region gives to whom in a school year, granted and lapsed by transfers.

Amounts, streams and deadlines are rows per school year, not constants: the Region has changed an amount for one year
before. `SCHEME` is what a new year starts from (the scheme's published amounts for 2026-2027).
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from ledger import audit
from ledger.accounts import FUNDING
from ledger.calendar import deadline, school_year_bounds, school_year_name


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A lump sum, in cents, for students of one stream (only those in their first year of entry, if so said)."""

    stream: str
    amount: int
    first_entry_only: bool = False


@dataclass(frozen=True, slots=True)
class Benefit:
    """One benefit of a school year, as users read its `label`, and who receives how much."""

    code: str
    label: str
    entitlements: tuple[Entitlement, ...]


SCHEME: tuple[Benefit, ...] = (
    Benefit(
        "books",
        "Livres scolaires",
        (Entitlement("general", 7000), Entitlement("technological", 7000), Entitlement("vocational", 4000)),
    ),
    Benefit("equipment", "Équipement professionnel", (Entitlement("vocational", 10000, first_entry_only=True),)),
)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a grant run did for one benefit: wallets opened and cents granted by it, and wallets there are now."""

    code: str
    label: str
    opened: int
    amount: int
    wallets: int


def open_school_year(
    conn: Connection, year: int, *, benefits: tuple[Benefit, ...] = SCHEME, last_day: date | None = None, actor: str
) -> bool:
    """Enter a school year and its benefits (2026 is 2026-2027); say False of one that is there: it stays as it is.

    Benefits can be used up to and including `last_day` in Paris, 30 June unless the Region gives a later day.
    """
    starts_at, ends_at = school_year_bounds(year)
    entered = conn.execute(
        text("insert into school_year (year, starts_at, ends_at) values (:y, :s, :e) on conflict do nothing"),
        {"y": year, "s": starts_at, "e": ends_at},
    )
    if entered.rowcount == 0:
        return False
    for benefit in benefits:
        number = conn.scalar(
            text("""
                insert into benefit (school_year, code, label, usable_from, usable_until, replaced_at)
                values (:year, :code, :label, :from, :until, :replaced) returning id
            """),
            {
                "year": year,
                "code": benefit.code,
                "label": benefit.label,
                "from": starts_at,
                "until": deadline(year, last_day),
                "replaced": ends_at,
            },
        )
        for entitlement in benefit.entitlements:
            conn.execute(
                text("""
                    insert into entitlement (benefit_id, stream, first_entry_only, amount)
                    values (:benefit, :stream, :first, :amount)
                """),
                {
                    "benefit": number,
                    "stream": entitlement.stream,
                    "first": entitlement.first_entry_only,
                    "amount": entitlement.amount,
                },
            )
    audit.record(conn, actor=actor, action="school_year.open", subject=f"school_year:{school_year_name(year)}")
    return True


def is_open(conn: Connection, year: int) -> bool:
    """Whether a school year was entered: nobody is enrolled in another one, and nothing granted."""
    return bool(conn.scalar(text("select exists (select from school_year where year = :year)"), {"year": year}))


def grant(conn: Connection, year: int, *, actor: str) -> list[Granted]:
    """Grant the year's benefits to every enrolled student who is entitled and has not received them yet.

    Opens a wallet per student and benefit and posts one transfer from the Region's funding into it. Doing it again, or
    twice at once, grants nothing twice: the wallet is unique, and so is its grant.
    """
    opened = {
        row.benefit_id: row
        for row in conn.execute(
            text("""
                with wallet as (
                    insert into account (id, owner_id, benefit_id)
                    select nextval('wallet_number'), s.student_id, s.benefit_id
                      from (select e.student_id, b.id as benefit_id
                              from enrolment e
                              join benefit b on b.school_year = e.school_year
                              join entitlement t on t.benefit_id = b.id and t.stream = e.stream
                               and (e.first_entry or not t.first_entry_only)
                             where e.school_year = :year and e.withdrawn_at is null
                               and not exists (select from account a
                                                where a.owner_id = e.student_id and a.benefit_id = b.id)
                             order by e.student_id, b.id) s
                    on conflict (owner_id, benefit_id) where benefit_id is not null do nothing
                    returning id, owner_id, benefit_id
                )
                select benefit_id, count(*) as wallets, array_agg(id order by id) as ids from wallet group by benefit_id
            """),
            {"year": year},
        )
    }
    done = []
    for benefit in conn.execute(
        text("select id, code, label from benefit where school_year = :year order by id"), {"year": year}
    ).all():
        new = opened.get(benefit.id)
        amount = 0
        if new is not None:
            amount = conn.execute(
                text("""
                    with posted as (
                        insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year)
                        select 'grant', :funding, a.id, t.amount, a.id, 1, :year
                          from account a
                          join enrolment e on e.student_id = a.owner_id and e.school_year = :year
                          join entitlement t on t.benefit_id = a.benefit_id and t.stream = e.stream
                         where a.id = any(cast(:ids as bigint[]))
                         order by a.id
                        returning amount
                    )
                    select coalesce(sum(amount), 0)::bigint from posted
                """),
                {"funding": FUNDING, "year": year, "ids": new.ids},
            ).scalar_one()
        wallets = conn.execute(
            text("select count(*) from account where benefit_id = :benefit"), {"benefit": benefit.id}
        ).scalar_one()
        done.append(Granted(benefit.code, benefit.label, new.wallets if new else 0, amount, wallets))
    audit.record(
        conn,
        actor=actor,
        action="benefits.grant",
        subject=f"school_year:{school_year_name(year)}",
        details={result.code: {"wallets": result.opened, "cents": result.amount} for result in done},
    )
    return done


def labels(conn: Connection) -> dict[str, str]:
    """What users read for each benefit, by code: its latest label."""
    rows = conn.execute(text("select distinct on (code) code, label from benefit order by code, school_year desc"))
    return {row.code: row.label for row in rows}


def first_deadline(conn: Connection) -> datetime | None:
    """The first instant at which a benefit of the current school year can no longer be used; None between two years."""
    found: datetime | None = conn.scalar(
        text("select min(usable_until) from benefit where now() >= usable_from and now() < replaced_at")
    )
    return found
