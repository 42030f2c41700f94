"""What a camera sees, as Chromium's fake camera plays it: a y4m film of a printed card, held before the lens."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page

from batch.documents.cards import card_png
from batch.documents.models import StudentCard
from pos_client.photograph import photograph

SIZE = (640, 480)
FRAMES = 12


def card_picture(code: str) -> Image.Image:
    """The printed card with this code."""
    card = StudentCard(
        code=code,
        first_name="Léa",
        last_name="Martin",
        class_name="2de 4",
        school="Lycée Malherbe",
        school_year=2026,
        benefits=("Livres scolaires",),
        usable_until=date(2027, 6, 30),
        student_space="atouts.example/eleve",
    )
    return Image.open(BytesIO(card_png(card)))


def write_film(path: Path, code: str) -> Path:
    """A film of the card: first the empty desk, then the card, crooked and in ordinary light, as it is moved about."""
    desk = Image.new("L", SIZE, 90)
    shots = [photograph(card_picture(code), seed, 0.4).convert("L").resize(SIZE) for seed in range(FRAMES // 2)]
    grey = np.full(SIZE[0] * SIZE[1] // 2, 128, np.uint8).tobytes()
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{SIZE[0]} H{SIZE[1]} F6:1 Ip A1:1 C420jpeg\n".encode())
        for picture in [desk] * (FRAMES // 2) + shots:
            film.write(b"FRAME\n" + np.asarray(picture, np.uint8).tobytes() + grey)
    return path


def jpeg(picture: Image.Image, quality: int = 70) -> bytes:
    """A picture as a camera saves it."""
    file = BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


@contextmanager
def page_with_camera(browser: Browser, url: str, folder: Path, code: str) -> Iterator[Page]:
    """A page at `url` in a Chromium of its own, whose camera is shown the card with `code`; its film is in `folder`."""
    switches = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={write_film(folder / 'card.y4m', code)}",
    ]
    with browser.browser_type.launch(executable_path="/usr/bin/chromium", args=switches) as with_camera:
        yield with_camera.new_context(base_url=url, locale="fr-FR", permissions=["camera"]).new_page()
