"""How students come into their own space: by card and birth date first, by a passcode of their own afterwards."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger import audit


@dataclass(frozen=True, slots=True)
class KnownStudent:
    """A student as the doors know one; `passcode_hash` is None before the first activation."""

    student_id: int
    first_name: str
    last_name: str
    birth_date: date
    email: str | None
    passcode_hash: str | None


_READ = """
    select i.student_id, i.first_name, i.last_name, i.birth_date, i.email, a.passcode_hash
      from student_identity i left join student_access a on a.student_id = i.student_id
"""


def get(conn: Connection, student_id: int) -> KnownStudent | None:
    """A student by number; None once erased."""
    return _student(conn.execute(text(_READ + "where i.student_id = :id"), {"id": student_id}).one_or_none())


def by_card(conn: Connection, card_id: int) -> KnownStudent | None:
    """Whose card this is, if it counts."""
    where = "join card c on c.student_id = i.student_id where c.id = :card and c.revoked_at is null"
    return _student(conn.execute(text(_READ + where), {"card": card_id}).one_or_none())


def by_email(conn: Connection, email: str) -> KnownStudent | None:
    """The only student with this address. An address that several share, as brothers and sisters do, names nobody."""
    rows = conn.execute(text(_READ + "where lower(i.email) = lower(:email) limit 2"), {"email": email.strip()}).all()
    return _student(rows[0]) if len(rows) == 1 else None


def _student(row: Row[Any] | None) -> KnownStudent | None:
    return None if row is None else KnownStudent(**row._mapping)


def choose_passcode(conn: Connection, student_id: int, passcode_hash: str) -> bool:
    """Keep a student's passcode in place of any former one; whether it is their first. Writes an audit row."""
    first = conn.execute(
        text("""
            insert into student_access (student_id, passcode_hash) values (:id, :hash)
            on conflict (student_id) do update set passcode_hash = excluded.passcode_hash, chosen_at = now()
            returning xmax = 0
        """),
        {"id": student_id, "hash": passcode_hash},
    ).scalar_one()
    actor = f"student:{student_id}"
    action = "student.activate" if first else "student.choose_passcode"
    audit.record(conn, actor=actor, action=action, subject=actor)
    return bool(first)


def note_sign_in(conn: Connection, student_id: int, *, means: str) -> None:
    """Write down that a student came in, and how ("passcode", "card", "provider")."""
    conn.execute(text("update student_access set last_sign_in_at = now() where student_id = :id"), {"id": student_id})
    actor = f"student:{student_id}"
    audit.record(conn, actor=actor, action="session.opened", subject=actor, details={"means": means})
