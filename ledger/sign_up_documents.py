"""The papers of a sign-up: what is taken, and where they are kept.

A paper is told by its first bytes, never by its name: what is stored is a PDF, a PNG or a JPEG whatever it was called.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from ledger import audit, promises

MAX_BYTES = 5_000_000
MAX_DOCUMENTS = 8
"""Of one sign-up; a school needs one or two."""
KINDS = {"bank_slip": "Relevé d’identité bancaire (RIB)", "other": "Autre pièce"}
_FIRST_BYTES = {
    b"%PDF-": ("application/pdf", ".pdf"),
    b"\x89PNG\r\n\x1a\n": ("image/png", ".png"),
    b"\xff\xd8\xff": ("image/jpeg", ".jpg"),
}


class NotTaken(ValueError):
    """The paper is not one we take; the message is a French sentence."""


@dataclass(frozen=True, slots=True)
class Document:
    """A paper as lists show it. `size` is in bytes."""

    id: int
    kind: str
    name: str
    media_type: str
    size: int
    sha256: bytes
    added_at: datetime

    @property
    def kind_name(self) -> str:
        """What it is, in French."""
        return KINDS[self.kind]


def media_type_of(content: bytes) -> tuple[str, str]:
    """The type of a paper, and the ending of its name. Raises `NotTaken`."""
    if not content:
        raise NotTaken("Ce fichier est vide.")
    if len(content) > MAX_BYTES:
        raise NotTaken("Ce fichier dépasse 5 Mo : réduisez-le ou photographiez la page.")
    for first, found in _FIRST_BYTES.items():
        if content.startswith(first):
            return found
    raise NotTaken("Ce fichier n’est ni un PDF, ni une image PNG ou JPEG.")


def clean_name(name: str, ending: str) -> str:
    """A file name without folders or control characters, of 120 characters at most, that ends as its content does."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem = "".join(char for char in last if char.isprintable() and char not in '<>:"|?*').strip(" .")
    for known in (".pdf", ".png", ".jpg", ".jpeg"):
        if stem.lower().endswith(known):
            stem = stem[: -len(known)]
    return (stem[: 120 - len(ending)] or "document") + ending


def add(conn: Connection, sign_up_id: int, *, kind: str, name: str, content: bytes, actor: str) -> None:
    """Keep a paper; the same one once. Raises `NotTaken`."""
    media_type, ending = media_type_of(content)
    if kind not in KINDS:
        raise NotTaken("Ce genre de pièce n’est pas attendu.")
    if len(of(conn, sign_up_id)) >= MAX_DOCUMENTS:
        raise NotTaken(f"Un dossier compte {MAX_DOCUMENTS} pièces au plus.")
    added = conn.execute(
        text("""
            insert into sign_up_document (sign_up_id, kind, name, media_type, sha256, content)
            values (:sign_up, :kind, :name, :media_type, :sha256, :content)
            on conflict on constraint same_paper_once do nothing returning id
        """),
        {
            "sign_up": sign_up_id,
            "kind": kind,
            "name": clean_name(name, ending),
            "media_type": media_type,
            "sha256": hashlib.sha256(content).digest(),
            "content": content,
        },
    ).scalar_one_or_none()
    if added is not None:
        _audit(conn, sign_up_id, "added", added, actor)


def remove(conn: Connection, sign_up_id: int, document_id: int, *, actor: str) -> None:
    """Take a paper away while the file is being filled in. Raises `NotTaken` for one that was sent."""
    sent = {"papers_sent_stay": "Cette pièce a été envoyée avec le dossier : elle y reste."}
    with promises.told(conn, sent, lambda _promise, sentence: NotTaken(sentence)):
        removed = conn.execute(
            text("delete from sign_up_document where id = :id and sign_up_id = :sign_up"),
            {"id": document_id, "sign_up": sign_up_id},
        )
    if removed.rowcount:
        _audit(conn, sign_up_id, "removed", document_id, actor)


def of(conn: Connection, sign_up_id: int) -> list[Document]:
    """The papers of a sign-up, in the order in which they came."""
    rows = conn.execute(
        text("""
            select id, kind, name, media_type, length(content) as size, sha256, added_at from sign_up_document
             where sign_up_id = :sign_up order by id
        """),
        {"sign_up": sign_up_id},
    )
    return [Document(**row._mapping) for row in rows]


def content_of(conn: Connection, partner_id: int, document_id: int) -> tuple[Document, bytes] | None:
    """A paper of a partner's sign-up with its bytes; None when it has none of this number."""
    row = conn.execute(
        text("""
            select d.id, d.kind, d.name, d.media_type, length(d.content) as size, d.sha256, d.added_at, d.content
              from sign_up_document d join sign_up s on s.id = d.sign_up_id
             where d.id = :id and s.partner_id = :partner
        """),
        {"id": document_id, "partner": partner_id},
    ).one_or_none()
    if row is None:
        return None
    values = row._asdict()
    content = bytes(values.pop("content"))
    return Document(**values), content


def _audit(conn: Connection, sign_up_id: int, what: str, document_id: int, actor: str) -> None:
    audit.record(
        conn,
        actor=actor,
        action=f"sign_up.document_{what}",
        subject=f"sign_up:{sign_up_id}",
        details={"document": document_id},
    )
