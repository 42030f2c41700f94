from datetime import UTC, date, datetime

import pytest

from batch.french import counted, day_in_figures, day_in_words, euros, moment


@pytest.mark.parametrize(
    ("cents", "said"),
    [
        (0, "0,00\u00a0€"),
        (5, "0,05\u00a0€"),
        (1250, "12,50\u00a0€"),
        (-1250, "−12,50\u00a0€"),
        (-1, "−0,01\u00a0€"),
        (123_456_789, "1\u202f234\u202f567,89\u00a0€"),
    ],
)
def test_amounts_are_written_as_in_french(cents, said):
    assert euros(cents) == said


def test_the_first_of_a_month_has_its_ordinal():
    assert day_in_words(date(2027, 7, 1)) == "1er\u00a0juillet\u00a02027"
    assert day_in_words(date(2027, 6, 30)) == "30\u00a0juin\u00a02027"


def test_instants_are_told_by_the_clocks_of_paris():
    late = datetime(2027, 6, 30, 22, 5, tzinfo=UTC)
    assert moment(late) == "1er\u00a0juillet\u00a02027 à 0\u00a0h\u00a005"
    assert day_in_figures(late) == "01/07/2027"


def test_the_plural_begins_at_two():
    assert [counted(number, "autre ligne") for number in (0, 1, 2, 1200)] == [
        "0\u00a0autre ligne",
        "1\u00a0autre ligne",
        "2\u00a0autres lignes",
        "1\u202f200\u00a0autres lignes",
    ]
