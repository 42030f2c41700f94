"""Students' cards: one as a picture, a class of them as sheets to print and cut.

A card has the size of a bank card and fits where those do. Its face is laid out once, as shapes and texts in
millimetres, and painted by two painters: onto PDF as vectors, onto a PNG as pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from batch.documents.fonts import BOLD, MM_PER_POINT, REGULAR, fitted, printable, width_mm, wrapped
from batch.documents.models import StudentCard
from batch.documents.qr import MODULES, QUIET_ZONE, dark_runs, qr_modules
from batch.documents.style import ACCENT, BRAND, HOUSE, INK, LINE, MUTED, WHITE, Colour, Page
from batch.french import counted, day_in_words, moment
from ledger.calendar import school_year_name

WIDTH, HEIGHT = 85.6, 54.0
MODULE = 1.0
BAND = 8.6
MARGIN = 4.5

# Two columns of five on A4, with the cut marks outside the cards.
COLUMNS, ROWS = 2, 5
PER_PAGE = COLUMNS * ROWS

PIXELS_PER_MM = 12


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Text:
    """One line, standing on the baseline `y`."""

    x: float
    y: float
    text: str
    size: float
    bold: bool
    colour: Colour


def card_face(card: StudentCard) -> list[Box | Text]:
    """The face of one card: who it belongs to, what it pays for, until when, and what to do when it is lost."""
    code_left = WIDTH - MARGIN - MODULES * MODULE
    code_top = BAND + QUIET_ZONE * MODULE
    room = code_left - QUIET_ZONE * MODULE - MARGIN
    shapes: list[Box | Text] = [
        Box(0, 0, WIDTH, BAND, BRAND),
        Box(0, BAND, WIDTH, 0.7, ACCENT),
        Text(MARGIN, 5.9, HOUSE, 11, True, WHITE),
        _ending_at(WIDTH - MARGIN, 5.9, school_year_name(card.school_year), 9, WHITE),
    ]
    y = 10.6

    def lines(text: str, size: float, most: int, *, bold: bool = False, colour: Colour = INK, gap: float = 0) -> None:
        nonlocal y
        y += gap
        for row in wrapped(printable(text), size, room, bold, most):
            y += size * MM_PER_POINT * 1.16
            shapes.append(Text(MARGIN, y, row, size, bold, colour))

    lines(card.last_name, _shrunk(card.last_name, 12, 8, room, bold=True), 2, bold=True)
    lines(card.first_name, _shrunk(card.first_name, 12, 8, room), 1)
    lines(card.class_name, 8.5, 1, gap=0.8, bold=True)
    lines(card.school, 8, 2, colour=MUTED)
    lines(f"Pour payer : {_joined(card.benefits)}", 8, 2, gap=1.2)
    lines(f"À utiliser avant le {day_in_words(card.usable_until)}", 8.5, 2, bold=True, colour=ACCENT, gap=0.8)

    for x, row, length in dark_runs(qr_modules(card.code)):
        shapes.append(Box(code_left + x * MODULE, code_top + row * MODULE, length * MODULE, MODULE, (0, 0, 0)))

    shapes.append(Box(MARGIN, 46.2, WIDTH - 2 * MARGIN, 0.2, LINE))
    lost = (
        "Perdue ou copiée ? Remplacez-la aussitôt : l'ancienne ne marchera plus.",
        f"Au secrétariat ou sur {card.student_space}",
        # To be typed where there is no camera; in groups, and well below the code, whose margin must stay white.
        f"Code : {' '.join(card.code[at : at + 4] for at in range(0, len(card.code), 4))}",
    )
    for number, said in enumerate(lost):
        line = fitted(printable(said), 6.2, WIDTH - 2 * MARGIN)
        shapes.append(Text(MARGIN, 48.5 + 2.2 * number, line, 6.2, False, MUTED))
    return shapes


def card_png(card: StudentCard) -> bytes:
    """One card as a picture of 1027 x 648 pixels, each module of its code 12 pixels wide."""
    picture = Image.new("RGB", (round(WIDTH * PIXELS_PER_MM), round(HEIGHT * PIXELS_PER_MM)), WHITE)
    draw = ImageDraw.Draw(picture)
    for shape in card_face(card):
        if isinstance(shape, Box):
            edges = (shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)
            left, top, right, bottom = (round(edge * PIXELS_PER_MM) for edge in edges)
            draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=shape.colour)
        else:
            face = ImageFont.truetype(BOLD if shape.bold else REGULAR, shape.size * MM_PER_POINT * PIXELS_PER_MM)
            at = (shape.x * PIXELS_PER_MM, shape.y * PIXELS_PER_MM)
            draw.text(at, shape.text, fill=shape.colour, font=face, anchor="ls")
    file = BytesIO()
    picture.save(file, "PNG", optimize=True, dpi=(PIXELS_PER_MM * 25.4, PIXELS_PER_MM * 25.4))
    return file.getvalue()


def card_sheets(cards: Sequence[StudentCard], title: str, made_at: datetime) -> bytes:
    """Cards to print on A4 and cut, ten to a page, in the order given; `title` names the class or the school."""
    sheet = _Sheet(title, counted(len(cards), "carte"), made_at)
    if not cards:
        sheet.add_page()
        sheet.put(sheet.w / 2, 60, "Aucune carte à imprimer.", 12, colour=MUTED, align="centre")
    for number, card in enumerate(cards):
        place = number % PER_PAGE
        if place == 0:
            sheet.add_page()
            sheet.cut_marks(min(PER_PAGE, len(cards) - number))
        sheet.card(card, place % COLUMNS, place // COLUMNS)
    return sheet.finished()


class _Sheet(Page):
    """A page of cards: no header nor footer but a small line at the edge, which is cut off."""

    def __init__(self, title: str, reference: str, made_at: datetime) -> None:
        super().__init__("Cartes", f"{title}, {reference}", made_at)
        self.made = moment(made_at)
        self.first_x = (self.w - COLUMNS * WIDTH) / 2
        self.first_y = (self.h - ROWS * HEIGHT) / 2 + 1.5

    def header(self) -> None:
        self.put(self.first_x, 6.5, f"{HOUSE} – {self.reference}, {self.made}", 7.5, colour=MUTED, width=140)
        self.put(self.first_x + COLUMNS * WIDTH, 6.5, "À imprimer à 100 %", 7.5, colour=MUTED, align="right")

    def foot(self, number: int, count: int) -> None:
        end = self.first_x + COLUMNS * WIDTH
        self.put(end + 5, self.h - 7, f"{number}/{count}", 7.5, colour=MUTED, align="centre")

    def card(self, card: StudentCard, column: int, row: int) -> None:
        left, top = self.first_x + column * WIDTH, self.first_y + row * HEIGHT
        for shape in card_face(card):
            if isinstance(shape, Box):
                self.box(left + shape.x, top + shape.y, shape.width, shape.height, shape.colour)
            else:
                self.put(left + shape.x, top + shape.y, shape.text, shape.size, bold=shape.bold, colour=shape.colour)

    def cut_marks(self, cards: int) -> None:
        """Marks around so many cards, where the page has them: a last page, or a student's own, is cut in fewer."""
        columns, rows = min(COLUMNS, cards), math.ceil(cards / COLUMNS)
        self.set_draw_color(*MUTED)
        self.set_line_width(0.15)
        end_x, end_y = self.first_x + columns * WIDTH, self.first_y + rows * HEIGHT
        for column in range(columns + 1):
            x = self.first_x + column * WIDTH
            self.line(x, self.first_y - 5, x, self.first_y - 1)
            self.line(x, end_y + 1, x, end_y + 5)
        for row in range(rows + 1):
            y = self.first_y + row * HEIGHT
            self.line(self.first_x - 5, y, self.first_x - 1, y)
            self.line(end_x + 1, y, end_x + 5, y)


def _ending_at(x: float, y: float, text: str, size: float, colour: Colour) -> Text:
    return Text(x - width_mm(text, size), y, text, size, False, colour)


def _shrunk(text: str, largest: float, smallest: float, room: float, *, bold: bool = False) -> float:
    """The largest letter size at which the text needs no cutting."""
    wide = width_mm(printable(text), 1, bold)
    return max(smallest, min(largest, room / wide if wide else largest))


def _joined(benefits: Sequence[str]) -> str:
    """'livres scolaires et équipement professionnel'."""
    names = [name[:1].lower() + name[1:] for name in benefits]
    return " et ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
