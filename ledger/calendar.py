"""Weeks, school years and deadlines, as people in Normandy count them.

The scheme lives on Paris time while the books record UTC instants. Every period here is half-open: it begins at its
first instant and ends just before the first instant of the next one, so that two neighbours never share a transfer
and never leave one out, on the two nights a year when the clocks change as on any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")

_SCHOOL_YEAR_NAME = re.compile(r"\A(\d{4})-(\d{4})\Z", re.ASCII)


def paris_midnight(day: date) -> datetime:
    """The UTC instant at which `day` begins in Paris."""
    return datetime.combine(day, time.min, PARIS).astimezone(UTC)


def paris_date(instant: datetime) -> date:
    """The day that the calendars of Paris show at `instant`.

    Raises ValueError for an instant without a time zone: its day would depend on the machine.
    """
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a time zone, got {instant!r}")
    return instant.astimezone(PARIS).date()


@dataclass(frozen=True, order=True, slots=True)
class Week:
    """One payout week: from Monday 00:00 to the next Monday 00:00 in Paris, the latter excluded."""

    monday: date

    def __post_init__(self) -> None:
        if self.monday.isoweekday() != 1:
            raise ValueError(f"a week begins on a Monday, {self.monday} is none")

    @property
    def starts_at(self) -> datetime:
        """First instant of the week, in UTC."""
        return paris_midnight(self.monday)

    @property
    def ends_at(self) -> datetime:
        """First instant after the week, in UTC; the week is closed from then on."""
        return paris_midnight(self.monday + timedelta(days=7))

    @property
    def sunday(self) -> date:
        """Last day of the week."""
        return self.monday + timedelta(days=6)

    @property
    def name(self) -> str:
        """ISO 8601 name of the week, such as "2026-W36"."""
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02d}"

    def next(self) -> Week:
        """The week that begins when this one ends."""
        return Week(self.monday + timedelta(days=7))

    def __contains__(self, instant: datetime) -> bool:
        return self.starts_at <= instant < self.ends_at


def week_of(instant: datetime) -> Week:
    """The week that holds `instant`."""
    day = paris_date(instant)
    return Week(day - timedelta(days=day.weekday()))


def weeks_due(after: datetime, now: datetime) -> list[Week]:
    """The weeks that closed after the instant `after` and not after `now`, oldest first.

    With `after` the end of the last week that was paid (or the instant of the very first sale), this is what a payout
    job has to catch up with, however many nudges it missed.
    """
    due = []
    week = week_of(after)
    while week.ends_at <= now:
        due.append(week)
        week = week.next()
    return due


def school_year_of(day: date) -> int:
    """The school year of a day, told by the year in which it starts; it runs from 1 September to 31 August."""
    return day.year if day.month >= 9 else day.year - 1


def school_year_at(instant: datetime) -> int:
    """The school year under way in Paris at `instant`."""
    return school_year_of(paris_date(instant))


def school_year_name(start_year: int) -> str:
    """The name of a school year: "2026-2027" for 2026."""
    return f"{start_year}-{start_year + 1}"


def parse_school_year(name: str) -> int:
    """The start year in a school year's name: 2026 for "2026-2027".

    Raises ValueError for any other form and for two years that do not follow each other.
    """
    match = _SCHOOL_YEAR_NAME.match(name)
    if match is None or int(match[2]) != int(match[1]) + 1:
        raise ValueError(f"a school year reads like 2026-2027, not {name!r}")
    return int(match[1])


def school_year_bounds(start_year: int) -> tuple[datetime, datetime]:
    """First instant of the school year and first instant after it, in UTC."""
    return paris_midnight(date(start_year, 9, 1)), paris_midnight(date(start_year + 1, 9, 1))


def last_day_before(end: datetime) -> date:
    """The last day, in Paris, of a period that ends just before the instant `end`."""
    return paris_date(end - timedelta(microseconds=1))


def last_day_of_use(start_year: int) -> date:
    """The last day on which benefits of the school year can be used unless its row says otherwise: 30 June."""
    return date(start_year + 1, 6, 30)


def last_day_of_year(start_year: int) -> date:
    """The last day of the school year, and the latest on which its benefits may be used: 31 August."""
    return date(start_year + 1, 8, 31)


def deadline(start_year: int, last_day: date | None = None) -> datetime:
    """The UTC instant from which benefits of the school year can no longer be used.

    It is the midnight that ends `last_day` in Paris. `last_day` comes from the school year's row; None stands for the
    usual 30 June.
    """
    return paris_midnight((last_day or last_day_of_use(start_year)) + timedelta(days=1))
