"""How all documents look: colours, header, footer with page numbers, and the few ways to set a text on a page.

Lengths are millimetres, letter sizes points; texts stand on the baseline that is given.
"""

from datetime import datetime
from typing import Literal

from fpdf import FPDF

from batch.documents.fonts import BOLD, MM_PER_POINT, REGULAR, fitted, printable, width_mm, wrapped

Colour = tuple[int, int, int]

INK: Colour = (28, 36, 46)
MUTED: Colour = (94, 105, 118)
BRAND: Colour = (20, 52, 96)
ACCENT: Colour = (190, 18, 60)
LINE: Colour = (203, 211, 222)
PALE: Colour = (241, 244, 249)
WHITE: Colour = (255, 255, 255)

HOUSE = "Atouts Normandie"
FAMILY = "house"

# Millimetres. fpdf2's own A5 is rounded otherwise and warns of it.
PAPERS = {"A4": (210.0, 297.0), "A5": (148.0, 210.0)}

Align = Literal["left", "right", "centre"]


class Page(FPDF):
    """Paper of the house: set texts with `put`, keep `down` as the place where the next block begins."""

    def __init__(
        self, title: str, reference: str, made_at: datetime, footnote: str = "", paper: Literal["A4", "A5"] = "A4"
    ) -> None:
        super().__init__(format=PAPERS[paper])
        self.kind = title
        self.reference = reference
        self.footnote = footnote
        self.down = 0.0
        self.set_margin(15 if paper == "A4" else 11)
        self.set_auto_page_break(False)
        self.add_font(FAMILY, "", REGULAR)
        self.add_font(FAMILY, "B", BOLD)
        self.set_title(f"{title} {reference} – {HOUSE}")
        self.set_lang("fr-FR")
        self.set_producer(HOUSE)
        # The file's date is the document's own: drawing it again must give the same bytes.
        self.set_creation_date(made_at)

    @property
    def left(self) -> float:
        return self.l_margin

    @property
    def right(self) -> float:
        return self.w - self.r_margin

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def bottom(self) -> float:
        """Where the footer begins."""
        return self.h - 17

    def put(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 9,
        *,
        bold: bool = False,
        colour: Colour = INK,
        align: Align = "left",
        width: float | None = None,
    ) -> None:
        """Set one line at the baseline `y`; with `align` right, `x` is where it ends; cut if wider than `width`."""
        text = printable(text)
        if width is not None:
            text = fitted(text, size, width, bold)
        if align != "left":
            x -= width_mm(text, size, bold) * (1 if align == "right" else 0.5)
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)
        self.text(x, y, text)

    def paragraph(self, text: str, size: float = 9, *, colour: Colour = INK, bold: bool = False) -> None:
        """Set a text in as many lines as it takes, at `down`, from the left margin."""
        for row in wrapped(printable(text), size, self.width, bold):
            self.down += size * MM_PER_POINT * 1.28
            self.put(self.left, self.down, row, size, colour=colour, bold=bold)

    def heading(self, text: str) -> None:
        """The title of a part; stays with at least the beginning of what follows."""
        self.room(24)
        self.down += 8
        self.put(self.left, self.down, text, 11, bold=True, colour=BRAND)
        self.down += 2.2

    def fact(self, x: float, y: float, label: str, value: str, *, width: float, size: float = 9.5) -> None:
        """A small label with what it names below it."""
        self.put(x, y, label, 7.5, colour=MUTED, width=width)
        self.put(x, y + 4.4, value, size, width=width)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.set_fill_color(*colour)
        self.rect(x, y, width, height, style="F")

    def rule(self, y: float) -> None:
        """A line from margin to margin."""
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.line(self.left, y, self.right, y)

    def room(self, height: float) -> bool:
        """Begin a new page unless `height` still fits on this one; True if one was begun."""
        if self.down + height <= self.bottom:
            return False
        self.add_page()
        return True

    def header(self) -> None:
        top = self.t_margin
        if self.page > 1:
            self.put(self.left, top, f"{HOUSE} – {self.kind} {self.reference}", 8, colour=MUTED)
            self.rule(top + 2)
            self.down = top + 5
            return
        large = self.w > 180
        self.box(self.left, top - 4.6, 1.4, 10, ACCENT)
        self.put(self.left + 4, top, HOUSE, 15 if large else 13, bold=True, colour=BRAND)
        self.put(self.left + 4, top + 4.8, "Avantages Formation de la Région Normandie", 8.5, colour=MUTED)
        self.put(self.right, top, self.kind, 14 if large else 11.5, bold=True, align="right")
        self.put(self.right, top + 4.8, self.reference, 9, colour=MUTED, align="right")
        self.rule(top + 9)
        self.down = top + 15

    def foot(self, number: int, count: int) -> None:
        """What stands at the foot of each page, once it is known how many there are."""
        y = self.h - 10
        self.rule(y - 4.5)
        for row, text in enumerate(wrapped(printable(self.footnote), 7.5, self.width - 20, lines=2)):
            self.put(self.left, y + 3.2 * row, text, 7.5, colour=MUTED)
        self.put(self.right, y, f"{number}/{count}", 7.5, colour=MUTED, align="right")

    def finished(self) -> bytes:
        count = self.pages_count
        for number in range(1, count + 1):
            self.page = number
            # fpdf2 still believes in the font that it has set on the page before.
            self.current_font_is_set_on_page = False
            self.foot(number, count)
        return bytes(self.output())
