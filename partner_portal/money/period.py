"""The period of a statement: from a day to a day in Paris, both included, as a person asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ledger.calendar import paris_date, paris_midnight

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last; `fault` is the French sentence on what was asked instead, if it was no period."""

    first: date
    last: date
    fault: str = ""

    @property
    def starts_at(self) -> datetime:
        """Its first instant."""
        return paris_midnight(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first instant after it."""
        return paris_midnight(self.last + timedelta(days=1))


def period_asked(first: str, last: str, now: datetime) -> Period:
    """The period between two written days; this month so far for what is missing or makes no sense."""
    today = paris_date(now)
    this_month = Period(today.replace(day=1), today)
    try:
        ending = date.fromisoformat(last) if last else today
        beginning = date.fromisoformat(first) if first else ending.replace(day=1)
    except ValueError:
        return Period(this_month.first, this_month.last, "Ce n’est pas une date : voici le mois en cours.")
    if beginning.year < 2000 or ending.year > 2999 or ending < beginning:
        return Period(
            this_month.first, this_month.last, "La période finit avant de commencer : voici le mois en cours."
        )
    if ending - beginning >= LONGEST:
        fault = f"Un relevé couvre {LONGEST.days} jours au plus : demandez une période plus courte."
        return Period(this_month.first, this_month.last, fault)
    return Period(beginning, ending)
