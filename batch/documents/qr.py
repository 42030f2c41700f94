"""QR codes of cards: level Q, so that a quarter of the picture may be spoiled, at the size measured to decode best."""

from io import BytesIO

from PIL import Image
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError
from qrcode.util import MODE_ALPHA_NUM, QRData

# Holds up to 47 letters and digits at level Q; a card's text has 32.
VERSION = 3
MODULES = 29
QUIET_ZONE = 4

Modules = list[list[bool]]


def qr_modules(text: str) -> Modules:
    """29 rows of 29 modules, True where dark, without the quiet zone.

    Raises ValueError for a text that is no card's: other characters than capitals and digits, or more than 47.
    """
    code: QRCode = QRCode(version=VERSION, error_correction=ERROR_CORRECT_Q, border=0)
    code.add_data(QRData(text, mode=MODE_ALPHA_NUM))
    try:
        code.make(fit=False)
    except DataOverflowError:
        raise ValueError(f"a QR code of version {VERSION} cannot hold {len(text)} characters") from None
    return [[bool(module) for module in row] for row in code.get_matrix()]


def qr_png(text: str, module_px: int = 8) -> bytes:
    """The code alone with its quiet zone, as a PNG of `module_px` pixels to the module."""
    side = MODULES + 2 * QUIET_ZONE
    picture = Image.new("1", (side, side), 1)
    for y, row in enumerate(qr_modules(text), start=QUIET_ZONE):
        for x, dark in enumerate(row, start=QUIET_ZONE):
            if dark:
                picture.putpixel((x, y), 0)
    file = BytesIO()
    picture.resize((side * module_px, side * module_px), Image.Resampling.NEAREST).save(file, "PNG", optimize=True)
    return file.getvalue()


def dark_runs(modules: Modules) -> list[tuple[int, int, int]]:
    """Dark modules side by side as one bar: column, row, length. Fewer shapes, and no seams between them."""
    runs = []
    for y, row in enumerate(modules):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                runs.append((x, y, end - x))
            x = end + 1
    return runs
