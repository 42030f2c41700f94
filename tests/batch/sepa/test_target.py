"""TARGET days and execution dates."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.sepa import target

days = st.dates(date(2020, 1, 1), date(2099, 12, 1))
TWO_O_CLOCK = time(14, 0)


@pytest.mark.parametrize(
    ("year", "easter"),
    [
        (1818, date(1818, 3, 22)),  # the earliest possible
        (1943, date(1943, 4, 25)),  # the latest possible
        (2000, date(2000, 4, 23)),
        (2024, date(2024, 3, 31)),
        (2026, date(2026, 4, 5)),
        (2027, date(2027, 3, 28)),
        (2028, date(2028, 4, 16)),
        (2038, date(2038, 4, 25)),
    ],
)
def test_easter_falls_where_the_church_puts_it(year: int, easter: date) -> None:
    assert target.easter_sunday(year) == easter


@given(st.integers(1583, 4000))
def test_easter_is_a_sunday_between_22_march_and_25_april(year: int) -> None:
    easter = target.easter_sunday(year)
    assert easter.isoweekday() == 7
    assert date(year, 3, 22) <= easter <= date(year, 4, 25)


def test_case_7_target_is_closed_over_easter_and_christmas_and_on_1_january_and_1_may() -> None:
    closed = [(2027, 1, 1), (2027, 3, 26), (2027, 3, 29), (2028, 5, 1), (2026, 12, 25), (2029, 12, 26)]
    assert not any(target.is_target_day(date(*day)) for day in closed)


def test_case_7_target_is_closed_on_saturdays_and_sundays() -> None:
    assert not target.is_target_day(date(2026, 9, 12))
    assert not target.is_target_day(date(2026, 9, 13))


def test_case_7_target_is_open_on_french_holidays() -> None:
    french = [(2026, 7, 14), (2026, 11, 11), (2027, 11, 1), (2028, 8, 15), (2027, 5, 6), (2027, 5, 17)]
    assert all(target.is_target_day(date(*day)) for day in french)


@given(days, st.integers(0, 30))
def test_counting_target_days_lands_on_one_and_passes_exactly_as_many(day: date, count: int) -> None:
    reached = target.add_target_days(day, count)
    assert target.is_target_day(reached)
    passed = (day + timedelta(n) for n in range((reached - day).days))
    assert sum(map(target.is_target_day, passed)) == count


def test_case_7_a_file_sent_before_the_cut_off_is_executed_on_the_next_day() -> None:
    sent = datetime(2026, 9, 14, 11, 59, 59, tzinfo=UTC)
    assert target.requested_execution_date(sent, 1, TWO_O_CLOCK) == date(2026, 9, 15)


def test_case_7_a_file_sent_at_the_cut_off_hour_counts_as_received_on_the_next_day() -> None:
    sent = datetime(2026, 9, 14, 12, 0, tzinfo=UTC)
    assert target.requested_execution_date(sent, 1, TWO_O_CLOCK) == date(2026, 9, 16)


def test_case_7_the_cut_off_is_an_hour_in_paris_in_winter_too() -> None:
    before, after = datetime(2026, 12, 1, 12, 59, tzinfo=UTC), datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
    assert target.requested_execution_date(before, 0, TWO_O_CLOCK) == date(2026, 12, 1)
    assert target.requested_execution_date(after, 0, TWO_O_CLOCK) == date(2026, 12, 2)


def test_case_7_a_file_sent_on_a_sunday_night_counts_from_monday_whatever_the_hour() -> None:
    sent = datetime(2026, 9, 13, 21, 0, tzinfo=UTC)
    assert target.requested_execution_date(sent, 1, TWO_O_CLOCK) == date(2026, 9, 15)


def test_case_7_a_file_sent_on_maundy_thursday_is_executed_after_easter_monday() -> None:
    sent = datetime(2027, 3, 25, 8, 0, tzinfo=UTC)
    assert target.requested_execution_date(sent, 1, TWO_O_CLOCK) == date(2027, 3, 30)


def test_case_7_a_file_sent_on_christmas_eve_after_the_cut_off_waits_for_two_working_days() -> None:
    sent = datetime(2026, 12, 24, 15, 0, tzinfo=UTC)
    assert target.requested_execution_date(sent, 1, TWO_O_CLOCK) == date(2026, 12, 29)
