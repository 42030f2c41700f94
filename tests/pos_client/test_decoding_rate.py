"""Bad photographs are read often enough: a rung taken off the ladder is missed here."""

import pytest

from tests.pos_client.decoding_rate import FIRST_SEED, measure


@pytest.mark.slow
def test_the_ladder_reads_more_bad_photographs_than_either_reader_alone() -> None:
    rates = measure(range(FIRST_SEED, FIRST_SEED + 60))
    assert rates.ladder >= 0.84 * rates.pictures
    assert rates.ladder >= rates.zxing + 4
    assert rates.ladder >= rates.zbar + 20
