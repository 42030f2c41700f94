"""A payment file that waited: whether the bank can still carry it out on the day for which it asks."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from batch.execution_day import too_late
from ledger.calendar import PARIS
from ledger.payouts.runs import Run
from tests.conftest import Database
from tests.payout_world import PAYER, World

CHRISTMAS_EVE = date(2026, 12, 24)
NEXT_BANKING_DAY = date(2026, 12, 28)


@pytest.fixture
def run(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose file asks for Christmas Eve, a Thursday."""
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    world.sale(world.partner(), 7000)
    run = world.generated()
    assert run.file is not None
    return replace(run, file=replace(run.file, execution_date=CHRISTMAS_EVE))


def at(day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("profile", "last_minute", "first_late"),
    [
        ({}, at(23, 14, 59), at(23, 15, 0)),
        ({"execution_offset": 0, "cut_off": "11:30:00"}, at(24, 11, 29), at(24, 11, 30)),
    ],
)
def test_past_the_cut_off_the_file_is_for_the_next_banking_day(
    run: Run, profile: dict[str, Any], last_minute: datetime, first_late: datetime
) -> None:
    run = replace(run, bank_profile=run.bank_profile | profile)
    assert too_late(run, last_minute) is None
    late = too_late(run, first_late)
    assert late is not None
    assert (late.asked, late.possible) == (CHRISTMAS_EVE, NEXT_BANKING_DAY)
    said = late.sentence.replace("\u00a0", " ")
    assert "une exécution le 24 décembre 2026" in said
    assert "le 28 décembre 2026, ou le refusera" in said


def test_nothing_is_late_before_there_is_a_file_nor_once_the_bank_has_it(run: Run) -> None:
    new_year = at(31, 12, 0)
    assert too_late(run, new_year) is not None
    assert too_late(replace(run, state="approved", file=None), new_year) is None
    assert too_late(replace(run, state="transmitted"), new_year) is None
