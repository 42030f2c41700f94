"""Who a student says to be at the door: a card and a birth date, or a card or mail address and a password.

Whatever is wrong, the answer is the same: nothing tells whether a card, an address or a student exists.
"""

import re
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from ledger import student_access
from ledger.cards import ReadCode, read_code
from ledger.student_access import KnownStudent
from partner_portal.auth import passwords
from partner_portal.portal import portal
from pos_client import codes

SHORTEST_PASSCODE = 8
TRIED_FIRST = (
    *("1234567890", "123456789", "12345678", "1234567", "123456", "12345", "0123456789", "987654321", "87654321"),
    *("abcdefgh", "azertyuiop", "azertyui", "azerty", "qwertyuiop", "qwertyui", "qwerty", "qsdfghjklm", "wxcvbn"),
    *("motdepasse", "mot de passe", "password", "passe", "atouts", "normandie", "bonjour", "lycée", "lycee", "soleil"),
    *("doudou", "jetaime", "je t’aime", "loulou", "marseille", "football"),
)
"""What people try before anything else, here and in published lists of leaked passwords."""


def card_number(typed: str) -> int | None:
    """The number of the printed card whose code was typed or scanned; None if the code is not ours.

    A code on a phone opens nothing here: it is shown to strangers at counters.
    """
    try:
        text = codes.read_card(typed).text
    except codes.NotACard:
        return None
    read = read_code(portal().config.card_keys, text, datetime.now(UTC))
    return read.card_id if isinstance(read, ReadCode) and read.form == "printed" else None


def birth_date(typed: str) -> date | None:
    """A day as people write it, day first: 14/07/2010, 14 07 2010, 14072010; None if it is none."""
    found = re.fullmatch(r"\s*(\d{1,2})[\s./-]*(\d{1,2})[\s./-]*(\d{4})\s*", typed)
    try:
        return date(int(found[3]), int(found[2]), int(found[1])) if found else None
    except ValueError:
        return None


def named(conn: Connection, typed: str) -> KnownStudent | None:
    """The student whom a card's code or a mail address names."""
    if "@" in typed:
        return student_access.by_email(conn, typed)
    number = card_number(typed)
    return None if number is None else student_access.by_card(conn, number)


def own_address(conn: Connection, student: KnownStudent) -> str | None:
    """The address by which this student can come back; None if there is none, or others have it as well."""
    found = student_access.by_email(conn, student.email) if student.email else None
    return student.email if found and found.student_id == student.student_id else None


def passcode_refusal(passcode: str, student: KnownStudent) -> str | None:
    """Why a password is not good enough for this student, as a French sentence; None if it is."""
    born = student.birth_date
    own = (student.first_name, student.last_name, f"{born:%d%m%Y}", f"{born:%d%m%y}", f"{born:%Y}")
    refused = passwords.refusal(passcode, about=own, shortest=SHORTEST_PASSCODE)
    if refused is None and passwords.refusal(passcode, about=TRIED_FIRST, shortest=SHORTEST_PASSCODE):
        return "Ce mot de passe est l’un des premiers qu’on essaie : prenez par exemple trois mots sans rapport."
    return refused
