"""Amounts, days and instants as French readers expect them, with spaces that never break a line."""

import re
from datetime import date, datetime

from babel.dates import format_date

from ledger.calendar import PARIS
from ledger.money import MINUS, NO_BREAK, THIN_NO_BREAK, euros

__all__ = [
    "MINUS",
    "NO_BREAK",
    "THIN_NO_BREAK",
    "counted",
    "day_in_figures",
    "day_in_words",
    "euros",
    "moment",
    "unbroken_times",
    "whole_number",
]


def whole_number(value: int) -> str:
    """12345 is '12 345'."""
    return f"{value:,}".replace(",", THIN_NO_BREAK).replace("-", MINUS)


def counted(number: int, noun: str) -> str:
    """'1 autre ligne', '2 autres lignes'; French takes the plural from two on."""
    return f"{whole_number(number)}{NO_BREAK}{noun if number < 2 else noun.replace(' ', 's ') + 's'}"


def day_in_words(day: date) -> str:
    """'30 juin 2027', and '1er juillet 2027' as the first of a month is said."""
    ordinal = "1er" if day.day == 1 else str(day.day)
    return f"{ordinal} {format_date(day, 'MMMM y', locale='fr')}".replace(" ", NO_BREAK)


def day_in_figures(instant: datetime) -> str:
    """The day in Paris, for tables: '30/06/2027'."""
    return f"{instant.astimezone(PARIS):%d/%m/%Y}"


def unbroken_times(text: str) -> str:
    """`text` with spaces that never leave a number at the end of a line: "9 h", "13 h 30"."""
    return re.sub(r"(?<=\d) (?=h\b)|(?<=\bh) (?=\d)", NO_BREAK, text)


def moment(instant: datetime) -> str:
    """Day and time as clocks in Paris show them: '24 novembre 2026 à 9 h 05'."""
    local = instant.astimezone(PARIS)
    return f"{day_in_words(local)} à {local.hour}{NO_BREAK}h{NO_BREAK}{local:%M}"
