"""Which weeks are due, told from the database alone: a nudge that never came, or came twice, changes nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from ledger.calendar import Week, weeks_due

_LAST_WEEK = text("select max(cutoff) from payout_run where weekly")
_FIRST_OWED = text("""
    select min(first.posted_at)
      from partner p,
           lateral (select t.posted_at from transfer t where t.credit_account = 2000000000000 + p.id
                     order by t.id limit 1) first
""")


_HAS_A_RUN = text("select exists (select from payout_run where weekly and cutoff = :cutoff)")


def week_named(name: str) -> Week:
    """The week of a name such as "2026-W36". Raises ValueError for any other text."""
    return Week(datetime.strptime(f"{name}-1", "%G-W%V-%u").date())  # noqa: DTZ007  a day, not an instant


def due(conn: Connection, now: datetime) -> list[Week]:
    """The weeks that closed in Paris by `now` and have had no run, the oldest first.

    A week whose run was refused is not due again: it is for the person who refused it to have it prepared anew, and
    whatever it owed is in the next week's run at the latest.
    """
    after = conn.execute(_LAST_WEEK).scalar_one()
    if after is None:
        after = conn.execute(_FIRST_OWED).scalar_one()
    return weeks_due(after, now) if after else []


def can_be_prepared(conn: Connection, week: Week, now: datetime) -> bool:
    """Whether a run of this week by itself makes sense: it has had one, or is due.

    A run of any other week would be the last there is, or the first: all the weeks between would become due.
    """
    return bool(conn.execute(_HAS_A_RUN, {"cutoff": week.ends_at}).scalar_one()) or week in due(conn, now)
