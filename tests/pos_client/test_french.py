"""Amounts, dates and counts as a French clerk reads them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_client.french import NotAnAmount, cents, count, day, day_of_year, euros


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0,00 €"),
        (5, "0,05 €"),
        (1250, "12,50 €"),
        (-1250, "−12,50 €"),
        (123456789, "1 234 567,89 €"),
    ],
)
def test_an_amount_has_a_comma_and_spaces_that_do_not_break(amount: int, text: str) -> None:
    written = euros(amount)
    assert written.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ") == text
    assert " " not in written


@pytest.mark.parametrize(
    ("typed", "amount"), [("12,50", 1250), ("12.5", 1250), ("12", 1200), (" 1 234,05 € ", 123405), ("0,1", 10)]
)
def test_an_amount_is_read_as_clerks_type_it(typed: str, amount: int) -> None:
    assert cents(typed) == amount


@pytest.mark.parametrize("typed", ["", "-1", "12,505", "12,", "douze", "1e3", "12345678", "½", "१२"])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(NotAnAmount):
        cents(typed)


@given(st.integers(0, 999_999_999))
def test_what_is_written_is_read_back(amount: int) -> None:
    assert cents(euros(amount)) == amount


def test_dates_and_counts_are_french() -> None:
    assert day(date(2027, 6, 30)).split() == ["30", "juin", "2027"]
    assert day(date(2026, 9, 1)).split() == ["1er", "septembre", "2026"]
    assert day_of_year(date(2027, 6, 30)).split() == ["30", "juin"]
    assert [count(number, "vente").split()[1] for number in (0, 1, 2)] == ["vente", "vente", "ventes"]
