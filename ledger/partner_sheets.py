"""The sheets of partners: everything the Region and the school itself read about one, and what happened to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from ledger import audit


@dataclass(frozen=True, slots=True)
class Sheet:
    """A partner in full. `sale_limit` is in cents, for one sale."""

    partner_id: int
    siret: str
    uai: str
    name: str
    town: str
    representative: str
    representative_role: str
    representative_email: str
    contact: str
    email: str
    phone: str
    status: str
    status_reason: str | None
    accepts: tuple[str, ...]
    sale_limit: int
    submitted_at: datetime
    decided_at: datetime | None

    @property
    def signer_email(self) -> str:
        """Where whoever signs for the school is reached."""
        return self.representative_email or self.email

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses that are told of a decision, each once."""
        return tuple(dict.fromkeys(address.lower() for address in (self.signer_email, self.email)))


@dataclass(frozen=True, slots=True)
class Queued:
    """A partner as the Region's list shows it; `waits_for_region` when the last word of its conversation is its own."""

    partner_id: int
    uai: str
    name: str
    town: str
    status: str
    submitted_at: datetime
    decided_at: datetime | None
    waits_for_region: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a partner's history. `who` is a person's name where it was one of the portal's users."""

    at: datetime
    action: str
    who: str | None
    actor: str
    details: Mapping[str, Any]


def get(conn: Connection, partner_id: int) -> Sheet | None:
    """The sheet of this partner."""
    row = conn.execute(
        text("""
            select id as partner_id, siret, uai, name, town, representative, representative_role, representative_email,
                   contact, email, phone, status::text as status, status_reason, accepts, sale_limit, submitted_at,
                   decided_at
              from partner where id = :partner
        """),
        {"partner": partner_id},
    ).one_or_none()
    return None if row is None else Sheet(**(row._asdict() | {"accepts": tuple(row.accepts)}))


def counts(conn: Connection) -> dict[str, int]:
    """How many partners stand in each status."""
    rows = conn.execute(text("select status::text as status, count(*) as number from partner group by status"))
    return {row.status: int(row.number) for row in rows}


def listed(conn: Connection, *, status: str, words: str = "", after: int = 0, limit: int = 50) -> list[Queued]:
    """Partners of one status, of which name, town, UAI or SIRET hold `words`; those who wait longest first.

    `after` is how many to pass over.
    """
    rows = conn.execute(
        text("""
            select p.id as partner_id, p.uai, p.name, p.town, p.status::text as status, p.submitted_at, p.decided_at,
                   coalesce((select not m.from_region from sign_up_message m join sign_up s on s.id = m.sign_up_id
                              where s.partner_id = p.id order by m.id desc limit 1), false) as waits_for_region
              from partner p
             where p.status = cast(:status as partner_status)
               and (:words = '' or position(lower(:words) in
                        lower(p.name || ' ' || p.town || ' ' || p.uai || ' ' || p.siret)) > 0)
             order by p.submitted_at, p.id offset :after limit :limit
        """),
        {"status": status, "words": words, "after": after, "limit": limit},
    )
    return [Queued(**row._mapping) for row in rows]


def history(conn: Connection, partner_id: int, *, limit: int = 100) -> list[Happening]:
    """What was done to a partner, its sign-up and its tills, the latest first."""
    rows = conn.execute(
        text("""
            select e.at, e.action, w.name as who, e.actor, e.details
              from audit_event e
              left join person w on e.actor = 'person:' || w.id
             where e.subject = 'partner:' || :partner
                or e.subject in (select 'terminal:' || t.id from terminal t where t.partner_id = :partner)
                or e.subject in (select 'sign_up:' || s.id from sign_up s where s.partner_id = :partner)
             order by e.id desc limit :limit
        """),
        {"partner": partner_id, "limit": limit},
    )
    return [Happening(**row._mapping) for row in rows]


def change_contact(conn: Connection, partner_id: int, *, contact: str, email: str, phone: str, actor: str) -> None:
    """Change whom the Region calls and writes to; the numbers before stay known for a change of bank account."""
    conn.execute(
        text("update partner set contact = :contact, email = :email, phone = :phone where id = :partner"),
        {"partner": partner_id, "contact": contact, "email": email, "phone": phone},
    )
    audit.record(conn, actor=actor, action="partner.contact_changed", subject=f"partner:{partner_id}")
