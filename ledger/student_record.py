"""What is held about one student: the part their own page shows, and all of it for whoever asks to take it away."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Profile:
    """A student and their latest enrolment; names of class and school are empty where there is none."""

    first_name: str
    last_name: str
    email: str | None
    class_name: str
    school: str
    town: str
    school_year: int | None


def profile(conn: Connection, student_id: int) -> Profile | None:
    """The profile of a student; None once erased."""
    row = conn.execute(
        text("""
            select i.first_name, i.last_name, i.email, coalesce(e.class_name, '') as class_name,
                   coalesce(s.name, '') as school, coalesce(s.town, '') as town, e.school_year
              from student_identity i
              left join lateral (select * from enrolment e where e.student_id = i.student_id and e.withdrawn_at is null
                                  order by e.school_year desc limit 1) e on true
              left join school s on s.id = e.school_id
             where i.student_id = :id
        """),
        {"id": student_id},
    ).one_or_none()
    return None if row is None else Profile(**row._mapping)


_PARTS = {
    "identity": """
        select s.national_id, i.last_name, i.first_name, i.birth_date, i.email, s.created_at
          from student s join student_identity i on i.student_id = s.id where s.id = :id
    """,
    "enrolments": """
        select e.school_year, c.uai, c.name as school, c.town, e.class_name, e.stream, e.programme, e.first_entry,
               e.withdrawn_at
          from enrolment e join school c on c.id = e.school_id where e.student_id = :id order by e.school_year
    """,
    "benefits": """
        select b.school_year, b.code, b.label, a.balance as balance_cents, a.held as held_cents, b.usable_until
          from account a join benefit b on b.id = a.benefit_id where a.owner_id = :id order by b.school_year, b.id
    """,
    "cards": "select issued_at, revoked_at, reason from card where student_id = :id order by issued_at",
    "access": "select chosen_at, last_sign_in_at from student_access where student_id = :id",
    "reminders_stopped": "select stopped_at from reminder_choice where student_id = :id and stopped_at is not null",
    "reminders": """
        select r.days as days_before, b.label, b.school_year, r.sent_at
          from reminder_sent r join benefit b on b.id = r.benefit_id where r.student_id = :id order by r.sent_at
    """,
    "actions": """
        select at, action, actor, details from audit_event
         where subject = 'student:' || cast(:id as bigint) or actor = 'student:' || cast(:id as bigint) order by id
    """,
}


def held(conn: Connection, student_id: int) -> dict[str, list[dict[str, Any]]]:
    """Everything held about a student as a person, by subject; amounts in cents. What was bought is in the history.

    The card's own code is left out: a file that is passed around must not open a till.
    """
    return {
        part: [dict(row) for row in conn.execute(text(select), {"id": student_id}).mappings()]
        for part, select in _PARTS.items()
    }
