"""Classes and their students, as the school that teaches them needs them for a group purchase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from ledger.refusals import Refusal


@dataclass(frozen=True, slots=True)
class SchoolClass:
    """A class of the current school year, and how many students with a card are in it."""

    name: str
    students: int


@dataclass(frozen=True, slots=True)
class Member:
    """A student by their card: as much as a clerk sees, and what they can spend of each benefit the partner accepts.

    `refusal` says what keeps every sale to them from being made.
    """

    card_id: int
    first_name: str
    initial: str
    class_name: str
    refusal: Refusal | None
    available: Mapping[str, int]

    @property
    def called(self) -> str:
        """As in: Léa M."""
        return f"{self.first_name} {self.initial}." if self.initial else self.first_name or "Élève inconnu"


def classes_of(conn: Connection, uai: str) -> list[SchoolClass]:
    """The classes of a school this year, by name."""
    rows = conn.execute(
        text("""
            select e.class_name as name, count(*) as students
              from enrolment e
              join school_year y on y.year = e.school_year and now() >= y.starts_at and now() < y.ends_at
              join school s on s.id = e.school_id
              join card c on c.student_id = e.student_id and c.revoked_at is null
             where s.uai = :uai and e.withdrawn_at is null
             group by e.class_name order by e.class_name
        """),
        {"uai": uai},
    )
    return [SchoolClass(row.name, row.students) for row in rows]


def cards_of_class(conn: Connection, uai: str, class_name: str) -> list[int]:
    """The cards of the students of one class of a school, by name."""
    return list(
        conn.scalars(
            text("""
                select c.id
                  from enrolment e
                  join school_year y on y.year = e.school_year and now() >= y.starts_at and now() < y.ends_at
                  join school s on s.id = e.school_id
                  join card c on c.student_id = e.student_id and c.revoked_at is null
                  left join student_identity i on i.student_id = e.student_id
                 where s.uai = :uai and e.class_name = :class and e.withdrawn_at is null
                 order by i.last_name, i.first_name, e.student_id
            """),
            {"uai": uai, "class": class_name},
        )
    )


def members(conn: Connection, cards: Sequence[int], *, accepts: Sequence[str]) -> list[Member]:
    """The students of these cards, in the order given; `accepts` are the codes of the benefits to tell about."""
    rows = conn.execute(
        text("""
            select g.id as card_id, coalesce(i.first_name, '') as first_name,
                   coalesce(left(i.last_name, 1), '') as initial, coalesce(e.class_name, '') as class_name,
                   case when c.id is null then 'unknown_card'
                        when c.reason = 'student_not_enrolled' then 'student_not_enrolled'
                        when c.revoked_at is not null then 'card_revoked'
                        when e.student_id is null then 'student_not_enrolled' end as refusal,
                   (select coalesce(json_object_agg(b.code, a.balance - a.held), '{}')
                      from account a join benefit b on b.id = a.benefit_id
                     where a.owner_id = c.student_id and b.code = any(cast(:accepts as text[]))
                       and now() >= b.usable_from and now() < b.usable_until) as available
              from unnest(cast(:cards as bigint[])) with ordinality g(id, place)
              left join card c on c.id = g.id
              left join student_identity i on i.student_id = c.student_id
              left join (enrolment e join school_year y
                           on y.year = e.school_year and now() >= y.starts_at and now() < y.ends_at)
                on e.student_id = c.student_id and e.withdrawn_at is null
             order by g.place
        """),
        {"cards": list(cards), "accepts": list(accepts)},
    )
    return [
        Member(
            card_id=row.card_id,
            first_name=row.first_name,
            initial=row.initial,
            class_name=row.class_name,
            refusal=None if row.refusal is None else Refusal(row.refusal),
            available=row.available,
        )
        for row in rows
    ]
