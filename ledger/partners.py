"""Partner schools: from application to validation, and what that lets them do."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger import audit, promises
from ledger.identifiers import mask_iban, parse_iban, parse_siret, parse_uai


class NotPossible(Exception):
    """The partner's status does not allow it; the message is a French sentence."""


_GONE = "Le dossier a changé entre-temps : cette décision n’est plus possible."
_KNOWN = {
    "partner_siret_key": "Un dossier existe déjà pour ce SIRET.",
    "partner_uai_key": "Un dossier existe déjà pour ce code UAI.",
}


@dataclass(frozen=True, slots=True)
class Application:
    """What a school fills in to become a partner. `accepts` are benefit codes; mail and phone are the contact's."""

    siret: str
    uai: str
    name: str
    town: str
    representative: str
    email: str
    phone: str
    iban: str
    account_holder: str
    accepts: tuple[str, ...] = ("books",)
    representative_role: str = ""
    representative_email: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner as lists show it; the bank account is the one in use, else the one asked for.

    `accepts` are the codes of the benefits it may charge to.
    """

    partner_id: int
    siret: str
    uai: str
    name: str
    town: str
    status: str
    status_reason: str | None
    accepts: tuple[str, ...]
    iban: str | None

    @property
    def masked_iban(self) -> str:
        """The bank account as screens show it."""
        return mask_iban(self.iban) if self.iban else "—"


_READ = """
    select p.id as partner_id, p.siret, p.uai, p.name, p.town, p.status::text as status, p.status_reason, p.accepts,
           (select b.iban from partner_bank_account b where b.partner_id = p.id and b.ended_at is null
             order by b.accepted_at nulls last, b.id desc limit 1) as iban
      from partner p
"""


def all_partners(conn: Connection) -> list[Partner]:
    """Every partner, in the order in which they came."""
    return [_partner(row) for row in conn.execute(text(_READ + "order by p.id"))]


def get(conn: Connection, partner_id: int) -> Partner:
    """One partner. Raises `sqlalchemy.exc.NoResultFound` when there is none of this number."""
    return _partner(conn.execute(text(_READ + "where p.id = :partner"), {"partner": partner_id}).one())


def _partner(row: Row[Any]) -> Partner:
    return Partner(**(row._asdict() | {"accepts": tuple(row.accepts)}))


def apply(conn: Connection, application: Application, *, actor: str) -> int:
    """Enter an application and return the partner's number; it can sell once the Region has validated it.

    Raises `InvalidIdentifier` when SIRET, UAI or IBAN does not pass its check, `NotPossible` for a known school.
    """
    values = _values(application)
    with promises.told(conn, _KNOWN, _not_possible):
        partner_id = conn.execute(
            text("""
                insert into partner (siret, uai, name, town, representative, representative_role, representative_email,
                                     contact, email, phone, accepts)
                values (:siret, :uai, :name, :town, :representative, :representative_role, :representative_email,
                        :contact, :email, :phone, cast(:accepts as text[])) returning id
            """),
            values,
        ).scalar_one()
    _ask_account(conn, partner_id, application, actor)
    audit.record(conn, actor=actor, action="partner.apply", subject=f"partner:{partner_id}")
    return int(partner_id)


def apply_again(conn: Connection, partner_id: int, application: Application, *, actor: str) -> None:
    """Send an application again after it was given back for correction.

    Raises `InvalidIdentifier` as `apply`, and `NotPossible` when it is not the school's to change any more.
    """
    with promises.told(conn, _KNOWN, _not_possible):
        changed = conn.execute(
            text("""
                update partner
                   set siret = :siret, uai = :uai, name = :name, town = :town, representative = :representative,
                       representative_role = :representative_role, representative_email = :representative_email,
                       contact = :contact, email = :email, phone = :phone, accepts = cast(:accepts as text[]),
                       status = 'submitted', status_reason = null, submitted_at = now()
                 where id = :partner and status = 'draft'
            """),
            _values(application) | {"partner": partner_id},
        )
    if changed.rowcount == 0:
        raise NotPossible(_GONE)
    conn.execute(
        text("""
            update partner_bank_account set ended_at = now()
             where partner_id = :partner and accepted_at is null and ended_at is null
        """),
        {"partner": partner_id},
    )
    _ask_account(conn, partner_id, application, actor)
    audit.record(conn, actor=actor, action="partner.apply_again", subject=f"partner:{partner_id}")


def _values(application: Application) -> dict[str, Any]:
    return asdict(application) | {
        "siret": parse_siret(application.siret),
        "uai": parse_uai(application.uai),
        "accepts": list(application.accepts),
    }


def _ask_account(conn: Connection, partner_id: int, application: Application, actor: str) -> None:
    iban = parse_iban(application.iban)
    conn.execute(
        text("""
            insert into partner_bank_account (partner_id, iban, bic, holder, asked_by)
            values (:partner, :iban, :bic, :holder, :actor)
        """),
        {
            "partner": partner_id,
            "iban": iban.text,
            "bic": iban.bic,
            "holder": application.account_holder,
            "actor": actor,
        },
    )


def _not_possible(_promise: str, sentence: str) -> NotPossible:
    return NotPossible(sentence)


def validate(conn: Connection, partner_id: int, *, actor: str) -> None:
    """The Region accepts a partnership, and with it the bank account given at sign-up. Raises `NotPossible`."""
    _decide(conn, partner_id, "validated", ("submitted", "refused"), None, actor)
    conn.execute(
        text("""
            update partner_bank_account set accepted_at = now(), accepted_by = :actor, usable_from = now()
             where partner_id = :partner and accepted_at is null and ended_at is null
               and not exists (select from partner_bank_account o
                                where o.partner_id = :partner and o.accepted_at is not null)
        """),
        {"partner": partner_id, "actor": actor},
    )


def refuse(conn: Connection, partner_id: int, *, reason: str, actor: str) -> None:
    """The Region refuses an application, with a reason that the school reads. Raises `NotPossible`."""
    _decide(conn, partner_id, "refused", ("submitted",), reason, actor)


def give_back(conn: Connection, partner_id: int, *, reason: str, actor: str) -> None:
    """Let the school correct its application, or apply again after a refusal. Raises `NotPossible`."""
    _decide(conn, partner_id, "draft", ("submitted", "refused"), reason, actor)


def suspend(conn: Connection, partner_id: int, *, reason: str, actor: str) -> None:
    """No sale from now on, and what is owed is held back. Raises `NotPossible`."""
    _decide(conn, partner_id, "suspended", ("validated",), reason, actor)


def reinstate(conn: Connection, partner_id: int, *, actor: str) -> None:
    """End a suspension. Raises `NotPossible`."""
    _decide(conn, partner_id, "validated", ("suspended",), None, actor)


def _decide(
    conn: Connection, partner_id: int, status: str, possible: tuple[str, ...], reason: str | None, actor: str
) -> None:
    changed = conn.execute(
        text("""
            update partner set status = cast(:status as partner_status), status_reason = :reason, decided_at = now(),
                   decided_by = :actor
             where id = :partner and status::text = any(cast(:possible as text[]))
        """),
        {"partner": partner_id, "status": status, "reason": reason, "actor": actor, "possible": list(possible)},
    )
    if changed.rowcount == 0:
        raise NotPossible(_GONE)
    audit.record(
        conn,
        actor=actor,
        action=f"partner.{status}",
        subject=f"partner:{partner_id}",
        details={"reason": reason} if reason else None,
    )
