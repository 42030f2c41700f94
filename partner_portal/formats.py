"""How amounts, dates and instants stand on a French screen, with spaces that never break."""

import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from flask import Flask

PARIS = ZoneInfo("Europe/Paris")
NO_BREAK = "\u00a0"
THIN_NO_BREAK = "\u202f"
MINUS = "\u2212"


def euros(cents: int) -> str:
    """`cents` as people read them: 1250 is "12,50 €", -123456 is "−1 234,56 €"."""
    whole, rest = divmod(abs(cents), 100)
    grouped = f"{whole:,}".replace(",", THIN_NO_BREAK)
    return f"{MINUS if cents < 0 else ''}{grouped},{rest:02d}{NO_BREAK}€"


def whole_number(value: int) -> str:
    """A count as people read it: 12345 is "12 345"."""
    return f"{value:,}".replace(",", THIN_NO_BREAK).replace("-", MINUS)


def _local_day(value: datetime.date | datetime.datetime) -> datetime.date:
    return value.astimezone(PARIS).date() if isinstance(value, datetime.datetime) else value


def date_fr(value: datetime.date | datetime.datetime) -> str:
    """A day in words, "30 juin 2027"; an instant is told by its day in Paris."""
    day = _local_day(value)
    ordinal = "1er" if day.day == 1 else str(day.day)
    return f"{ordinal} {format_date(day, 'MMMM y', locale='fr')}".replace(" ", NO_BREAK)


def date_short_fr(value: datetime.date | datetime.datetime) -> str:
    """A day in figures, for tables: "30/06/2027"."""
    return f"{_local_day(value):%d/%m/%Y}"


def datetime_fr(value: datetime.datetime) -> str:
    """An instant as clocks in Paris show it: "24 novembre 2026 à 9 h 05"."""
    local = value.astimezone(PARIS)
    return f"{date_fr(value)} à {local.hour}{NO_BREAK}h{NO_BREAK}{local:%M}"


def weekday_fr(value: datetime.date | datetime.datetime) -> str:
    """The day of the week with its date: "mardi 24 novembre"."""
    return format_date(_local_day(value), "EEEE d MMMM", locale="fr")


def last_instant_day_fr(end: datetime.datetime) -> str:
    """The last day of a half-open period that ends at `end`: midnight of 1 July is "30 juin"."""
    return date_fr(end - datetime.timedelta(microseconds=1))


def month_fr(value: datetime.date) -> str:
    """A month: "novembre 2026"."""
    return format_date(value, "MMMM y", locale="fr")


def clock_fr(value: datetime.datetime) -> str:
    """A time of day in Paris: "9 h 05"."""
    return format_datetime(value.astimezone(PARIS), "H'\u00a0h\u00a0'mm", locale="fr", tzinfo=PARIS)


def iban_fr(iban: str) -> str:
    """An IBAN in groups of four, as on a bank identity slip."""
    return NO_BREAK.join(iban[i : i + 4] for i in range(0, len(iban), 4))


def install(app: Flask) -> None:
    """Offer the formats above to the templates as filters."""
    app.jinja_env.filters.update(
        euros=euros,
        whole_number=whole_number,
        date_fr=date_fr,
        date_short_fr=date_short_fr,
        datetime_fr=datetime_fr,
        weekday_fr=weekday_fr,
        last_day_fr=last_instant_day_fr,
        month_fr=month_fr,
        clock_fr=clock_fr,
        iban_fr=iban_fr,
    )
