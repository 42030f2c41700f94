"""Sign-ups: what a school fills in, step by step and over days, until it is sent and becomes an application."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger import audit, commitments, partners, sign_up_documents
from ledger.partners import Application, NotPossible

LINK_LIFE = timedelta(days=60)
FORGOTTEN_AFTER = timedelta(days=90)
"""A file that was never sent, and that nobody has touched for so long, is deleted with all it holds."""
STEPS = ("school", "people", "account", "commitments", "documents")
"""In this order; each but the last keeps its answers under its name."""


@dataclass(frozen=True, slots=True)
class SignUp:
    """One file. `status` is that of its partner, "draft" before it was sent for the first time."""

    id: int
    email: str
    name: str
    answers: Mapping[str, Mapping[str, Any]]
    partner_id: int | None
    status: str
    status_reason: str | None
    email_proved_at: datetime | None
    submitted_at: datetime | None

    @property
    def actor(self) -> str:
        """How the audit trail calls whoever fills it in."""
        return f"sign_up:{self.id}"

    @property
    def is_open(self) -> bool:
        """Whether its answers may be changed."""
        return self.status == "draft"


@dataclass(frozen=True, slots=True)
class Message:
    """One word of the conversation between the school and the Region."""

    id: int
    from_region: bool
    body: str
    written_at: datetime


_READ = """
    select s.id, s.email, s.name, s.answers, s.partner_id, s.email_proved_at, p.submitted_at, p.status_reason,
           coalesce(p.status::text, 'draft') as status
      from sign_up s left join partner p on p.id = s.partner_id
"""


def _sign_up(row: Row[Any] | None) -> SignUp | None:
    return None if row is None else SignUp(**row._asdict())


def get(conn: Connection, sign_up_id: int) -> SignUp | None:
    """The file of this number."""
    return _sign_up(conn.execute(text(_READ + "where s.id = :id"), {"id": sign_up_id}).one_or_none())


def of_partner(conn: Connection, partner_id: int) -> SignUp | None:
    """The file by which a partner signed up; None for one that was entered by hand."""
    return _sign_up(conn.execute(text(_READ + "where s.partner_id = :id"), {"id": partner_id}).one_or_none())


def of_email(conn: Connection, email: str) -> SignUp | None:
    """The file that somebody with this address touched last."""
    wanted = text(_READ + "where lower(s.email) = lower(:email) order by s.changed_at desc, s.id desc limit 1")
    return _sign_up(conn.execute(wanted, {"email": email}).one_or_none())


def start(conn: Connection, *, email: str, name: str) -> int:
    """Open a file, and return its number."""
    conn.execute(
        text("delete from sign_up where partner_id is null and changed_at < now() - :age"), {"age": FORGOTTEN_AFTER}
    )
    sign_up_id = conn.execute(
        text("insert into sign_up (email, name) values (:email, :name) returning id"),
        {"email": email.strip(), "name": name.strip()},
    ).scalar_one()
    audit.record(conn, actor="anonymous", action="sign_up.started", subject=f"sign_up:{sign_up_id}")
    return int(sign_up_id)


def save(conn: Connection, sign_up_id: int, step: str, answers: Mapping[str, Any]) -> None:
    """Keep the answers of one step. Raises `NotPossible` while the Region studies the file."""
    _open(conn, sign_up_id)
    conn.execute(
        text("""
            update sign_up set changed_at = now(), answers = answers || cast(:given as jsonb) where id = :id
        """),
        {"id": sign_up_id, "given": json.dumps({step: dict(answers)})},
    )


def save_commitments(conn: Connection, sign_up_id: int) -> None:
    """Keep that every commitment of today's version was accepted, and when."""
    accepted = {"version": commitments.VERSION, "accepted_at": datetime.now(UTC).isoformat()}
    save(conn, sign_up_id, "commitments", accepted)


def missing(conn: Connection, sign_up: SignUp) -> list[str]:
    """The steps that are still to be filled in before the file can be sent."""
    lacking = [step for step in STEPS[:-1] if step not in sign_up.answers]
    if "commitments" not in lacking and sign_up.answers["commitments"]["version"] != commitments.VERSION:
        lacking.append("commitments")
    if not any(paper.kind == "bank_slip" for paper in sign_up_documents.of(conn, sign_up.id)):
        lacking.append("documents")
    return lacking


def send(conn: Connection, sign_up_id: int) -> int:
    """Send the file to the Region, and return the partner's number.

    Raises `NotPossible` when it is not complete, was sent already, or another school has the same SIRET or UAI.
    """
    sign_up = _open(conn, sign_up_id)
    if missing(conn, sign_up):
        raise NotPossible("Il manque encore des réponses dans ce dossier.")
    application = _application(sign_up)
    if sign_up.partner_id is None:
        partner_id = partners.apply(conn, application, actor=sign_up.actor)
        conn.execute(
            text("update sign_up set partner_id = :partner where id = :id"), {"partner": partner_id, "id": sign_up_id}
        )
    else:
        partner_id = sign_up.partner_id
        partners.apply_again(conn, partner_id, application, actor=sign_up.actor)
    accepted = sign_up.answers["commitments"]
    commitments.accept(
        conn,
        partner_id,
        version=accepted["version"],
        codes=[one.code for one in commitments.COMMITMENTS],
        accepted_at=datetime.fromisoformat(accepted["accepted_at"]),
        actor=sign_up.actor,
    )
    return partner_id


def _open(conn: Connection, sign_up_id: int) -> SignUp:
    """The file, locked, if its answers may be changed."""
    conn.execute(text("select from sign_up where id = :id for update"), {"id": sign_up_id})
    sign_up = get(conn, sign_up_id)
    if sign_up is None or not sign_up.is_open:
        raise NotPossible("Ce dossier est déjà envoyé : il ne se modifie plus.")
    return sign_up


def _application(sign_up: SignUp) -> Application:
    school, people, account = (sign_up.answers[step] for step in STEPS[:3])
    return Application(
        siret=school["siret"],
        uai=school["uai"],
        name=school["name"],
        town=school["town"],
        representative=people["representative"],
        representative_role=people["representative_role"],
        representative_email=people["representative_email"],
        contact=people["contact"],
        email=people["email"],
        phone=people["phone"],
        iban=account["iban"],
        account_holder=account["holder"],
    )


# -- links -----------------------------------------------------------------------------------------------------------


def add_link(conn: Connection, sign_up_id: int, token_hash: bytes) -> None:
    """Keep the hash of a link that opens the file."""
    conn.execute(
        text("insert into sign_up_link (token_hash, sign_up_id, expires_at) values (:hash, :id, now() + :life)"),
        {"hash": token_hash, "id": sign_up_id, "life": LINK_LIFE},
    )


def open_link(conn: Connection, token_hash: bytes) -> SignUp | None:
    """The file that a link opens; it proves that mail reaches whoever fills it in."""
    sign_up_id = conn.scalar(
        text("""
            update sign_up s set email_proved_at = coalesce(s.email_proved_at, now())
              from sign_up_link l
             where l.token_hash = :hash and l.expires_at > now() and s.id = l.sign_up_id returning s.id
        """),
        {"hash": token_hash},
    )
    return None if sign_up_id is None else get(conn, sign_up_id)


# -- conversation ----------------------------------------------------------------------------------------------------


def write(conn: Connection, sign_up_id: int, body: str, *, from_region: bool, actor: str) -> int:
    """Add a word to the conversation, and return its number."""
    message_id = conn.execute(
        text("""
            insert into sign_up_message (sign_up_id, from_region, author, body)
            values (:id, :from_region, :actor, :body) returning id
        """),
        {"id": sign_up_id, "from_region": from_region, "actor": actor, "body": body.strip()},
    ).scalar_one()
    action = "sign_up.asked" if from_region else "sign_up.answered"
    audit.record(conn, actor=actor, action=action, subject=f"sign_up:{sign_up_id}", details={"message": message_id})
    return int(message_id)


def messages(conn: Connection, sign_up_id: int) -> list[Message]:
    """The conversation, the oldest word first."""
    rows = conn.execute(
        text("""
            select id, from_region, body, written_at from sign_up_message where sign_up_id = :id order by id
        """),
        {"id": sign_up_id},
    )
    return [Message(**row._mapping) for row in rows]
