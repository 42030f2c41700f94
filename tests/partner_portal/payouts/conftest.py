"""The Region on a Monday: partners who sold last week, an accountant, two approvers, an auditor, a worker."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from rq import SimpleWorker
from werkzeug.test import TestResponse

from batch.queue import QUEUES, queue
from ledger.payouts import runs
from ledger.payouts.runs import Run
from ledger.rights import Role
from tests.conftest import Database
from tests.partner_portal.conftest import Visitor, enrol, hire
from tests.payout_world import PAYER, World

PAGES = "/region/versements"
LAST_WEEK = datetime.now(UTC) - timedelta(days=7)
PEOPLE = {
    "accountant": ("compta@region.example", Role.ACCOUNTANT, "Camille Robert"),
    "first": ("un@region.example", Role.PAYMENT_APPROVER, "Dominique Petit"),
    "second": ("deux@region.example", Role.PAYMENT_APPROVER, "Alix Moreau"),
    "auditor": ("audit@region.example", Role.AUDITOR, "Lou Girard"),
    "administrator": ("admin@region.example", Role.ADMINISTRATOR, "Sacha Roux"),
}


@dataclass
class Region(World):
    """A scheme with the Region's people, and what a worker would do on its queues."""

    redis: Redis | None = None
    people: dict[str, int] | None = None
    secrets: dict[str, str] | None = None
    browsers: dict[str, Browser] = field(default_factory=dict)

    def work(self) -> None:
        """Do what waits in the queues, in this process."""
        assert self.redis is not None
        SimpleWorker([queue(name, self.redis) for name in QUEUES], connection=self.redis).work(burst=True)

    def runs(self) -> list[Run]:
        """Every run, the newest first."""
        with self.engine.connect() as conn:
            return runs.latest(conn, 100)

    def run_now(self, run_id: int) -> Run:
        """A run as it is now."""
        with self.engine.connect() as conn:
            return runs.get(conn, run_id)


@pytest.fixture
def region(
    fresh_database: Database, redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Region:
    """Nobody is owed anything yet."""
    folder = tmp_path / "banque"
    folder.mkdir()
    for name, value in {
        "ATOUTS_DATABASE_URL": fresh_database.owner_url,
        "ATOUTS_DATABASE_APP_URL": fresh_database.app_url,
        "ATOUTS_REDIS_URL": redis_url,
        "ATOUTS_PAYER_IBAN": PAYER.iban,
        "ATOUTS_PAYOUT_FOLDER": str(folder),
    }.items():
        monkeypatch.setenv(name, value)
    region = Region(fresh_database.engine, fresh_database.owner_engine, redis=redis, people={}, secrets={})
    assert region.people is not None
    assert region.secrets is not None
    for who, (email, role, name) in PEOPLE.items():
        region.people[who] = hire(region.engine, email, role, name=name)
        region.secrets[who] = enrol(region.engine, region.people[who])
    return region


@pytest.fixture
def selling(region: Region) -> Region:
    """Three partners sold last week and the week before; a fourth one only last week, a fifth one has no validation."""
    partners = [region.partner(name=name) for name in ("Lycée Malherbe", "Lycée Jeanne d’Arc", "MFR du Cotentin")]
    for number, partner in enumerate(partners, start=1):
        region.sale(partner, 10_000 * number, LAST_WEEK - timedelta(days=7))
        region.sale(partner, 12_500 * number, LAST_WEEK)
    region.sale(region.partner(name="Lycée Arcisse de Caumont"), 4250, LAST_WEEK)
    region.sale(region.partner(name="Lycée en attente", validated=False), 900, LAST_WEEK)
    return region


class Browser(Visitor):
    """A browser that also reads the hidden fields of the forms it sees."""

    hidden: dict[str, str]

    def _seen(self, answer: TestResponse) -> TestResponse:
        super()._seen(answer)
        if answer.mimetype == "text/html":
            self.hidden = getattr(self, "hidden", {}) | dict(
                re.findall(r'name="(number|content_hash|sha256)" value="([^"]+)"', answer.text)
            )
        return answer


def browser_of(app: Flask, region: Region, who: str) -> Browser:
    """Somebody of the Region, signed in: once, for a code works once."""
    if who in region.browsers:
        return region.browsers[who]
    browser = region.browsers[who] = Browser(app)
    assert region.secrets is not None
    answer = browser.sign_in(PEOPLE[who][0], secret=region.secrets[who])
    assert answer.status_code == 302, answer.text
    return browser
