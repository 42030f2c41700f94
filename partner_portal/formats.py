"""How amounts, dates and instants stand on a screen: `batch.french` as template filters, and what only screens need."""

import datetime
import re

from babel.dates import format_date
from flask import Flask

from batch.french import NO_BREAK, day_in_words, euros, moment, whole_number
from ledger.calendar import PARIS
from ledger.identifiers import mask_iban

_LOOSE = re.compile(r" (?=[:;?!»])|(?<=«) ")

Day = datetime.date | datetime.datetime


def _paris_day(value: Day) -> datetime.date:
    return value.astimezone(PARIS).date() if isinstance(value, datetime.datetime) else value


def date_fr(value: Day) -> str:
    """A day in words, "30 juin 2027"; an instant is told by its day in Paris."""
    return day_in_words(_paris_day(value))


def date_short_fr(value: Day) -> str:
    """A day in figures, for tables: "30/06/2027"."""
    return f"{_paris_day(value):%d/%m/%Y}"


def weekday_fr(value: Day) -> str:
    """The day of the week with its date: "mardi 24 novembre"."""
    return format_date(_paris_day(value), "EEEE d MMMM", locale="fr").replace(" 1 ", " 1er ")


def last_day_fr(end: datetime.datetime) -> str:
    """The last day of a half-open period that ends at `end`: midnight of 1 July in Paris is "30 juin 2027"."""
    return date_fr(end - datetime.timedelta(microseconds=1))


def month_fr(value: Day) -> str:
    """A month: "novembre 2026"."""
    return format_date(_paris_day(value), "MMMM y", locale="fr")


def clock_fr(value: datetime.datetime) -> str:
    """A time of day in Paris: "9 h 05"."""
    local = value.astimezone(PARIS)
    return f"{local.hour}{NO_BREAK}h{NO_BREAK}{local:%M}"


def unbroken(sentence: str) -> str:
    """A sentence whose signs of two parts stay with their word, at the end of a line too."""
    return _LOOSE.sub(NO_BREAK, sentence)


def siret_fr(siret: str) -> str:
    """A SIRET as people read it, the company's nine digits first: "211 401 187 00011"."""
    return NO_BREAK.join((siret[:3], siret[3:6], siret[6:9], siret[9:]))


def iban_fr(iban: str) -> str:
    """An IBAN in groups of four, as on a bank identity slip."""
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))


def install(app: Flask) -> None:
    """Offer the formats to the templates as filters."""
    app.jinja_env.filters.update(
        euros=euros,
        whole_number=whole_number,
        date_fr=date_fr,
        date_short_fr=date_short_fr,
        datetime_fr=moment,
        weekday_fr=weekday_fr,
        last_day_fr=last_day_fr,
        month_fr=month_fr,
        clock_fr=clock_fr,
        unbroken=unbroken,
        siret_fr=siret_fr,
        iban_fr=iban_fr,
        iban_masked_fr=mask_iban,
    )
