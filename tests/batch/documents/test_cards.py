import io
import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest
import zxingcpp
from PIL import Image, ImageChops

from batch.documents.cards import PER_PAGE, card_png, card_sheets
from batch.documents.qr import MODULES, qr_modules, qr_png

MADE = datetime(2026, 9, 1, 8, tzinfo=UTC)


def codes(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(picture)]


def test_the_code_has_29_modules_at_level_q(student_card):
    code = student_card().code
    modules = qr_modules(code)
    assert len(modules) == MODULES == 29
    assert {len(row) for row in modules} == {29}
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(qr_png(code))))
    assert found.text == code
    assert found.ec_level == "Q"


@pytest.mark.parametrize("text", ["small letters", "A" * 60])
def test_what_is_no_card_text_gets_no_code(text):
    with pytest.raises(ValueError, match=r"mode|cannot hold"):
        qr_modules(text)


def test_a_card_picture_is_read_by_the_till_even_when_small(student_card):
    card = student_card()
    picture = Image.open(io.BytesIO(card_png(card)))
    assert picture.size == (1027, 648)
    assert codes(picture) == [card.code]
    assert codes(picture.resize((257, 162), Image.Resampling.LANCZOS)) == [card.code]


def test_every_card_of_a_printed_class_is_read(look, student_card):
    cards = [student_card(number) for number in range(35)]
    sheets = look(card_sheets(cards, "2nde pro 1", MADE), dpi=150)
    assert len(sheets.pages) == -(-35 // PER_PAGE)
    found = [code for picture in sheets.pictures for code in codes(picture)]
    assert sorted(found) == sorted(card.code for card in cards)
    assert len(set(found)) == 35


def test_a_card_says_whose_it_is_what_for_and_until_when(look, student_card):
    (text,) = look(card_sheets([student_card()], "2nde pro 1", MADE)).pages
    for said in (
        "CŒURET",
        "Zoé",
        "2nde pro 1",
        "Lycée polyvalent des Pommiers",
        "livres scolaires et équipement",
        "À utiliser avant le 30 juin 2027",
        "Perdue ou copiée ?",
        "atouts.region.example/eleve",
        "2026-2027",
        "1/1",
    ):
        assert said in text.replace("\n", " "), said


@pytest.mark.parametrize(("cards", "rows"), [(1, 1), (2, 1), (3, 2), (8, 4)])
def test_cut_marks_stand_around_the_cards_there_are(look, student_card, cards, rows):
    (picture,) = look(card_sheets([student_card(number) for number in range(cards)], "2nde", MADE), dpi=100).pictures
    ink = ImageChops.invert(picture.convert("L"))
    bottom = (297 - 5 * 54) / 2 + 1.5 + rows * 54

    def between(top_mm, bottom_mm):
        return ink.crop((0, round(top_mm / 25.4 * 100), ink.width, round(bottom_mm / 25.4 * 100)))

    line = between(bottom + 2, bottom + 3).tobytes()[: ink.width]
    marks = sum(now > 0 and before == 0 for before, now in pairwise(line))
    assert marks == min(cards, 2) + 1
    assert between(bottom + 6, 284).getbbox() is None


def test_extreme_names_stay_on_the_card(look, student_card):
    cards = [
        student_card(
            1, last_name="DE LA ROCHEFOUCAULD-MONTMORENCY-BEAUREGARD", first_name="Marie-Antoinette Joséphine"
        ),
        student_card(2, last_name="NGUYỄN", first_name="Đức 李 🎓\u202e", school="x" * 300, class_name="y" * 30),
        student_card(3, last_name="", first_name="", school="", benefits=()),
    ]
    sheets = look(card_sheets(cards, "z" * 300, MADE), dpi=150)
    assert sorted(codes(sheets.pictures[0])) == sorted(card.code for card in cards)
    assert "Đức ? ?" in sheets.text
    for card in cards:
        assert codes(Image.open(io.BytesIO(card_png(card)))) == [card.code]


def test_no_card_gives_a_page_that_says_so(look):
    assert "Aucune carte" in look(card_sheets([], "2nde pro 1", MADE)).text


def test_the_same_cards_give_the_same_bytes(student_card):
    cards = [student_card(number) for number in range(3)]
    assert card_sheets(cards, "2nde", MADE) == card_sheets(cards, "2nde", MADE)
    assert card_png(cards[0]) == card_png(cards[0])
    assert card_sheets(cards, "2nde", MADE) != card_sheets(cards[:2], "2nde", MADE)


def test_a_class_is_drawn_in_a_moment(student_card):
    cards = [student_card(number) for number in range(35)]
    started = time.perf_counter()
    card_sheets(cards, "2nde pro 1", MADE)
    assert time.perf_counter() - started < 3
