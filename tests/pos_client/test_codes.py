"""What scanners and people type, and what the till makes of it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_client.codes import NotACard, NotAnEan, is_card, looks_like_a_number, read_card, read_ean

BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
CARDS = st.builds(
    lambda version, rest: version + rest, st.sampled_from("AW"), st.text(BASE32, min_size=31, max_size=31)
)
CARD = "A7K2MQZW" + "ABCDEFGH" + "IJKLNOPR" + "STUVXY34"

# Which sign an AZERTY computer makes of the key that an American scanner presses for a letter or digit.
PRESSED = {
    **{sign: sign for sign in BASE32},
    **dict(zip("AQZWM", "QAWZ?", strict=True)),
    **dict(zip("234567", "é\"'(-è", strict=True)),
}


def through_american_scanner(text: str) -> str:
    return "".join(PRESSED[sign] for sign in text)


@given(CARDS)
def test_a_code_is_read_as_it_is(text: str) -> None:
    assert read_card(text).text == text
    assert not read_card(text).scanner_layout_wrong


@given(CARDS)
def test_an_american_scanner_on_an_azerty_computer_is_put_right(text: str) -> None:
    read = read_card(through_american_scanner(text))
    assert read.text == text
    assert read.scanner_layout_wrong


@given(CARDS)
def test_so_it_is_when_the_capitals_lock_is_on(text: str) -> None:
    # The lock turns letters small; digits come as digits, and the M key gives its unshifted sign.
    typed = through_american_scanner("".join(sign for sign in text if sign.isalpha()))
    locked = iter(typed.replace("?", ",").lower())
    assert read_card("".join(sign if sign.isdigit() else next(locked) for sign in text)).text == text


@given(CARDS)
def test_a_clerk_may_type_without_shift_on_azerty(text: str) -> None:
    digits = dict(zip("234567", "é\"'(-è", strict=True))
    assert read_card("".join(digits.get(sign, sign.lower()) for sign in text)).text == text


@given(CARDS, st.sampled_from([" ", "-", " "]))
def test_a_code_may_be_typed_in_groups(text: str, gap: str) -> None:
    assert read_card(gap.join(text[start : start + 4] for start in range(0, 32, 4))).text == text


def test_digits_that_no_code_has_are_the_letters_they_look_like() -> None:
    card = "AOIB" + "C" * 28
    assert read_card("A018" + "C" * 28).text == card
    assert read_card("aà&_" + "c" * 28).text == card


@pytest.mark.parametrize(
    "wrong", ["", "A", CARD[:-1], CARD + "A", "B" + CARD[1:], CARD[:-1] + "9", "https://example.org/" + CARD[:12]]
)
def test_what_is_no_code_is_refused_in_one_sentence(wrong: str) -> None:
    with pytest.raises(NotACard, match="carte"):
        read_card(wrong)


@pytest.mark.parametrize("wrong", [CARD + "\n", "\n" + CARD, CARD.lower(), CARD + " "])
def test_only_the_exact_text_is_a_card(wrong: str) -> None:
    assert is_card(CARD)
    assert not is_card(wrong)


def test_a_telephone_code_is_known_by_its_first_letter() -> None:
    assert read_card("W" + CARD[1:]).on_telephone
    assert not read_card(CARD).on_telephone


@pytest.mark.parametrize(
    ("typed", "ean"),
    [
        ("9782091729107", "9782091729107"),
        ("978-2-09-172910-7", "9782091729107"),
        ("978 2 09 172910 7", "9782091729107"),
        ("çè_éàç&èéç&àè", "9782091729107"),
        ("2-09-172910-8", "9782091729107"),
        ("3614270000003", "3614270000003"),
        ("0-8044-2957-X", "9780804429573"),
    ],
)
def test_a_book_s_number_is_read_however_it_is_written(typed: str, ean: str) -> None:
    assert looks_like_a_number(typed)
    assert read_ean(typed) == ean


def test_a_six_typed_without_shift_is_no_hyphen() -> None:
    assert read_ean("çè_éà&-é_è-à-") == "9782016287606"


@pytest.mark.parametrize("typed", ["9782091729108", "978209172910", "mathématiques", ""])
def test_a_wrong_book_s_number_is_refused(typed: str) -> None:
    with pytest.raises(NotAnEan):
        read_ean(typed)


@given(st.text(max_size=60))
def test_whatever_is_typed_gets_a_code_or_a_sentence(typed: str) -> None:
    for read, refusal in ((read_card, NotACard), (read_ean, NotAnEan)):
        with contextlib.suppress(refusal):
            assert read(typed)
