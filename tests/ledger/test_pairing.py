"""Conflicts that make up for each other."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ledger.pairing import OpenConflict, made_good


def conflict(share: int, cents: int, day: int = 15, *, payment: int = 1, named: bool = True) -> OpenConflict:
    """A conflict of one payment."""
    return OpenConflict(share, date(2026, 9, day), named, {payment: cents})


def shares(conflicts: list[OpenConflict]) -> list[set[int]]:
    """The groups, by the numbers of their shares."""
    return [{one.share for one in group} for group in made_good(conflicts)]


def test_a_debit_and_its_credit_are_over() -> None:
    assert shares([conflict(1, -70_00), conflict(2, 70_00, 18)]) == [{1, 2}]


def test_a_debit_that_waits_for_its_credit_stays() -> None:
    assert shares([conflict(1, -70_00), conflict(2, -70_00), conflict(3, 70_00, payment=2)]) == []


def test_of_two_debits_the_one_that_was_named_is_made_good_then_the_earlier() -> None:
    assert shares([conflict(1, -70_00, 14, named=False), conflict(2, -70_00, 15), conflict(3, 70_00, 18)]) == [{2, 3}]
    assert shares([conflict(1, -70_00, 16), conflict(2, -70_00, 15), conflict(3, 70_00, 18)]) == [{2, 3}]


def test_a_debit_of_many_is_over_once_each_of_them_is_credited() -> None:
    whole = OpenConflict(1, date(2026, 9, 15), True, {1: -70_00, 2: -40_00})
    assert shares([whole, conflict(2, 70_00)]) == []
    assert shares([whole, conflict(2, 70_00), conflict(3, 40_00, payment=2)]) == [{1, 2, 3}]


def test_a_credit_in_two_parts_makes_good_as_well() -> None:
    assert shares([conflict(1, -70_00), conflict(2, 30_00), conflict(3, 40_00)]) == [{1, 2, 3}]


conflicts = st.lists(
    st.builds(
        conflict,
        st.integers(),
        st.sampled_from([-70_00, -40_00, 40_00, 70_00]),
        st.integers(1, 28),
        payment=st.integers(1, 3),
        named=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda one: one.share,
)


@given(conflicts, st.randoms())
def test_what_is_over_adds_up_to_nothing_and_the_rest_does_not_depend_on_the_order(
    found: list[OpenConflict], random: object
) -> None:
    groups = made_good(found)
    for group in groups:
        for payment in (1, 2, 3):
            assert sum(one.amounts.get(payment, 0) for one in group) == 0
    over = [one.share for group in groups for one in group]
    assert len(over) == len(set(over))
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {one.share for group in made_good(shuffled) for one in group} == set(over)
