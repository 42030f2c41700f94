"""A short simulation: `make simulate` plays longer ones."""

from pathlib import Path

import pytest

from tests.journeys.simulate import Simulation, Size
from tests.journeys.simulation.processes import STRIKES
from tests.processes import nothing_is_left


@pytest.mark.slow
def test_whatever_breaks_each_sale_that_was_told_is_in_the_books_once(data: Path) -> None:
    data.mkdir()
    data.chmod(0o711)
    size = Size(seconds=6, students=150, ledger_tills=2, http_tills=2, pause=0.8)
    outcome = Simulation(data, seed=20260901, size=size).play()
    assert outcome.differences == []
    assert outcome.answers > 50
    assert outcome.cuts > 0
    assert set(outcome.strikes) == set(STRIKES)
    assert nothing_is_left(data)
