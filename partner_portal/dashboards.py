"""What the two home pages tell at a glance. A handful of statements each, for everybody opens them all day long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import url_for
from sqlalchemy import Connection

from batch.french import counted
from ledger import partner_activity, waiting
from ledger.calendar import Week, week_of
from ledger.partner_activity import WeekOfSales
from ledger.payouts import calendar, received, runs
from ledger.payouts.received import Received, Standing
from ledger.rights import RIGHTS, ROLE_NAMES
from ledger.waiting import Waiting
from partner_portal.auth.principals import current_principal
from partner_portal.charts import Bar

WEEKS = 8
RUNS = 8
PAYMENTS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits: how much of what, whose it is (the right `action`), and where it is done."""

    label: str
    action: str
    place: str
    url: str | None
    is_mine: bool
    """Whether it waits for whoever asks."""

    @property
    def whose(self) -> str:
        """Whom else it waits for, in French."""
        return ", ".join(sorted(ROLE_NAMES[role] for role in RIGHTS[self.action].roles))


@dataclass(frozen=True, slots=True)
class RegionDay:
    """The Region's home page."""

    mine: tuple[Task, ...]
    others: tuple[Task, ...]
    waiting: Waiting
    chart: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class SchoolDay:
    """A school's home page. Amounts are in cents."""

    week: WeekOfSales
    standing: Standing
    payments: tuple[Received, ...]
    chart: tuple[Bar, ...]


def region_day(conn: Connection) -> RegionDay:
    """What waits for whom at the Region, and the sums of the latest runs for those who may read them."""
    found = waiting.waiting(conn, current_principal().id or 0)
    tasks = list(_tasks(found, len(calendar.due(conn, datetime.now(UTC)))))
    latest = runs.latest(conn, RUNS) if current_principal().may("payouts.read") else []
    bars = tuple(
        Bar(run.reference.partition("-")[2], run.amount, is_marked=run is latest[0])
        for run in reversed(latest)
        if run.amount and run.state != "refused"
    )
    return RegionDay(
        mine=tuple(task for task in tasks if task.is_mine),
        others=tuple(task for task in tasks if not task.is_mine),
        waiting=found,
        chart=bars if len(bars) > 1 else (),
    )


_PAGES = {
    "Partenaires": "desk.files.index",
    "Comptes bancaires": "desk.accounts.index",
    "Versements": "payouts.index",
    "Rapprochement": "reconciliation.index",
    "Exploitation": "operations.index",
}


def _tasks(found: Waiting, weeks: int) -> Iterator[Task]:
    may = current_principal().may
    by_them = found.to_approve_by_them if may("payouts.approve") else 0
    told = [
        (found.applications, "dossier de partenaire à examiner", "partners.decide", "Partenaires"),
        (found.bank_accounts, "compte bancaire à valider", "partners.accept_iban", "Comptes bancaires"),
        (weeks, "semaine à préparer", "payouts.prepare", "Versements"),
        (by_them, "campagne à approuver", "payouts.approve", "Versements"),
        (found.to_generate, "fichier de virements à produire", "payouts.prepare", "Versements"),
        (found.to_transmit, "fichier à transmettre à la banque", "payouts.transmit", "Versements"),
        (found.unexplained, "écart à expliquer", "reconciliation.settle", "Rapprochement"),
        (found.mails, "courriel en difficulté", "operations.read", "Exploitation"),
    ]
    for number, noun, action, place in told:
        if number:
            yield Task(_counted(number, noun), action, place, url_for(_PAGES[place]), may(action))
    if by_others := found.to_approve - by_them:
        # Among them those that the person has approved already: they wait for the second one.
        yield Task(_counted(by_others, "campagne à approuver"), "payouts.approve", "Versements", None, False)


def _counted(number: int, noun: str) -> str:
    """'2 dossiers de partenaire à examiner': the plural is the first word's."""
    first, _, rest = noun.partition(" ")
    return f"{counted(number, first)} {rest}".strip()


def school_day(conn: Connection, partner_id: int) -> SchoolDay:
    """A school's week so far, what it is owed, and its last payments."""
    this_week = week_of(datetime.now(UTC))
    first = Week(this_week.monday - timedelta(weeks=WEEKS - 1))
    weeks = partner_activity.sales_by_week(conn, partner_id, first, this_week)
    bars = tuple(Bar(f"{one.week.monday:%d/%m}", one.sales, is_marked=one is weeks[-1]) for one in weeks)
    return SchoolDay(
        week=weeks[-1],
        standing=received.standing(conn, partner_id),
        payments=tuple(received.payments(conn, partner_id, limit=PAYMENTS)),
        chart=bars if any(bar.value for bar in bars) else (),
    )
