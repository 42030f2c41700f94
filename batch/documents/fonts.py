"""The typeface of all documents: its files, how wide a text is in it, and which characters it has.

Source Sans Pro has the euro sign, œ, the narrow no-break space and figures of one width, which the fonts built into
PDF have not; it may be embedded freely (SIL Open Font License).
"""

import unicodedata
from functools import cache
from pathlib import Path

import font_source_sans_pro
from fontTools.ttLib import TTFont

_FOLDER = Path(font_source_sans_pro.font_directory)
REGULAR = _FOLDER / "SourceSansPro-Regular.ttf"
BOLD = _FOLDER / "SourceSansPro-Semibold.ttf"

MM_PER_POINT = 25.4 / 72


@cache
def _advances(bold: bool) -> dict[str, float]:
    """Width of each character at one point, in millimetres."""
    with TTFont(BOLD if bold else REGULAR, lazy=True) as font:
        scale = MM_PER_POINT / font["head"].unitsPerEm
        widths = font["hmtx"].metrics
        return {chr(code): widths[glyph][0] * scale for code, glyph in font.getBestCmap().items()}


def width_mm(text: str, size: float, bold: bool = False) -> float:
    """How wide a printable text is at `size` points."""
    advances = _advances(bold)
    return size * sum(advances[char] for char in text)


def printable(text: str) -> str:
    """`text` on one line with only characters that the typeface has.

    What it lacks loses its accents, or becomes a question mark: a name in another script still shows that it is there.
    """
    known = _advances(False)
    text = unicodedata.normalize("NFC", text)
    if all(char in known for char in text):
        return text
    return "".join(_nearest(char, known) for char in text)


def _nearest(char: str, known: dict[str, float]) -> str:
    if char in known:
        return char
    if char.isspace():
        return " "
    if unicodedata.category(char) in ("Cc", "Cf", "Mn"):
        return ""
    plain = "".join(part for part in unicodedata.normalize("NFKD", char) if part in known)
    return plain or "?"


def fitted(text: str, size: float, width: float, bold: bool = False) -> str:
    """`text`, cut with an ellipsis where it is wider than `width` millimetres."""
    if width_mm(text, size, bold) <= width:
        return text
    while text and width_mm(f"{text}…", size, bold) > width:
        text = text[:-1].rstrip()
    return f"{text}…"


def wrapped(text: str, size: float, width: float, bold: bool = False, lines: int | None = None) -> list[str]:
    """`text` in lines no wider than `width` millimetres, broken at spaces; the last of at most `lines` is cut."""
    rows: list[str] = []
    words = text.split(" ")
    while words:
        taken = 1
        while taken < len(words) and width_mm(" ".join(words[: taken + 1]), size, bold) <= width:
            taken += 1
        if lines and len(rows) == lines - 1:
            taken = len(words)
        rows.append(fitted(" ".join(words[:taken]), size, width, bold))
        words = words[taken:]
    return rows
