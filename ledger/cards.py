"""Cards: the text in a student's QR code, and which card is whose.

The text has 32 characters: a version letter, then 31 base32 digits that hold the card's number (60 bits), the number
of the signing key (15 bits) and a truncated HMAC-SHA-256 (80 bits). Upper-case letters and digits only, so that it fits
the QR code's alphanumeric mode in version 3 at level Q: the smallest pattern, which reads best on a bad picture. A text
that fails its MAC is refused without asking the database. Nothing personal is in it.

Two forms carry the same card: the printed one (letter A) is static and stands until the card is revoked; the one on a
phone (letter W) signs the current 30-second step with a key derived for that card alone, so a phone can make it without
the network, and a picture of it is worth nothing a minute later.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

from ledger import audit
from ledger.refusals import Refusal
from ledger.settings import Secret, Setting

CARD_KEY = Secret(
    "CARD_KEY", "Signs the students' cards; made once if not set, and never lost: every printed card needs it."
)
CARD_KEY_ID = Setting(
    "CARD_KEY_ID", 1, "The number of CARD_KEY, printed in each card: raise it when the key is replaced."
)
OLD_CARD_KEYS = Setting(
    "OLD_CARD_KEYS", "", "Former card keys that still count, as number:key, separated by spaces.", secret=True
)

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
PRINTED = "A"
PHONE = "W"
LENGTH = 32
STEP_SECONDS = 30

_CARD_BITS, _KEY_BITS, _MAC_BITS = 60, 15, 80
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}

Form = Literal["printed", "phone"]


@dataclass(frozen=True, slots=True)
class CardKeys:
    """The signing keys: the number of the one that signs new cards, and all that still count by number."""

    current: int
    keys: Mapping[int, bytes]

    @classmethod
    def from_settings(cls) -> "CardKeys":
        """The keys that the settings name."""
        keys = {}
        for pair in OLD_CARD_KEYS.value.split():
            number, _, key = pair.partition(":")
            keys[int(number)] = key.encode()
        keys[CARD_KEY_ID.value] = CARD_KEY.value.encode()
        return cls(CARD_KEY_ID.value, keys)

    def card_key(self, card_id: int, key_id: int) -> bytes | None:
        """The key of one card, which its owner's phone may hold: it signs nothing but that card. None: unknown key."""
        key = self.keys.get(key_id)
        return None if key is None else hmac.digest(key, b"card/%d" % card_id, "sha256")


@dataclass(frozen=True, slots=True)
class ReadCode:
    """A code whose MAC is right: the card it names, its form, and for a phone the time step that was signed."""

    card_id: int
    form: Form
    step: int | None = None


def time_step(now: datetime) -> int:
    """The number of the 30-second step in which `now` lies; a phone's code holds for one."""
    return int(now.timestamp()) // STEP_SECONDS


def printed_code(keys: CardKeys, card_id: int, key_id: int) -> str:
    """The text of a printed card. Raises LookupError when the key is not known any more."""
    return _encode(PRINTED, card_id, key_id, _mac(_known_key(keys, card_id, key_id), PRINTED, 0))


def phone_code(keys: CardKeys, card_id: int, key_id: int, step: int) -> str:
    """The text that a phone shows during one time step; the phone makes it for itself from `CardKeys.card_key`."""
    return _encode(PHONE, card_id, key_id, _mac(_known_key(keys, card_id, key_id), PHONE, step))


def read_code(keys: CardKeys, code: str, now: datetime) -> ReadCode | Refusal:
    """Tell which card a scanned text names, or why it counts for nothing. Asks no database.

    A phone's code is taken one step early or late, for clocks that go wrong; later it is `CODE_EXPIRED`. An older one
    cannot be told from a forged one beyond an hour and is `UNKNOWN_CARD`.
    """
    if len(code) != LENGTH or code[0] not in (PRINTED, PHONE) or any(letter not in _VALUES for letter in code[1:]):
        return Refusal.UNKNOWN_CARD
    value = 0
    for letter in code[1:]:
        value = value << 5 | _VALUES[letter]
    mac = (value & (1 << _MAC_BITS) - 1).to_bytes(_MAC_BITS // 8)
    key_id = value >> _MAC_BITS & (1 << _KEY_BITS) - 1
    card_id = value >> _MAC_BITS + _KEY_BITS
    key = keys.card_key(card_id, key_id)
    if key is None:
        return Refusal.UNKNOWN_CARD
    if code[0] == PRINTED:
        return ReadCode(card_id, "printed") if hmac.compare_digest(mac, _mac(key, PRINTED, 0)) else Refusal.UNKNOWN_CARD
    current = time_step(now)
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(mac, _mac(key, PHONE, step)):
            return ReadCode(card_id, "phone", step)
    for step in range(current - 3600 // STEP_SECONDS, current - 1):
        if hmac.compare_digest(mac, _mac(key, PHONE, step)):
            return Refusal.CODE_EXPIRED
    return Refusal.UNKNOWN_CARD


def _known_key(keys: CardKeys, card_id: int, key_id: int) -> bytes:
    key = keys.card_key(card_id, key_id)
    if key is None:
        raise LookupError(f"card key {key_id} is not among the settings")
    return key


def _mac(card_key: bytes, form: str, step: int) -> bytes:
    return hmac.new(card_key, b"%s/%d" % (form.encode(), step), hashlib.sha256).digest()[: _MAC_BITS // 8]


def _encode(form: str, card_id: int, key_id: int, mac: bytes) -> str:
    value = (card_id << _KEY_BITS | key_id) << _MAC_BITS | int.from_bytes(mac)
    return form + "".join(ALPHABET[value >> shift & 31] for shift in range(150, -1, -5))


# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """A card as issued: its number, its owner, and the number of the key that signs it."""

    card_id: int
    student_id: int
    key_id: int


class NotEnrolled(Exception):
    """The student is not enrolled in the school year that is under way."""


def issue_missing_cards(conn: Connection, keys: CardKeys, *, school_year: int) -> int:
    """Give a card to each student enrolled in `school_year` who has none; return how many were issued."""
    students = conn.scalars(
        text("""
            select e.student_id from enrolment e
             where e.school_year = :year and e.withdrawn_at is null
               and not exists (select from card c where c.student_id = e.student_id and c.revoked_at is null)
             order by e.student_id
        """),
        {"year": school_year},
    ).all()
    _issue(conn, keys, students)
    return len(students)


def reissue(conn: Connection, keys: CardKeys, student_id: int, *, reason: str, actor: str) -> Card:
    """Revoke a student's card and issue another at once: the old one is refused at the next scan.

    `reason` is for people ("perdue", "copiée"). Writes an audit row. Raises `NotEnrolled`: who has left gets no card.
    """
    if not conn.scalar(text("select is_enrolled(:student)"), {"student": student_id}):
        raise NotEnrolled
    revoked = conn.scalar(
        text("""
            update card set revoked_at = now(), reason = :reason
             where student_id = :student and revoked_at is null returning id
        """),
        {"student": student_id, "reason": reason},
    )
    (card,) = _issue(conn, keys, [student_id])
    audit.record(
        conn,
        actor=actor,
        action="card.reissue",
        subject=f"student:{student_id}",
        details={"revoked": revoked, "issued": card.card_id, "reason": reason},
    )
    return card


def live_cards(conn: Connection, student_ids: Sequence[int]) -> dict[int, Card]:
    """The card that counts of each of these students who has one, by student."""
    rows = conn.execute(
        text("""
            select id, student_id, key_id from card
             where student_id = any(cast(:students as bigint[])) and revoked_at is null
        """),
        {"students": list(student_ids)},
    )
    return {row.student_id: Card(row.id, row.student_id, row.key_id) for row in rows}


def _issue(conn: Connection, keys: CardKeys, students: Sequence[int]) -> list[Card]:
    if not students:
        return []
    cards = [Card(secrets.randbits(_CARD_BITS), student, keys.current) for student in students]
    conn.execute(
        text("""
            insert into card (id, student_id, key_id)
            select *, :key from unnest(cast(:ids as bigint[]), cast(:students as bigint[]))
        """),
        {"ids": [card.card_id for card in cards], "students": list(students), "key": keys.current},
    )
    return cards
