"""SEPA characters, references and the cutting of texts."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batch.sepa import text

texts = st.text(max_size=200)
limits = st.integers(1, 150)


@pytest.mark.parametrize(
    ("name", "sepa"),
    [
        ("Lycée François-Ier", "Lycee Francois-Ier"),
        ("Sacré-Cœur ÆGIR", "Sacre-Coeur AEGIR"),
        ("Straße Łódź Øre", "Strasse Lodz Ore"),
        ("Dupont & Fils", "Dupont + Fils"),
        ("Lycée « L’Excellence »", "Lycee ' L'Excellence '"),
        ("Lycée n° 5 – Caen", "Lycee no 5 - Caen"),
        ("MFR\u00a0de\u202fBalleroy", "MFR de Balleroy"),
        ("Lycée 🎓 Malherbe 👩🏽‍🎓", "Lycee Malherbe"),
        ("Ligne\r\nsuivante\t!", "Ligne suivante ."),
        ("so\u00adft \u200bzero\x07", "soft zero"),
        ("Cafe\u0301", "Cafe"),
        ("ﬁn ½ … 10 €", "fin 1/2 ... 10 EUR"),
        ("Ωmega", ".mega"),
        ("  deux   espaces ", "deux espaces"),
        ("", ""),
        ("🎓", ""),
    ],
)
def test_case_8_names_are_transliterated(name: str, sepa: str) -> None:
    assert text.to_sepa(name) == sepa


@given(texts)
@example("¨")
@example("⁄/")
@example("\ud800")
def test_case_8_any_text_ends_in_sepa_characters_without_outer_or_double_spaces(given_text: str) -> None:
    sepa = text.to_sepa(given_text)
    assert text.is_sepa_text(sepa)
    assert sepa == " ".join(sepa.split(" "))
    assert sepa == sepa.strip()
    assert "  " not in sepa


@given(texts)
def test_transliterating_twice_changes_nothing(given_text: str) -> None:
    assert text.to_sepa(text.to_sepa(given_text)) == text.to_sepa(given_text)


@given(st.text("".join(text.SEPA_CHARACTERS)))
def test_a_sepa_text_keeps_every_character_but_its_spare_spaces(given_text: str) -> None:
    assert text.to_sepa(given_text) == " ".join(given_text.split())


@given(texts)
def test_composed_and_decomposed_accents_are_the_same_name(given_text: str) -> None:
    composed, decomposed = unicodedata.normalize("NFC", given_text), unicodedata.normalize("NFD", given_text)
    assert text.to_sepa(composed) == text.to_sepa(decomposed)
    assert text.to_name(composed) == text.to_name(decomposed)


def test_a_name_in_utf8_keeps_its_letters_and_loses_controls_and_pictures() -> None:
    assert text.to_name("Lyce\u0301e « Œuvre » n° 5 🎓\x07\u00a0& Cie") == "Lycée « Œuvre » n° 5 & Cie"


@given(texts)
def test_a_name_in_utf8_holds_only_characters_that_may_stand_in_one(given_text: str) -> None:
    name = text.to_name(given_text)
    assert all(map(text.is_name_character, name))
    assert text.to_name(name) == name


@pytest.mark.parametrize("reference", ["A", "ATOUTS-000037-000001-R1", "a/b", "(1) + ? : . , '", "x" * 35])
def test_a_sound_reference_is_accepted(reference: str) -> None:
    assert text.is_reference(reference)


@pytest.mark.parametrize("reference", ["", "x" * 36, "/a", "a/", "a//b", "é", "a\n", " a", "a ", "a_b", "🎓"])
def test_an_unsound_reference_is_refused(reference: str) -> None:
    assert not text.is_reference(reference)


def test_case_8_a_name_of_71_characters_is_cut_between_two_words() -> None:
    name = "Lycee polyvalent regional des metiers de l'aeronautique Saint-Exupery 2"
    assert len(name) == 71
    assert text.cut(name, 70) == "Lycee polyvalent regional des metiers de l'aeronautique Saint-Exupery"


def test_case_8_a_name_of_one_long_word_is_cut_at_the_limit() -> None:
    assert text.cut("x" * 71, 70) == "x" * 70
    assert text.cut("Lycee " + "x" * 71, 70) == "Lycee " + "x" * 64


def test_a_text_that_fits_is_left_alone() -> None:
    assert text.cut("x" * 70, 70) == "x" * 70
    assert text.cut("a b", 3) == "a b"


def test_a_word_that_ends_at_the_limit_stays() -> None:
    assert text.cut("abcdefgh ij", 8) == "abcdefgh"


def test_a_letter_is_not_parted_from_its_accent() -> None:
    assert text.cut("abc" + "q\u0323\u0302" + "d", 5) == "abc"


@given(texts, limits)
def test_a_cut_text_is_a_beginning_of_the_text_and_fits(given_text: str, limit: int) -> None:
    short = text.cut(given_text, limit)
    assert len(short) <= limit
    assert given_text.startswith(short)
    assert text.cut(short, limit) == short
