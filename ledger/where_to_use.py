"""Where students can use their benefits: the validated partners, by town, with what each accepts."""

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Place:
    """One partner; `accepts` are the benefits it takes, by their French names."""

    name: str
    town: str
    accepts: tuple[str, ...]


def places(conn: Connection) -> list[Place]:
    """Every partner that can sell today, by town and name."""
    rows = conn.execute(
        text("""
            with current as (select code, label from benefit where now() >= usable_from and now() < replaced_at)
            select p.name, p.town,
                   array(select c.label from current c where c.code = any(p.accepts) order by c.code) as accepts
              from partner p where p.status = 'validated'
             order by lower(p.town), lower(p.name), p.id
        """)
    )
    return [Place(row.name, row.town, tuple(row.accepts)) for row in rows]


def count_in_town(conn: Connection, town: str) -> int:
    """How many partners can sell in a town."""
    return int(
        conn.execute(
            text("select count(*) from partner where status = 'validated' and lower(town) = lower(:town)"),
            {"town": town},
        ).scalar_one()
    )
