"""Tables that run over as many pages as they need, their titles repeated on each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batch.documents.fonts import fitted, printable, wrapped
from batch.documents.style import ACCENT, BRAND, INK, LINE, MUTED, PALE, WHITE, Align, Colour, Page

SIZE = 8.5
ROW = 5.6
SECOND_LINE = 3.5
PADDING = 1.4


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    width: float
    """Millimetres."""
    align: Align = "left"
    lines: int = 1
    """How many lines a cell may take before it is cut."""


class Table:
    """Set rows one after the other; the page breaks by itself between two rows."""

    def __init__(self, page: Page, columns: Sequence[Column]) -> None:
        self.page = page
        self.columns = columns
        self.starts = [page.left + sum(column.width for column in columns[:place]) for place in range(len(columns))]
        self.width = sum(column.width for column in columns)
        self.shaded = False

    def titles(self) -> None:
        page = self.page
        page.room(3 * ROW)
        page.box(page.left, page.down, self.width, ROW, BRAND)
        for start, column in zip(self.starts, self.columns, strict=True):
            self._set(start, column, page.down + 3.9, column.title, 8, WHITE, bold=True)
        page.down += ROW
        self.shaded = False

    def rows(self, rows: Iterable[Sequence[str]]) -> None:
        for row in rows:
            self.row(row)

    def row(self, cells: Sequence[str], colour: Colour = INK, *, note: str = "") -> None:
        """Set one row; a `note` that concerns it stands below, in the colour of warnings."""
        page = self.page
        texts = [self._lines(column, cell) for column, cell in zip(self.columns, cells, strict=True)]
        lines = max(map(len, texts))
        height = ROW + SECOND_LINE * (lines - 1 + bool(note))
        if page.room(height):
            self.titles()
        if self.shaded:
            page.box(page.left, page.down, self.width, height, PALE)
        self.shaded = not self.shaded
        for start, column, rows in zip(self.starts, self.columns, texts, strict=True):
            for number, text in enumerate(rows):
                self._set(start, column, page.down + 3.9 + number * SECOND_LINE, text, SIZE, colour)
        if note:
            x = self.starts[1] + PADDING
            y = page.down + 3.9 + lines * SECOND_LINE
            page.put(x, y, note, 7.5, colour=ACCENT, width=page.left + self.width - PADDING - x)
        page.down += height

    def group(self, text: str) -> None:
        """A line that says what the rows below have in common; never the last one on a page."""
        page = self.page
        if page.room(2 * ROW + SECOND_LINE):
            self.titles()
        page.put(page.left + PADDING, page.down + 4, text, SIZE, bold=True, colour=BRAND)
        page.down += ROW
        self.shaded = False

    def total(self, label: str, amount: str, colour: Colour = INK) -> None:
        """A sum under the last column, set apart by a line; stays with the page it is begun on."""
        page = self.page
        if page.room(ROW + 1):
            self.titles()
        page.set_draw_color(*LINE)
        page.set_line_width(0.3)
        page.line(page.left, page.down, page.left + self.width, page.down)
        end = page.left + self.width - PADDING
        page.put(end - self.columns[-1].width, page.down + 4.1, label, SIZE, bold=True, colour=colour, align="right")
        page.put(end, page.down + 4.1, amount, SIZE, bold=True, colour=colour, align="right")
        page.down += ROW + 0.6

    def empty(self, text: str) -> None:
        """Instead of rows, where there are none."""
        page = self.page
        page.put(page.left + PADDING, page.down + 4, text, SIZE, colour=MUTED)
        page.down += ROW

    def _lines(self, column: Column, cell: str) -> list[str]:
        room = column.width - 2 * PADDING
        if column.lines == 1:
            return [fitted(printable(cell), SIZE, room)]
        return wrapped(printable(cell), SIZE, room, lines=column.lines)

    def _set(
        self, start: float, column: Column, y: float, text: str, size: float, colour: Colour, *, bold: bool = False
    ) -> None:
        x = start + column.width - PADDING if column.align == "right" else start + PADDING
        self.page.put(x, y, text, size, colour=colour, align=column.align, bold=bold)
