"""The staff of a partner school: who may sell and who may manage there. A school never loses its last manager."""

from sqlalchemy import Connection, text

from ledger import people
from ledger.people import Person
from ledger.rights import PARTNER_ROLES, Role


class StaffRefused(Exception):
    """The change is not possible; the message is a French sentence."""


def invite(conn: Connection, partner_id: int, *, email: str, name: str, role: Role, actor: str) -> tuple[Person, bool]:
    """Give somebody a role at a school, entering them first if they are new; and whether they were new.

    Raises `StaffRefused` for somebody who works for the Region or there already.
    """
    person = people.by_email(conn, email)
    is_new = person is None
    if person is None:
        person = _there(conn, people.create(conn, email=email, name=name, by=actor))
    if person.is_region:
        # Nobody stands on both sides: who pays must not be who is paid.
        raise StaffRefused("Cette adresse ne peut pas être invitée : appelez l’assistance.")
    if partner_id in person.partner_ids:
        raise StaffRefused("Cette personne fait déjà partie de l’équipe.")
    people.grant(conn, person.id, role, partner_id=partner_id, by=actor)
    return _there(conn, person.id), is_new


def change_role(conn: Connection, partner_id: int, person_id: int, role: Role, *, actor: str) -> Person:
    """Make a member of staff a cashier or a manager. Raises `StaffRefused`, and `LookupError` for a stranger."""
    person = _member(conn, partner_id, person_id)
    people.grant(conn, person_id, role, partner_id=partner_id, by=actor)
    for other in PARTNER_ROLES - {role}:
        people.revoke(conn, person_id, other, partner_id=partner_id, by=actor)
    _still_managed(conn, partner_id)
    return person


def remove(conn: Connection, partner_id: int, person_id: int, *, actor: str) -> Person:
    """Take every role at this school from somebody. Raises `StaffRefused`, and `LookupError` for a stranger."""
    person = _member(conn, partner_id, person_id)
    for role in PARTNER_ROLES:
        people.revoke(conn, person_id, role, partner_id=partner_id, by=actor)
    _still_managed(conn, partner_id)
    return person


def role_at(person: Person, partner_id: int) -> Role | None:
    """What somebody is at a school, a manager first; None for a stranger."""
    held = {grant.role for grant in person.grants if grant.partner_id == partner_id}
    return next((role for role in (Role.PARTNER_MANAGER, Role.PARTNER_CASHIER) if role in held), None)


def _there(conn: Connection, person_id: int) -> Person:
    person = people.get(conn, person_id)
    if person is None:
        raise LookupError(f"there is no person {person_id}")
    return person


def _member(conn: Connection, partner_id: int, person_id: int) -> Person:
    # Two managers who remove each other at once take turns, so that one of them finds the rule below.
    conn.execute(text("select from partner where id = :partner for update"), {"partner": partner_id})
    person = _there(conn, person_id)
    if partner_id not in person.partner_ids:
        raise LookupError(f"person {person_id} is no staff of partner {partner_id}")
    return person


def _still_managed(conn: Connection, partner_id: int) -> None:
    is_managed = conn.scalar(
        text("""
            select exists (select from role_grant g join person p on p.id = g.person_id
                            where g.partner_id = :partner and g.role = 'partner_manager' and p.status <> 'disabled')
        """),
        {"partner": partner_id},
    )
    if not is_managed:
        raise StaffRefused("Il faut au moins un responsable : nommez-en un autre d’abord.")
