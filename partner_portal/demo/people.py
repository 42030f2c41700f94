"""The people of the demo: one for each role, who can sign in and look around.

Their passwords stand in this file and on the screen, so the demo is never for a database that real people use: it
refuses one that was not begun by it (see `story`).
"""

from dataclasses import dataclass

import pyotp
from sqlalchemy import Connection

from ledger import people
from ledger.rights import REGION_ROLES, Role
from partner_portal.auth import passwords, second_factor
from partner_portal.config import Config

PASSWORD = "Atouts-Demo-2026"  # noqa: S105  shown on the screen
CODE_SECRET = "ATOUTSNORMANDIEDEMO2345672345677"  # noqa: S105  base32, known to `atouts demo --code`


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody with one role; those of a partner hold it at the first partner school."""

    email: str
    name: str
    role: Role
    who: str


CAST = (
    DemoPerson("partenaires@region.example", "Nadia Lefèvre", Role.REGION_OFFICER, "chargée des partenaires"),
    DemoPerson("comptable@region.example", "Hugo Marie", Role.ACCOUNTANT, "comptable, prépare les versements"),
    DemoPerson("ordonnateur@region.example", "Claire Aubert", Role.PAYMENT_APPROVER, "approuve les versements"),
    DemoPerson("ordonnateur2@region.example", "Paul Quesnel", Role.PAYMENT_APPROVER, "approuve les versements"),
    DemoPerson("audit@region.example", "Inès Vasseur", Role.AUDITOR, "audit, lit tout"),
    DemoPerson("admin@region.example", "Luc Hamel", Role.ADMINISTRATOR, "administrateur"),
    DemoPerson("gestion@lycee.example", "Odile Leroy", Role.PARTNER_MANAGER, "gestionnaire du premier partenaire"),
    DemoPerson("guichet@lycee.example", "Sami Duval", Role.PARTNER_CASHIER, "guichet du premier partenaire"),
)


def enter(conn: Connection, partner_id: int) -> dict[Role, list[int]]:
    """Enter the cast, with passwords and confirmed code generators; return their numbers by role."""
    vault = second_factor.Vault(Config.from_environment().encryption_keys)
    numbers: dict[Role, list[int]] = {}
    for person in CAST:
        there = people.by_email(conn, person.email)
        if there is None:
            number = people.create(conn, email=person.email, name=person.name, by="job:demo")
            people.set_password(conn, number, passwords.hashed(PASSWORD), by="job:demo")
            people.enable(conn, number, by="job:demo")
            at_partner = None if person.role in REGION_ROLES else partner_id
            people.grant(conn, number, person.role, partner_id=at_partner, by="job:demo")
            if person.role in REGION_ROLES:
                people.begin_totp(conn, number, vault.locked(CODE_SECRET))
                paper = [second_factor.recovery_hash(code) for code in second_factor.new_recovery_codes()]
                people.confirm_totp(conn, number, paper, by="job:demo")
        else:
            number = there.id
        numbers.setdefault(person.role, []).append(number)
    return numbers


def current_code() -> str:
    """The six digits that every code generator of the demo shows now."""
    return pyotp.TOTP(CODE_SECRET).now()
