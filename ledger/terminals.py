"""Terminals: a till is paired once with a code and from then on proves itself by a secret of its own."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from ledger import audit

PAIRING_CODE_LIFE = timedelta(hours=24)
# No letter or digit that another looks like: a person reads the code aloud across a room.
PAIRING_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
PAIRING_LENGTH = 10
BROWSER = "Navigateur"
"""The name of the till that a school's staff use in the browser; no other one may have it."""


@dataclass(frozen=True, slots=True)
class PairedTerminal:
    """A till that has just been paired. `secret` is told this once; only its hash is kept."""

    terminal_id: int
    secret: str
    partner_id: int


def hash_of_secret(secret: str) -> bytes:
    """SHA-256 of a random secret; 256 random bits need no slower hash."""
    return hashlib.sha256(secret.encode()).digest()


def make_pairing_code(conn: Connection, partner_id: int, *, actor: str) -> tuple[str, datetime]:
    """A code that pairs one till within a day, and the instant it ends."""
    code = "".join(secrets.choice(PAIRING_ALPHABET) for _ in range(PAIRING_LENGTH))
    expires_at = conn.execute(
        text("""
            insert into pairing_code (code_hash, partner_id, created_by, expires_at)
            values (:hash, :partner, :actor, now() + :life) returning expires_at
        """),
        {"hash": hash_of_secret(code), "partner": partner_id, "actor": actor, "life": PAIRING_CODE_LIFE},
    ).scalar_one()
    audit.record(conn, actor=actor, action="terminal.invite", subject=f"partner:{partner_id}")
    return f"{code[:5]}-{code[5:]}", expires_at


def pair_terminal(conn: Connection, pairing_code: str, *, name: str) -> PairedTerminal | None:
    """Exchange a pairing code for a terminal of its own; None when the code is wrong, used or too old."""
    code = "".join(letter for letter in pairing_code.upper() if letter.isalnum())
    partner_id = conn.scalar(
        text("""
            update pairing_code set used_at = now()
             where code_hash = :hash and used_at is null and expires_at > now() returning partner_id
        """),
        {"hash": hash_of_secret(code)},
    )
    if partner_id is None:
        return None
    secret = secrets.token_urlsafe(32)
    terminal_id = conn.execute(
        text("insert into terminal (partner_id, name, secret_hash) values (:partner, :name, :hash) returning id"),
        {"partner": partner_id, "name": name, "hash": hash_of_secret(secret)},
    ).scalar_one()
    audit.record(
        conn,
        actor=f"terminal:{terminal_id}",
        action="terminal.pair",
        subject=f"partner:{partner_id}",
        details={"name": name},
    )
    return PairedTerminal(terminal_id, secret, partner_id)


def revoke_terminal(conn: Connection, terminal_id: int, *, partner_id: int, actor: str) -> bool:
    """Refuse every further call of a till of this partner; whether there was one to revoke."""
    revoked = conn.execute(
        text("""
            update terminal set revoked_at = now()
             where id = :terminal and partner_id = :partner and revoked_at is null
        """),
        {"terminal": terminal_id, "partner": partner_id},
    )
    if revoked.rowcount:
        audit.record(conn, actor=actor, action="terminal.revoke", subject=f"terminal:{terminal_id}")
    return bool(revoked.rowcount)


class SecretInUse(Exception):
    """A terminal has this secret already."""


def replace_secret(conn: Connection, terminal_id: int, secret_hash: bytes, *, actor: str) -> None:
    """Have a till prove itself by another secret from now on.

    The till makes the secret and tells its SHA-256 only, so that a lost answer loses nothing: it then holds both, and
    one of them counts. Doing it again changes nothing. Raises `SecretInUse`.
    """
    try:
        with conn.begin_nested():
            changed = conn.execute(
                text("update terminal set secret_hash = :hash where id = :terminal and secret_hash <> :hash"),
                {"terminal": terminal_id, "hash": secret_hash},
            )
    except IntegrityError as error:
        raise SecretInUse from error
    if changed.rowcount:
        audit.record(conn, actor=actor, action="terminal.new_secret", subject=f"terminal:{terminal_id}")


@dataclass(frozen=True, slots=True)
class ListedTerminal:
    """A till as its school's manager sees it."""

    terminal_id: int
    name: str
    paired_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


def terminals_of(conn: Connection, partner_id: int) -> list[ListedTerminal]:
    """The tills that a partner has paired, the latest first, revoked ones too; the browser's own is not among them.

    A till was last used when it last asked for a sale: that is noted anyway, and other questions cost no write.
    """
    rows = conn.execute(
        text("""
            select id as terminal_id, name, paired_at, revoked_at,
                   (select max(asked_at) from sale s where s.terminal_id = t.id) as last_used_at
              from terminal t where partner_id = :partner and name <> :browser order by id desc
        """),
        {"partner": partner_id, "browser": BROWSER},
    )
    return [ListedTerminal(**row._mapping) for row in rows]


@dataclass(frozen=True, slots=True)
class Terminal:
    """A till as its partner knows it; a browser till is one too, used by whoever is signed in."""

    terminal_id: int
    name: str
    partner_id: int
    partner_name: str
    partner_uai: str
    partner_status: str
    revoked: bool


_TERMINAL = """
    select t.id as terminal_id, t.name, t.partner_id, p.name as partner_name, p.uai as partner_uai,
           p.status::text as partner_status, t.revoked_at is not null as revoked
      from terminal t join partner p on p.id = t.partner_id
"""


def terminal_of_secret(conn: Connection, secret_hash: bytes) -> Terminal | None:
    """The terminal that proves itself by a secret with this SHA-256, revoked or not."""
    row = conn.execute(text(_TERMINAL + "where t.secret_hash = :hash"), {"hash": secret_hash}).one_or_none()
    return None if row is None else Terminal(**row._mapping)


def get(conn: Connection, terminal_id: int) -> Terminal:
    """The terminal of this number, which there must be."""
    return Terminal(**conn.execute(text(_TERMINAL + "where t.id = :id"), {"id": terminal_id}).one()._mapping)


def browser_terminal(conn: Connection, partner_id: int) -> int:
    """The terminal under which a partner's signed-in staff sell in the browser; opened at first use.

    Nobody knows its secret, so it lets nobody in; the person at the till stands in the audit trail.
    """
    there = conn.scalar(
        text("""
            select id from terminal where partner_id = :partner and name = :name and revoked_at is null
             order by id limit 1
        """),
        {"partner": partner_id, "name": BROWSER},
    )
    if there is not None:
        return int(there)
    return int(
        conn.execute(
            text("insert into terminal (partner_id, name, secret_hash) values (:partner, :name, :hash) returning id"),
            {"partner": partner_id, "name": BROWSER, "hash": secrets.token_bytes(32)},
        ).scalar_one()
    )
