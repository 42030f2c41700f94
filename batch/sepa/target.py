"""The days on which euro payments settle, and the execution date to ask for.

TARGET, the settlement system of the European central banks, is closed on Saturdays and Sundays and on six more days:
1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December. French holidays such as 14 July are open.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

from ledger.calendar import PARIS, paris_date

_ONE_DAY = timedelta(days=1)


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar.

    The anonymous algorithm published in Nature, 20 April 1876, as given by J. Meeus, "Astronomical Algorithms".
    """
    a = year % 19
    b, c = divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=64)
def closing_days(year: int) -> frozenset[date]:
    """The six closing days of a year, weekends aside."""
    easter = easter_sunday(year)
    return frozenset(
        {
            date(year, 1, 1),
            easter - timedelta(days=2),
            easter + _ONE_DAY,
            date(year, 5, 1),
            date(year, 12, 25),
            date(year, 12, 26),
        }
    )


def is_target_day(day: date) -> bool:
    """Whether euro payments settle on `day`."""
    return day.isoweekday() <= 5 and day not in closing_days(day.year)


def target_day_from(day: date) -> date:
    """`day` itself if payments settle on it, else the next day on which they do."""
    while not is_target_day(day):
        day += _ONE_DAY
    return day


def add_target_days(day: date, count: int) -> date:
    """The TARGET day `count` TARGET days after `day`; a day that is none counts as the next one that is."""
    day = target_day_from(day)
    for _ in range(count):
        day = target_day_from(day + _ONE_DAY)
    return day


def requested_execution_date(sent_at: datetime, offset: int, cut_off: time) -> date:
    """The execution date to ask for in a file that the bank receives at the instant `sent_at`.

    `offset` is the bank's D+n, in TARGET days; `cut_off` is the hour in Paris from which the bank counts a file as
    received on the next TARGET day.
    """
    received = paris_date(sent_at)
    if is_target_day(received) and sent_at.astimezone(PARIS).time() >= cut_off:
        received += _ONE_DAY
    return add_target_days(received, offset)
