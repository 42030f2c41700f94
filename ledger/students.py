"""Students and their enrolments. Names and birth dates stand apart from the books, which know an opaque number."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Protocol

from sqlalchemy import Connection, text

from ledger import audit
from ledger.calendar import school_year_name


class RosterLine(Protocol):
    """One student's enrolment in one school year, as a checked roster says it."""

    @property
    def national_id(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def first_name(self) -> str: ...
    @property
    def birth_date(self) -> date: ...
    @property
    def school_uai(self) -> str: ...
    @property
    def class_name(self) -> str: ...
    @property
    def stream(self) -> str: ...
    @property
    def programme(self) -> str: ...
    @property
    def first_entry(self) -> bool: ...
    @property
    def email(self) -> str | None: ...
    @property
    def school_year(self) -> int: ...


class School(Protocol):
    """A school as the Region's directory lists it."""

    @property
    def uai(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def town(self) -> str: ...


@dataclass(frozen=True, slots=True)
class RosterImported:
    """What an import changed: students new to us, and enrolments entered or changed."""

    students: int
    new_students: int
    enrolments: int


class UnknownSchools(Exception):
    """The roster names schools that are not in the directory; nothing was imported."""

    def __init__(self, uais: list[str]) -> None:
        super().__init__(", ".join(uais))
        self.uais = uais


BATCH = 5_000


def known_schools(conn: Connection) -> frozenset[str]:
    """The UAI codes of the directory."""
    return frozenset(conn.scalars(text("select uai from school")))


def import_schools(conn: Connection, schools: Iterable[School]) -> int:
    """Enter schools, or their new names, by UAI; return how many were given."""
    given = list(schools)
    conn.execute(
        text("""
            insert into school (uai, name, town)
            select * from unnest(cast(:uais as text[]), cast(:names as text[]), cast(:towns as text[]))
            on conflict (uai) do update set name = excluded.name, town = excluded.town
        """),
        {
            "uais": [school.uai for school in given],
            "names": [school.name for school in given],
            "towns": [school.town for school in given],
        },
    )
    return len(given)


_IMPORT = text("""
    with line as (
        select * from unnest(cast(:national_ids as text[]), cast(:last_names as text[]), cast(:first_names as text[]),
                             cast(:birth_dates as date[]), cast(:uais as text[]), cast(:classes as text[]),
                             cast(:streams as text[]), cast(:programmes as text[]), cast(:first_entries as boolean[]),
                             cast(:emails as text[]))
            as l(national_id, last_name, first_name, birth_date, uai, class_name, stream, programme, first_entry, email)
    ), new_student as (
        insert into student (national_id) select national_id from line on conflict (national_id) do nothing
        returning id, national_id
    ), known as (
        select id, national_id from new_student
        union all
        select s.id, s.national_id from student s join line using (national_id)
    ), identity as (
        insert into student_identity (student_id, last_name, first_name, birth_date, email)
        select k.id, l.last_name, l.first_name, l.birth_date, l.email from line l join known k using (national_id)
        on conflict (student_id) do update
           set last_name = excluded.last_name, first_name = excluded.first_name, birth_date = excluded.birth_date,
               email = coalesce(excluded.email, student_identity.email)
         where (student_identity.last_name, student_identity.first_name, student_identity.birth_date)
               <> (excluded.last_name, excluded.first_name, excluded.birth_date)
            or excluded.email is not null and student_identity.email is distinct from excluded.email
    ), enrolled as (
        insert into enrolment (student_id, school_year, school_id, class_name, stream, programme, first_entry)
        select k.id, :year, s.id, l.class_name, l.stream, l.programme, l.first_entry
          from line l join known k using (national_id) join school s on s.uai = l.uai
        on conflict (student_id, school_year) do update
           set school_id = excluded.school_id, class_name = excluded.class_name, stream = excluded.stream,
               programme = excluded.programme, first_entry = excluded.first_entry, withdrawn_at = null
         where enrolment.withdrawn_at is not null
            or (enrolment.school_id, enrolment.class_name, enrolment.stream, enrolment.programme, enrolment.first_entry)
               <> (excluded.school_id, excluded.class_name, excluded.stream, excluded.programme, excluded.first_entry)
        returning student_id
    )
    select (select count(*) from new_student) as students, (select count(*) from enrolled) as enrolments
""")


def import_roster(conn: Connection, lines: Iterable[RosterLine], *, actor: str) -> RosterImported:
    """Enter the students of a checked roster and their enrolments; what is the same already stays untouched.

    All or nothing, in the caller's transaction; importing the same roster again changes nothing. Raises
    `UnknownSchools` when the directory lacks a school.
    """
    known = known_schools(conn)
    students = new = enrolments = 0
    years: set[int] = set()
    missing: set[str] = set()
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH)):
        missing.update({line.school_uai for line in batch} - known)
        if missing:
            continue
        years.update(line.school_year for line in batch)
        for year in {line.school_year for line in batch}:
            rows = [line for line in batch if line.school_year == year]
            row = conn.execute(
                _IMPORT,
                {
                    "national_ids": [line.national_id for line in rows],
                    "last_names": [line.last_name for line in rows],
                    "first_names": [line.first_name for line in rows],
                    "birth_dates": [line.birth_date for line in rows],
                    "uais": [line.school_uai for line in rows],
                    "classes": [line.class_name for line in rows],
                    "streams": [line.stream for line in rows],
                    "programmes": [line.programme for line in rows],
                    "first_entries": [line.first_entry for line in rows],
                    "emails": [line.email for line in rows],
                    "year": year,
                },
            ).one()
            students += len(rows)
            new += row.students
            enrolments += row.enrolments
    if missing:
        raise UnknownSchools(sorted(missing))
    imported = RosterImported(students, new, enrolments)
    for year in sorted(years):
        audit.record(
            conn,
            actor=actor,
            action="roster.import",
            subject=f"school_year:{school_year_name(year)}",
            details={"students": students, "new_students": new, "enrolments": enrolments},
        )
    return imported


def withdraw(conn: Connection, student_id: int, school_year: int, *, actor: str) -> None:
    """A student has left: the enrolment ends and the card is refused from the next scan on.

    What is left in the wallets stays until the deadline; it comes back with a new enrolment, or lapses.
    """
    conn.execute(
        text("""
            update enrolment set withdrawn_at = now()
             where student_id = :s and school_year = :y and withdrawn_at is null
        """),
        {"s": student_id, "y": school_year},
    )
    conn.execute(
        text("""
            update card set revoked_at = now(), reason = 'student_not_enrolled'
             where student_id = :s and revoked_at is null
        """),
        {"s": student_id},
    )
    audit.record(conn, actor=actor, action="student.withdraw", subject=f"student:{student_id}")


def erase(conn: Connection, student_id: int, *, actor: str) -> None:
    """Erase what is known of a student as a person; the books, which know a number only, stay whole."""
    conn.execute(text("delete from student_identity where student_id = :s"), {"s": student_id})
    conn.execute(text("delete from student_access where student_id = :s"), {"s": student_id})
    conn.execute(text("delete from reminder_choice where student_id = :s"), {"s": student_id})
    conn.execute(text("update student set national_id = null where id = :s"), {"s": student_id})
    conn.execute(
        text("update card set revoked_at = now(), reason = 'effacement' where student_id = :s and revoked_at is null"),
        {"s": student_id},
    )
    audit.record(conn, actor=actor, action="student.erase", subject=f"student:{student_id}")
