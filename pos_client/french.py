"""Amounts and dates as French clerks write and read them."""

import re
from datetime import date, datetime

NO_BREAK = "\N{NO-BREAK SPACE}"
NARROW_NO_BREAK = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


class NotAnAmount(ValueError):
    """The text is no amount; the message is the sentence for the clerk."""


def euros(cents: int) -> str:
    """An amount in cents as "1 234,50 €", with the spaces that do not break over a line."""
    whole, rest = divmod(abs(cents), 100)
    thousands = f"{whole:,}".replace(",", NARROW_NO_BREAK)
    return f"{MINUS if cents < 0 else ''}{thousands},{rest:02d}{NO_BREAK}€"


def cents(typed: str) -> int:
    """The cents behind a typed amount: "12,50", "12.5 €", "1 234". Never negative. Raises NotAnAmount."""
    bare = "".join(typed.replace("€", "").split())
    match = re.fullmatch(r"([0-9]{1,7})(?:[.,]([0-9]{1,2}))?", bare)
    if match is None:
        raise NotAnAmount(f"« {typed.strip()} » n’est pas un montant : écrivez par exemple 12,50.")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def day(moment: date) -> str:
    """A date as "30 juin 2027"; the first of a month is "1er"."""
    return f"{'1er' if moment.day == 1 else moment.day}{NO_BREAK}{MONTHS[moment.month - 1]} {moment.year}"


def day_of_year(moment: date) -> str:
    """A date within the school year as "30 juin"."""
    return day(moment).rsplit(" ", 1)[0]


def moment(instant: datetime) -> str:
    """An instant on this computer's clock, as "3 septembre 2026 à 10 h 05"."""
    local = instant.astimezone()
    return f"{day(local.date())} à {local.hour}{NO_BREAK}h{NO_BREAK}{local.minute:02d}"


def short_moment(instant: datetime) -> str:
    """An instant on this computer's clock, in a column's width: "03/09 10:05"."""
    return f"{instant.astimezone():%d/%m %H:%M}"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: "0 vente", "1 vente", "2 ventes". French counts zero as one."""
    return f"{number}{NO_BREAK}{singular if number < 2 else plural or singular + 's'}"
