"""Texts of a bank's message turned into values, strictly: a text that could mean two things means nothing.

Each function raises ValueError with the French end of a sentence ("n'est pas un montant") for what it cannot read.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache

from ledger.bank_messages import Direction
from ledger.calendar import PARIS

MAX_IDENTIFIER = 140
"""Characters in a reference. The schemas say 35, some banks say more."""
MAX_TEXT = 1_000
"""Characters kept of a free text."""

# Thirteen digits before the point stay within a 64-bit number of cents with room for sums.
_AMOUNT = re.compile(r"\A([0-9]{1,13})(?:\.([0-9]{1,17}))?\Z")
_COUNT = re.compile(r"\A[0-9]{1,15}\Z")
_DAY = re.compile(r"\A([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T.*|Z|[+-][0-9]{2}:[0-9]{2})?\Z")
_CURRENCY = re.compile(r"\A[A-Z]{3}\Z")
_DIRECTIONS = {direction.value: direction for direction in Direction}
_CODE = re.compile(r"\A[A-Z0-9]{1,4}\Z")


def text_of(text: str) -> str | None:
    """A free text: blanks tidied, clipped to MAX_TEXT characters."""
    if len(text) <= MAX_TEXT and text.isprintable() and "  " not in text:
        return text or None
    return " ".join(text[: 4 * MAX_TEXT].split())[:MAX_TEXT] or None


def identifier_of(text: str) -> str | None:
    """A reference, without the blanks that banks pad it with. Half of a reference would be another one: none is cut."""
    if len(text) > MAX_IDENTIFIER:
        raise ValueError(f"dépasse {MAX_IDENTIFIER} caractères")
    return text or None


def cents_of(text: str) -> int:
    """A decimal amount in hundredths of its currency.

    Trailing zeros are harmless (banks write `18.150`), a digit below the cent is not.
    """
    parts = _AMOUNT.match(text)
    if parts is None:
        raise ValueError("n'est pas un montant")
    whole, decimals = parts[1], (parts[2] or "").rstrip("0")
    if len(decimals) > 2:
        raise ValueError("n'est pas un montant en centimes entiers")
    return int(whole) * 100 + int(decimals.ljust(2, "0"))


def total_of(text: str) -> int:
    """A total in hundredths, without the sign that some banks give to totals of debits."""
    return cents_of(text.removeprefix("-"))


def currency_of(text: str | None) -> str:
    """A three-letter currency code."""
    if text is None or _CURRENCY.match(text) is None:
        raise ValueError("n'a pas de devise")
    return text


def direction_of(text: str) -> Direction:
    """CRDT or DBIT."""
    direction = _DIRECTIONS.get(text)
    if direction is None:
        raise ValueError("n'est ni CRDT ni DBIT")
    return direction


def flag_of(text: str) -> bool:
    """A truth value as XML Schema writes it."""
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError("n'est ni true ni false")


def count_of(text: str) -> int:
    """A number of things."""
    if _COUNT.match(text) is None:
        raise ValueError("n'est pas un nombre")
    return int(text)


def code_of(text: str) -> str:
    """An ISO code of one to four capitals and digits."""
    if _CODE.match(text) is None:
        raise ValueError("n'est pas un code ISO")
    return text


@lru_cache(maxsize=1024)
def day_of(text: str) -> date:
    """The day of a date or of a date with time, as the bank wrote it (its own offset is not applied)."""
    day = _DAY.match(text)
    try:
        return date.fromisoformat(day[1] if day else "")
    except ValueError:
        raise ValueError("n'est pas une date") from None


def instant_of(text: str) -> datetime:
    """A date with time, in UTC. Without an offset it is Paris time."""
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=PARIS)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("n'est pas une date avec heure") from None
