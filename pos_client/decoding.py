"""Finds students' cards on a picture.

Two readers, one after the other on ever more heavily prepared copies of the picture: zxing-cpp, quick and good at an
angle, then zbar, which forgives blur better. The plain picture is enough for most; the ladder is for the crooked and
dark rest.

Nothing of the till is needed here: the portal reads uploaded pictures with the same functions.
"""

import functools
import importlib
import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from pos_client.codes import is_card

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""A telephone's largest ordinary picture; more is a mistake or an attack on the memory."""
MIN_SIDE = 29
"""A card's QR code has 29 modules a side; a picture with fewer pixels cannot show one."""
WORKING_SIDE = 1600
"""The ladder works on copies no larger than this: more pixels cost time and find no more."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

QR_ONLY = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])

Frame = NDArray[np.uint8]
Picture = Path | str | bytes | Image.Image | Frame

log = logging.getLogger(__name__)


class UnreadablePicture(ValueError):
    """What was given is no picture that can be looked at; the message is the sentence for the clerk."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen on a picture, each text once, in the order it was found."""

    cards: tuple[str, ...]
    others: tuple[str, ...]
    """QR codes that are no student's card: a web address, a ticket."""


def decode(picture: Picture, *, wanted: int = 1) -> list[str]:
    """The texts of the cards on a picture; an empty list when there is none to be read.

    The picture is a file's path, a file's bytes, a Pillow image, or a camera's frame (8 bits; grey, BGR or BGRA).
    The search ends as soon as `wanted` different cards are found; ask for more than there can be to climb the whole
    ladder.

    Raises UnreadablePicture.
    """
    return list(look(picture, wanted=wanted).cards)


def look(picture: Picture, *, wanted: int = 1) -> Sighting:
    """Like `decode`, and tells also which other QR codes were met, so that the clerk can be told."""
    plain = _grey(picture)
    found: dict[str, bool] = {}
    for attempt in _attempts(plain):
        for text in attempt():
            found.setdefault(text, is_card(text))
        if sum(found.values()) >= wanted:
            break
    return Sighting(
        cards=tuple(text for text, card in found.items() if card),
        others=tuple(text for text, card in found.items() if not card),
    )


def glance(picture: Picture) -> list[str]:
    """The cards on one frame of a camera, found by the quick reader alone: the next frame comes at once.

    Raises UnreadablePicture.
    """
    return [text for text in dict.fromkeys(_read_with_zxing(_grey(picture))) if is_card(text)]


@functools.cache
def zbar_missing() -> str | None:
    """The sentence that says the second reader cannot be used on this computer, or None when it can.

    Without it nothing stops: zxing-cpp goes on alone.
    """
    if _zbar() is not None:
        return None
    return (
        "La bibliothèque zbar est absente de cet ordinateur : les photos difficiles seront un peu moins bien lues "
        "(sous Debian ou Ubuntu : apt install libzbar0)."
    )


def _attempts(plain: Image.Image) -> Iterator[Callable[[], list[str]]]:
    """One reading after the other, from the cheapest to the dearest; each is computed when it is called."""
    yield lambda: _read_with_zxing(plain)
    small = _at_most(plain, WORKING_SIDE)
    for prepare in LADDER:
        # Both readers look at the same prepared copy, which costs more than either of them.
        prepared = functools.cache(functools.partial(prepare, small))
        yield lambda prepared=prepared: _read_with_zxing(prepared())  # type: ignore[misc]
        yield lambda prepared=prepared: _read_with_zbar(prepared())  # type: ignore[misc]


def _read_with_zxing(picture: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(picture, formats=QR_ONLY)]


def _read_with_zbar(picture: Image.Image) -> list[str]:
    zbar = _zbar()
    if zbar is None:
        return []
    # Asked for everything, zbar takes twice the time and prints warnings about bar codes that are not there.
    return [code.data.decode("utf-8", "replace") for code in zbar.decode(picture, symbols=[zbar.ZBarSymbol.QRCODE])]


@functools.cache
def _zbar() -> ModuleType | None:
    try:
        return importlib.import_module("pyzbar.pyzbar")
    except (ImportError, OSError) as missing:  # the shared library, which the package does not bring on Linux
        log.warning("zbar is missing, zxing-cpp reads alone: %s", missing)
        return None


# The ladder: what is done to a picture before it is read again. Its rungs and their order were chosen by measuring on
# photographs made with one set of seeds, and its rate is measured on others (tests/pos_client/test_decoding_rate.py).


def _as_it_is(picture: Image.Image) -> Image.Image:
    return picture


def _evened_and_sharpened(picture: Image.Image) -> Image.Image:
    """Against shadow and reflections, and a lens out of focus."""
    return _sharpened(_evened(_smoothed(picture, 1), 30), 6)


def _equalized(picture: Image.Image) -> Image.Image:
    """Against too little light."""
    return ImageOps.equalize(picture)


def _enlarged_and_evened(picture: Image.Image) -> Image.Image:
    """Against modules of two or three pixels, in noise."""
    return _evened(_smoothed(_enlarged(picture), 2), 60)


def _enlarged_and_sharpened(picture: Image.Image) -> Image.Image:
    """Against modules of two or three pixels, out of focus."""
    return _sharpened(_enlarged(picture), 8)


def _smoothed_only(picture: Image.Image) -> Image.Image:
    """Against grain."""
    return _smoothed(picture, 1)


def _inverted(picture: Image.Image) -> Image.Image:
    """A light code on a dark telephone screen."""
    return ImageOps.invert(picture)


def _halved(picture: Image.Image) -> Image.Image:
    """Against the lines of a screen photographed from close by."""
    return picture.reduce(2)


LADDER: tuple[Callable[[Image.Image], Image.Image], ...] = (
    _as_it_is,
    _evened_and_sharpened,
    _equalized,
    _smoothed_only,
    _halved,
    _inverted,
    _enlarged_and_evened,
    _enlarged_and_sharpened,
)


def _enlarged(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.LANCZOS)


def _smoothed(picture: Image.Image, radius: float) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(radius))


def _sharpened(picture: Image.Image, radius: float) -> Image.Image:
    return picture.filter(ImageFilter.UnsharpMask(radius, percent=300, threshold=0))


def _evened(picture: Image.Image, radius: int) -> Image.Image:
    """Give every neighbourhood the same brightness and the same contrast."""
    pixels = np.asarray(picture, dtype=np.float32)
    mean = np.asarray(picture.filter(ImageFilter.BoxBlur(radius)), dtype=np.float32)
    spread = Image.fromarray(np.abs(pixels - mean).astype(np.uint8)).filter(ImageFilter.BoxBlur(radius))
    # Where there is no contrast at all, dividing by nearly nothing would only show noise.
    evened = 128 + 48 * (pixels - mean) / np.maximum(np.asarray(spread, dtype=np.float32), 3)
    return Image.fromarray(np.clip(evened, 0, 255).astype(np.uint8))


def _at_most(picture: Image.Image, side: int) -> Image.Image:
    if max(picture.size) <= side:
        return picture
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def _grey(picture: Picture) -> Image.Image:
    """The picture in grey levels, whatever it came as, within the limits of size."""
    if isinstance(picture, np.ndarray):
        return _from_frame(picture)
    if isinstance(picture, Image.Image):
        _check_size(picture.size)
        return _on_white(picture)
    return _from_file(_file_bytes(picture))


def _file_bytes(source: Path | str | bytes) -> bytes:
    if isinstance(source, bytes):
        content = source
    else:
        try:
            with Path(source).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise UnreadablePicture(f"Le fichier {source} ne peut pas être lu.") from error
    if len(content) > MAX_BYTES:
        raise UnreadablePicture(f"Cette photo est trop lourde : {MAX_BYTES // 1024**2} Mo au plus.")
    return content


def _from_file(content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            _check_size(opened.size)
            return _on_white(opened)
    except UnreadablePicture:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePicture(
            "Ce fichier n’est pas une photo que la caisse sait lire : choisissez une image JPEG, PNG ou WebP."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except Exception as error:  # a damaged file raises whatever the parser of its format happens to meet
        raise UnreadablePicture("Cette photo est abîmée ou incomplète : reprenez-la.") from error


def _from_frame(frame: Frame) -> Image.Image:
    channels = frame.shape[2] if frame.ndim == 3 else 1
    if frame.dtype != np.uint8 or frame.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise UnreadablePicture("Cette image de caméra n’est pas dans un format que la caisse sait lire.")
    height, width = frame.shape[:2]
    _check_size((width, height))
    if channels == 1:
        return Image.fromarray(np.ascontiguousarray(frame.reshape(height, width)))
    return Image.fromarray(np.ascontiguousarray(frame[:, :, 2::-1])).convert("L")


def _check_size(size: tuple[int, int]) -> None:
    if min(size) < MIN_SIDE:
        raise UnreadablePicture("Cette photo est trop petite pour montrer une carte.")
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> UnreadablePicture:
    return UnreadablePicture(f"Cette photo est trop grande : {MAX_PIXELS // 1_000_000} millions de pixels au plus.")


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("L")
    # Transparent pixels are often stored as black, which would drown the code's dark modules.
    colours = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("L")
