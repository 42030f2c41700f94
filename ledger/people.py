"""The portal's users: their state, the roles they were given, and what they prove themselves with.

Nothing here knows a password, a code or a link in clear: callers pass hashes and ciphertext.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from ledger import audit
from ledger.rights import GRANTABLE_ROLES, PARTNER_ROLES, REGION_ROLES, Role


class EmailTakenError(Exception):
    """Another person already signs in with this mail address."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One role of a person; `partner_id` is the school it is for, None for the Region's roles."""

    role: Role
    partner_id: int | None
    partner_name: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """One portal user. `status` is "invited", "active" or "disabled"."""

    id: int
    email: str
    name: str
    status: str
    password_hash: str | None
    totp_secret: str | None
    totp_is_confirmed: bool
    last_sign_in_at: datetime.datetime | None
    grants: tuple[Grant, ...]

    @property
    def is_region(self) -> bool:
        """Whether they hold a role of the Region, for which a second factor is required."""
        return any(grant.role in REGION_ROLES for grant in self.grants)

    @property
    def partner_ids(self) -> tuple[int, ...]:
        """The schools they may act for, in the order of their numbers."""
        return tuple(sorted({grant.partner_id for grant in self.grants if grant.partner_id is not None}))

    def roles(self, partner_id: int | None) -> frozenset[Role]:
        """Their roles when they act for `partner_id`: those at that school and those of the Region."""
        held = {grant.role for grant in self.grants if grant.partner_id in (None, partner_id)}
        return frozenset(held | {Role.ANYONE, Role.PERSON})


_SELECT = """
    select p.id, p.email, p.name, p.status, p.password_hash, p.totp_secret,
           p.totp_confirmed_at is not null as totp_is_confirmed, p.last_sign_in_at,
           coalesce((select json_agg(json_build_array(g.role, g.partner_id, s.name) order by g.role, g.partner_id)
                       from role_grant g left join partner s on s.id = g.partner_id
                      where g.person_id = p.id), '[]') as grants
      from person p
"""
_BY_ID = text(_SELECT + " where p.id = :id")
_BY_EMAIL = text(_SELECT + " where lower(p.email) = lower(:email)")
_BY_IDENTITY = text(
    _SELECT + " join person_identity i on i.person_id = p.id where i.issuer = :issuer and i.subject = :subject"
)
_OF_PARTNER = text(
    _SELECT + " where exists (select from role_grant g where g.person_id = p.id and g.partner_id = :partner_id)"
    " order by p.name, p.id"
)
_EVERYBODY = text(_SELECT + " order by p.name, p.id")
_OF_REGION = text(
    _SELECT + " where exists (select from role_grant g where g.person_id = p.id and g.partner_id is null)"
    " order by p.name, p.id"
)


def _person(row: Row[Any]) -> Person:
    grants = tuple(Grant(Role(role), partner_id, name) for role, partner_id, name in row.grants)
    return Person(**(row._asdict() | {"grants": grants}))


def _person_or_none(row: Row[Any] | None) -> Person | None:
    return None if row is None else _person(row)


def get(conn: Connection, person_id: int) -> Person | None:
    """The person with this id."""
    return _person_or_none(conn.execute(_BY_ID, {"id": person_id}).one_or_none())


def by_email(conn: Connection, email: str) -> Person | None:
    """The person who signs in with `email`, in whatever case it is written."""
    return _person_or_none(conn.execute(_BY_EMAIL, {"email": email}).one_or_none())


def by_identity(conn: Connection, issuer: str, subject: str) -> Person | None:
    """The person an identity provider knows as `subject`."""
    return _person_or_none(conn.execute(_BY_IDENTITY, {"issuer": issuer, "subject": subject}).one_or_none())


def of_partner(conn: Connection, partner_id: int) -> list[Person]:
    """Everybody with a role at this school, by name."""
    return [_person(row) for row in conn.execute(_OF_PARTNER, {"partner_id": partner_id})]


def of_region(conn: Connection) -> list[Person]:
    """Everybody with a role of the Region, by name."""
    return [_person(row) for row in conn.execute(_OF_REGION)]


def holding(conn: Connection, role: Role) -> list[Person]:
    """Everybody at work who holds this role of the Region, by name: whoever is invited or disabled is left out."""
    return [person for person in of_region(conn) if person.status == "active" and role in person.roles(None)]


def everybody(conn: Connection) -> list[Person]:
    """All the portal's users, by name."""
    return [_person(row) for row in conn.execute(_EVERYBODY)]


def names_of(conn: Connection, actors: Iterable[str | None]) -> dict[str, str]:
    """The names of the people among `actors`, as the audit trail writes them ("person:12"); others have none."""
    found = conn.execute(
        text("select 'person:' || id as actor, name from person where 'person:' || id = any(cast(:actors as text[]))"),
        {"actors": list(filter(None, actors))},
    )
    return {row.actor: row.name for row in found}


# -- coming, changing, going -----------------------------------------------------------------------------------------


def create(conn: Connection, *, email: str, name: str, by: str) -> int:
    """Enter a person, with no role and no password yet, and return their id. Raises `EmailTakenError`."""
    try:
        with conn.begin_nested():
            person_id: int = conn.execute(
                text("insert into person (email, name) values (:email, :name) returning id"),
                {"email": email.strip(), "name": name.strip()},
            ).scalar_one()
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) == "person_by_email":
            raise EmailTakenError(email) from error
        raise
    audit.record(conn, actor=by, action="person.created", subject=f"person:{person_id}")
    return person_id


def grant(conn: Connection, person_id: int, role: Role, *, partner_id: int | None = None, by: str) -> bool:
    """Give `role`, a partner role at `partner_id`; whether it was new. Raises `ValueError` for one nobody is given."""
    if role not in GRANTABLE_ROLES or (role in PARTNER_ROLES) != (partner_id is not None):
        raise ValueError(f"{role} cannot be granted{' at a partner' if partner_id else ''}")
    given = conn.execute(
        text("""
            insert into role_grant (person_id, role, partner_id, granted_by)
            values (:person_id, cast(:role as portal_role), :partner_id, :by) on conflict do nothing
        """),
        {"person_id": person_id, "role": role, "partner_id": partner_id, "by": by},
    )
    if given.rowcount:
        _audit_role(conn, "person.role_granted", person_id, role, partner_id, by)
    return bool(given.rowcount)


def revoke(conn: Connection, person_id: int, role: Role, *, partner_id: int | None = None, by: str) -> bool:
    """Take `role` back; whether it was held."""
    taken = conn.execute(
        text("""
            delete from role_grant
             where person_id = :person_id and role = cast(:role as portal_role)
               and partner_id is not distinct from cast(:partner_id as integer)
        """),
        {"person_id": person_id, "role": role, "partner_id": partner_id},
    )
    if taken.rowcount:
        _audit_role(conn, "person.role_revoked", person_id, role, partner_id, by)
    return bool(taken.rowcount)


def _audit_role(conn: Connection, action: str, person_id: int, role: Role, partner_id: int | None, by: str) -> None:
    details: dict[str, object] = {"role": role.value} | ({"partner": partner_id} if partner_id else {})
    audit.record(conn, actor=by, action=action, subject=f"person:{person_id}", details=details)


def disable(conn: Connection, person_id: int, *, by: str) -> None:
    """Close the door to a person; their past actions keep their name."""
    conn.execute(text("update person set status = 'disabled' where id = :id"), {"id": person_id})
    audit.record(conn, actor=by, action="person.disabled", subject=f"person:{person_id}")


def enable(conn: Connection, person_id: int, *, by: str) -> None:
    """Open the door again to a person who was disabled."""
    conn.execute(
        text("""
            update person set status = case when password_hash is null then 'invited' else 'active' end
             where id = :id and status = 'disabled'
        """),
        {"id": person_id},
    )
    audit.record(conn, actor=by, action="person.enabled", subject=f"person:{person_id}")


def note_sign_in(conn: Connection, person_id: int, *, means: str) -> None:
    """Remember that a person has just signed in, by "password", "totp", "recovery_code" or "provider"."""
    conn.execute(text("update person set last_sign_in_at = now(), status = 'active' where id = :id"), {"id": person_id})
    actor = f"person:{person_id}"
    audit.record(conn, actor=actor, action="session.opened", subject=actor, details={"means": means})


# -- what they prove themselves with ---------------------------------------------------------------------------------


def set_password(conn: Connection, person_id: int, password_hash: str, *, by: str) -> None:
    """Keep the argon2id hash of a new password."""
    conn.execute(
        text("""
            update person set password_hash = :hash, status = case status when 'invited' then 'active' else status end
             where id = :id
        """),
        {"id": person_id, "hash": password_hash},
    )
    audit.record(conn, actor=by, action="person.password_set", subject=f"person:{person_id}")


def refresh_password_hash(conn: Connection, person_id: int, password_hash: str) -> None:
    """Keep the same password under a hash made with today's parameters."""
    conn.execute(
        text("update person set password_hash = :hash where id = :id"), {"id": person_id, "hash": password_hash}
    )


def begin_totp(conn: Connection, person_id: int, ciphertext: str) -> None:
    """Keep a code generator's secret that is not confirmed yet; nothing happens to one that is."""
    conn.execute(
        text("update person set totp_secret = :secret where id = :id and totp_confirmed_at is null"),
        {"id": person_id, "secret": ciphertext},
    )


def confirm_totp(conn: Connection, person_id: int, recovery_hashes: Iterable[bytes], *, by: str) -> None:
    """The person has shown a good code: from now on one is asked for, or one of the recovery codes."""
    conn.execute(text("update person set totp_confirmed_at = now() where id = :id"), {"id": person_id})
    audit.record(conn, actor=by, action="person.totp_confirmed", subject=f"person:{person_id}")
    replace_recovery_codes(conn, person_id, recovery_hashes, by=by)


def drop_totp(conn: Connection, person_id: int, *, by: str) -> None:
    """Forget the code generator and the recovery codes of a person."""
    conn.execute(
        text("update person set totp_secret = null, totp_confirmed_at = null, totp_last_step = null where id = :id"),
        {"id": person_id},
    )
    conn.execute(text("delete from recovery_code where person_id = :id"), {"id": person_id})
    audit.record(conn, actor=by, action="person.totp_dropped", subject=f"person:{person_id}")


def take_totp_step(conn: Connection, person_id: int, step: int) -> bool:
    """Use up the code of 30-second step `step`: False if it, or a later one, was used before (RFC 6238, 5.2)."""
    taken = conn.execute(
        text("update person set totp_last_step = :step where id = :id and coalesce(totp_last_step, -1) < :step"),
        {"id": person_id, "step": step},
    )
    return taken.rowcount == 1


def replace_recovery_codes(conn: Connection, person_id: int, hashes: Iterable[bytes], *, by: str) -> None:
    """Give a person new recovery codes (their SHA-256); the old ones are worth nothing any more."""
    conn.execute(text("delete from recovery_code where person_id = :id"), {"id": person_id})
    conn.execute(
        text("insert into recovery_code (person_id, code_hash) select :id, unnest(cast(:hashes as bytea[]))"),
        {"id": person_id, "hashes": list(hashes)},
    )
    audit.record(conn, actor=by, action="person.recovery_codes_made", subject=f"person:{person_id}")


def take_recovery_code(conn: Connection, person_id: int, code_hash: bytes) -> bool:
    """Use up a recovery code; False if it is not one, or was used."""
    taken = conn.execute(
        text("""
            update recovery_code set used_at = now()
             where person_id = :id and code_hash = :hash and used_at is null
        """),
        {"id": person_id, "hash": code_hash},
    )
    return taken.rowcount == 1


def recovery_codes_left(conn: Connection, person_id: int) -> int:
    """How many recovery codes a person has not used."""
    left: int = conn.execute(
        text("select count(*) from recovery_code where person_id = :id and used_at is null"), {"id": person_id}
    ).scalar_one()
    return left


# -- links and identities --------------------------------------------------------------------------------------------


def add_link(
    conn: Connection, person_id: int | None, purpose: str, token_hash: bytes, expires_at: datetime.datetime
) -> None:
    """Keep a single-use link ("invitation" or "reset"); earlier ones of the same purpose open nothing any more.

    With no person (an address nobody has) the same statements run and keep nothing, so that time tells nothing.
    """
    values = {"person_id": person_id, "purpose": purpose, "hash": token_hash, "expires_at": expires_at}
    conn.execute(
        text("""
            update mail_link set used_at = now()
             where person_id = cast(:person_id as integer) and purpose = :purpose and used_at is null
        """),
        values,
    )
    conn.execute(
        text("""
            insert into mail_link (token_hash, person_id, purpose, expires_at)
            select :hash, cast(:person_id as integer), :purpose, :expires_at
             where cast(:person_id as integer) is not null
        """),
        values,
    )


def link_holder(conn: Connection, token_hash: bytes) -> tuple[int, str] | None:
    """Whose link this is and what for, if it still opens."""
    row = conn.execute(
        text("""
            select l.person_id, l.purpose from mail_link l join person p on p.id = l.person_id
             where l.token_hash = :hash and l.used_at is null and l.expires_at > now() and p.status <> 'disabled'
        """),
        {"hash": token_hash},
    ).one_or_none()
    return None if row is None else (row.person_id, row.purpose)


def use_link(conn: Connection, token_hash: bytes) -> tuple[int, str] | None:
    """Use up a link: whose and what for, or None if it is unknown, used, expired, or its person disabled."""
    row = conn.execute(
        text("""
            update mail_link l set used_at = now() from person p
             where l.token_hash = :hash and l.used_at is null and l.expires_at > now()
               and p.id = l.person_id and p.status <> 'disabled'
            returning l.person_id, l.purpose
        """),
        {"hash": token_hash},
    ).one_or_none()
    return None if row is None else (row.person_id, row.purpose)


def link_identity(conn: Connection, person_id: int, issuer: str, subject: str) -> None:
    """Remember that an identity provider knows this person as `subject`."""
    conn.execute(
        text("insert into person_identity (issuer, subject, person_id) values (:issuer, :subject, :person_id)"),
        {"issuer": issuer, "subject": subject, "person_id": person_id},
    )
    actor = f"person:{person_id}"
    audit.record(conn, actor=actor, action="person.identity_linked", subject=actor, details={"issuer": issuer})


def student_with(conn: Connection, national_id: str) -> tuple[int, str] | None:
    """The number and first name of the student with this national number, as the identity provider tells it."""
    row = conn.execute(
        text("""
            select s.id, i.first_name from student s join student_identity i on i.student_id = s.id
             where s.national_id = :national_id
        """),
        {"national_id": national_id},
    ).one_or_none()
    return None if row is None else (row.id, row.first_name)
