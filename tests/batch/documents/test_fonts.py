from hypothesis import given
from hypothesis import strategies as st

from batch.documents.fonts import BOLD, REGULAR, fitted, printable, width_mm, wrapped


def test_the_typeface_is_there_and_has_what_french_needs():
    assert REGULAR.exists()
    assert BOLD.exists()
    french = "éèêëàâçîïôùûüÿœæŒÆÉÈÇ€ – « » ’ … n° 1\u202f234,50\u00a0€ • − Ł ş Đ ễ"
    assert printable(french) == french


def test_figures_are_all_of_one_width_so_that_columns_of_amounts_stand_straight():
    for bold in (False, True):
        assert len({width_mm(digit, 9, bold) for digit in "0123456789"}) == 1


def test_what_the_typeface_lacks_shows_that_it_is_there():
    assert printable("Zoé 李 🎓") == "Zoé ? ?"
    assert printable("e\u0301") == "é"
    assert printable("a\u202eb\x00c\nd\te") == "abc d e"


@given(st.text(max_size=200), st.floats(5, 100))
def test_any_text_can_be_set_in_any_room(text, room):
    text = printable(text)
    assert width_mm(fitted(text, 9, room), 9) <= max(room, width_mm("…", 9))
    rows = wrapped(text, 9, room, lines=2)
    assert 1 <= len(rows) <= 2
    assert all(width_mm(row, 9) <= max(room, width_mm("…", 9)) for row in rows)


def test_a_wrapped_text_loses_no_word():
    text = "Histoire-Géographie 2de, manuel numérique, licence élève 1 an"
    assert " ".join(wrapped(text, 9, 40)) == text
