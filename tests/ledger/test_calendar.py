"""Weeks, school years and deadlines in Paris time."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import calendar
from ledger.calendar import Week

days = st.dates(date(2020, 1, 1), date(2060, 1, 1))
times = st.times(timezones=st.just(UTC))
instants = st.builds(datetime.combine, days, times)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_a_week_runs_from_monday_midnight_to_monday_midnight_in_paris() -> None:
    week = Week(date(2026, 9, 7))
    assert week.starts_at == utc(2026, 9, 6, 22)
    assert week.ends_at == utc(2026, 9, 13, 22)
    assert week.sunday == date(2026, 9, 13)
    assert week.name == "2026-W37"


def test_the_last_second_of_sunday_and_the_first_of_monday_are_two_weeks() -> None:
    assert calendar.week_of(utc(2026, 9, 13, 21, 59, 59, 999_999)) == Week(date(2026, 9, 7))
    assert calendar.week_of(utc(2026, 9, 13, 22)) == Week(date(2026, 9, 14))


def test_the_week_in_which_summer_time_begins_has_167_hours() -> None:
    week = Week(date(2027, 3, 22))
    assert week.ends_at - week.starts_at == timedelta(hours=167)


def test_the_week_in_which_summer_time_ends_has_169_hours() -> None:
    week = Week(date(2026, 10, 19))
    assert week.ends_at - week.starts_at == timedelta(hours=169)


def test_both_passages_through_the_repeated_hour_are_in_the_same_week() -> None:
    week = Week(date(2026, 10, 19))
    assert utc(2026, 10, 25, 0, 30) in week
    assert utc(2026, 10, 25, 1, 30) in week


def test_a_week_over_new_year_takes_its_iso_name() -> None:
    assert Week(date(2026, 12, 28)).name == "2026-W53"
    assert Week(date(2029, 12, 31)).name == "2030-W01"


def test_a_week_that_does_not_begin_on_a_monday_is_refused() -> None:
    with pytest.raises(ValueError, match="Monday"):
        Week(date(2026, 9, 8))


def test_an_instant_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        calendar.week_of(datetime(2026, 9, 7))  # noqa: DTZ001


def test_the_zone_in_which_an_instant_is_told_changes_nothing() -> None:
    there = timezone(timedelta(hours=-10))
    assert calendar.week_of(datetime(2026, 9, 13, 12, 0, tzinfo=there)) == Week(date(2026, 9, 14))


@given(instants)
def test_each_instant_lies_in_its_week_and_in_no_neighbour(instant: datetime) -> None:
    week = calendar.week_of(instant)
    assert instant in week
    assert instant not in week.next()
    assert week.next().starts_at == week.ends_at


def test_no_week_is_due_before_one_has_closed() -> None:
    assert calendar.weeks_due(utc(2026, 9, 8), utc(2026, 9, 13, 21, 59, 59)) == []


def test_a_week_is_due_from_the_instant_it_closes() -> None:
    assert calendar.weeks_due(utc(2026, 9, 8), utc(2026, 9, 13, 22)) == [Week(date(2026, 9, 7))]


def test_missed_weeks_are_caught_up_oldest_first() -> None:
    last_paid = Week(date(2026, 12, 14))
    due = calendar.weeks_due(last_paid.ends_at, utc(2027, 1, 5))
    assert due == [Week(date(2026, 12, 21)), Week(date(2026, 12, 28))]


@given(instants, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_weeks_due_follow_each_other_without_gap_until_now(after: datetime, gap: timedelta) -> None:
    due = calendar.weeks_due(after, after + gap)
    for earlier, later in pairwise(due):
        assert earlier.ends_at == later.starts_at
    if due:
        assert after in due[0]
        assert due[-1].ends_at <= after + gap < due[-1].next().ends_at


def test_the_school_year_turns_on_the_first_of_september() -> None:
    assert calendar.school_year_of(date(2026, 8, 31)) == 2025
    assert calendar.school_year_of(date(2026, 9, 1)) == 2026
    assert calendar.school_year_of(date(2027, 8, 31)) == 2026


def test_the_school_year_turns_at_midnight_in_paris() -> None:
    assert calendar.school_year_at(utc(2026, 8, 31, 21, 59)) == 2025
    assert calendar.school_year_at(utc(2026, 8, 31, 22)) == 2026
    assert calendar.school_year_bounds(2026) == (utc(2026, 8, 31, 22), utc(2027, 8, 31, 22))


def test_school_years_are_named_by_both_calendar_years() -> None:
    assert calendar.school_year_name(2026) == "2026-2027"
    assert calendar.parse_school_year("2026-2027") == 2026


@pytest.mark.parametrize("name", ["2026", "2026-2028", "2026/2027", "2026-2027\n", "", "26-27", "٢٠٢٦-٢٠٢٧"])
def test_a_school_year_in_any_other_form_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="2026-2027"):
        calendar.parse_school_year(name)


def test_benefits_can_be_used_until_the_end_of_30_june() -> None:
    assert calendar.last_day_of_use(2026) == date(2027, 6, 30)
    assert calendar.deadline(2026) == utc(2027, 6, 30, 22)


def test_a_school_year_may_set_another_last_day() -> None:
    assert calendar.deadline(2025, date(2026, 10, 31)) == utc(2026, 10, 31, 23)
