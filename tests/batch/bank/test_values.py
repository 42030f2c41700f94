"""Amounts and dates as banks write them."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.bank.values import cents_of, day_of, instant_of, text_of


@given(st.integers(0, 10**15 - 1), st.integers(0, 5))
def test_any_amount_is_read_to_the_cent(cents: int, zeros: int) -> None:
    assert cents_of(f"{cents // 100}.{cents % 100:02}{'0' * zeros}") == cents


@given(st.text(max_size=12))
def test_a_text_is_an_amount_to_the_cent_or_refused(text: str) -> None:
    try:
        assert cents_of(text) >= 0
    except ValueError as error:
        assert "montant" in str(error)  # noqa: PT017 - either is fine, nothing else is


@given(st.text())
def test_free_texts_are_tidy(text: str) -> None:
    tidy = text_of(text.strip())
    assert tidy is None or (tidy == tidy.strip() and "  " not in tidy and "\n" not in tidy and len(tidy) <= 1000)


@pytest.mark.parametrize("text", ["2026-09-15", "2026-09-15Z", "2026-09-15+02:00", "2026-09-15T23:59:59.999-05:00"])
def test_the_day_is_the_one_that_is_written(text: str) -> None:
    assert day_of(text) == date(2026, 9, 15)


def test_an_instant_without_offset_is_paris_time() -> None:
    assert instant_of("2026-07-01T12:00:00") == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert instant_of("2026-12-01T12:00:00") == datetime(2026, 12, 1, 11, tzinfo=UTC)
    assert instant_of("2026-07-01T12:00:00Z") == datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "demain"])
def test_an_instant_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="date avec heure"):
        instant_of(text)
