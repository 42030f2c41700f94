"""Pictures of cards, and pictures that are none."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pos_client import decoding
from pos_client.decoding import UnreadablePicture, decode, look
from pos_client.photograph import conditions, photograph
from tests.pos_client.conftest import card_picture, card_text

CARD = card_text(1)
PICTURE = card_picture(CARD)


def as_bytes(picture: Image.Image, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    picture.save(content, kind)
    return content.getvalue()


def test_a_card_is_read_from_a_file_bytes_an_image_and_a_camera_s_frame(tmp_path: Path) -> None:
    file = tmp_path / "carte.jpg"
    file.write_bytes(as_bytes(PICTURE, "JPEG"))
    frame = np.asarray(PICTURE)[:, :, ::-1]
    for picture in (file, str(file), as_bytes(PICTURE), PICTURE, frame, frame[:, :, 0]):
        assert decode(picture) == [CARD]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
def test_whatever_the_colours_are_stored_as(mode: str) -> None:
    assert decode(PICTURE.convert(mode)) == [CARD]


def test_transparent_paper_is_white_paper() -> None:
    grey = np.asarray(PICTURE.convert("L"))
    black_ink_on_nothing = np.zeros((*grey.shape, 4), dtype=np.uint8)
    black_ink_on_nothing[:, :, 3] = 255 - grey
    assert decode(as_bytes(Image.fromarray(black_ink_on_nothing))) == [CARD]


def test_a_dark_telephone_screen_is_read() -> None:
    assert decode(Image.eval(PICTURE, lambda level: 255 - level)) == [CARD]


def test_all_cards_of_a_sheet_are_read_when_asked_for() -> None:
    cards = [card_text(seed) for seed in range(6)]
    sheet = Image.new("RGB", (1200, 800), "white")
    for place, text in enumerate(cards):
        sheet.paste(card_picture(text).resize((360, 360)), (20 + place % 3 * 400, 20 + place // 3 * 400))
    assert set(decode(sheet, wanted=6)) == set(cards)


def test_another_qr_code_is_told_apart() -> None:
    import qrcode

    seen = look(qrcode.make("https://example.org/menu").get_image())
    assert seen.cards == ()
    assert seen.others == ("https://example.org/menu",)


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (b"", "JPEG"),
        (b"%PDF-1.7 no picture", "JPEG"),
        (as_bytes(PICTURE, "JPEG")[:900], "abîmée"),
        (as_bytes(PICTURE)[:200], "abîmée"),
        (b"\0" * (decoding.MAX_BYTES + 1), "trop lourde"),
        (as_bytes(Image.new("L", (20, 20))), "trop petite"),
        (Image.new("1", (9000, 9000)), "trop grande"),
        (as_bytes(Image.new("1", (20000, 20000))), "trop grande"),
        (np.zeros((100, 100, 2), dtype=np.uint8), "caméra"),
        (np.zeros((100, 100), dtype=np.float64), "caméra"),
        (Path("/nowhere/carte.png"), "ne peut pas être lu"),
        (Path("/"), "ne peut pas être lu"),
    ],
)
def test_what_cannot_be_looked_at_gets_one_sentence(picture: decoding.Picture, sentence: str) -> None:
    with pytest.raises(UnreadablePicture, match=sentence) as refusal:
        decode(picture)
    assert "\n" not in str(refusal.value)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]), data=st.data())
def test_a_damaged_file_is_read_or_refused_but_never_breaks_the_till(kind: str, data: st.DataObject) -> None:
    content = bytearray(as_bytes(PICTURE.resize((120, 120)), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnreadablePicture):
        assert set(decode(bytes(content))) <= {CARD}


def test_without_zbar_the_till_says_so_once_and_reads_on(tmp_path: Path) -> None:
    file = tmp_path / "carte.png"
    PICTURE.save(file)
    program = f"""
import ctypes.util
ctypes.util.find_library = lambda name: None  # as on a computer without the library
from pos_client import decoding
print(decoding.decode({str(file)!r}), decoding.decode({str(file)!r}))
print(decoding.zbar_missing())
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[0] == f"['{CARD}'] ['{CARD}']"
    assert "libzbar0" in process.stdout
    assert process.stderr.count("zbar is missing") == 1


def test_one_seed_makes_one_photograph() -> None:
    assert as_bytes(photograph(PICTURE, 7)) == as_bytes(photograph(PICTURE, 7))
    assert as_bytes(photograph(PICTURE, 7)) != as_bytes(photograph(PICTURE, 8))


def test_the_mildest_photographs_are_always_read() -> None:
    assert all(decode(photograph(PICTURE, seed, severity=0.2)) == [CARD] for seed in range(10))
    assert conditions(3, severity=0).defocus == 0
