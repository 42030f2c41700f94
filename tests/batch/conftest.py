"""What the tests of the jobs start from."""

from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.payout_world import PAYER, World


@pytest.fixture
def world(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty scheme and the settings of a payer; at the end of each test the runs and the books must agree."""
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    yield world
    world.assert_sound()
