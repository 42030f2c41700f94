"""A roster file as lines of text, whether it comes as CSV (UTF-8, `;` or `,`) or as an Excel workbook.

Reads in a stream: the file may hold all students of a Region. What cannot be read at all raises `UnreadableRoster`
with one French sentence; what a cell means is decided in `batch.roster`.
"""

import csv
import hashlib
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from io import TextIOWrapper
from pathlib import Path

from openpyxl import load_workbook

# Unpacked, a workbook of 120 000 students takes 60 MB; beyond this a file is an accident or an attack.
LARGEST_WORKBOOK = 1 << 30

SEPARATORS = ";,"


class UnreadableRoster(Exception):
    """The file is no roster at all; the text is one French sentence that says why and what to do."""


class RosterFile:
    """The lines of one file, to be walked through more than once; `share_read` tells how far the walk has come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.share_read = 0.0
        try:
            with path.open("rb") as raw:
                self.sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
                raw.seek(0)
                self._start = raw.read(8)
        except IsADirectoryError:
            raise UnreadableRoster(f"« {path.name} » est un dossier : donnez le fichier lui-même.") from None
        except OSError as error:
            raise UnreadableRoster(f"Le fichier « {path.name} » ne peut pas être lu ({error.strerror}).") from None

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Each line that is not blank, as its number in the file and its cells without outer spaces; header first."""
        if not self._start:
            raise UnreadableRoster(f"Le fichier « {self.path.name} » est vide.")
        if self._start.startswith(b"\xd0\xcf\x11\xe0"):
            raise UnreadableRoster("Ancien format Excel (.xls) : enregistrez le classeur au format .xlsx.")
        if self._start.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableRoster("Le fichier est en UTF-16 : enregistrez-le au format « CSV UTF-8 ».")
        numbered = self._workbook_rows() if self._start.startswith(b"PK") else self._csv_rows()
        for number, cells in numbered:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield number, stripped
        self.share_read = 1.0

    def _csv_rows(self) -> Iterator[tuple[int, list[str]]]:
        size = self.path.stat().st_size
        with self.path.open("rb") as raw:
            beginning = raw.read(65_536)
            if b"\0" in beginning:
                raise UnreadableRoster(f"« {self.path.name} » n'est ni un fichier CSV ni un classeur Excel (.xlsx).")
            header = beginning.partition(b"\n")[0]
            raw.seek(0)
            # Ties go to the semicolon, which French spreadsheets write.
            separator = max(SEPARATORS, key=lambda mark: header.count(mark.encode()))
            reader = csv.reader(TextIOWrapper(raw, "utf-8-sig", newline=""), delimiter=separator, strict=True)
            before = 0
            try:
                for cells in reader:
                    yield before + 1, cells
                    before = reader.line_num
                    if before % 1000 == 0:
                        self.share_read = raw.tell() / size
            except csv.Error:
                sentence = f"Ligne {before + 1} : un guillemet n'est pas fermé, ou la ligne est abîmée."
                raise UnreadableRoster(sentence) from None
            except UnicodeDecodeError:
                raise UnreadableRoster(self._where_not_utf8()) from None

    def _where_not_utf8(self) -> str:
        """The reader decodes in blocks and cannot tell the line, so it is looked for again."""
        with self.path.open("rb") as raw:
            number = next((number for number, line in enumerate(raw, start=1) if not _is_utf8(line)), 1)
        return f"Ligne {number} : le fichier n'est pas en UTF-8. Enregistrez-le au format « CSV UTF-8 »."

    def _workbook_rows(self) -> Iterator[tuple[int, list[str]]]:
        # openpyxl takes a file object whatever the file is called, and raises nearly anything on a damaged one.
        with self.path.open("rb") as raw:
            try:
                with zipfile.ZipFile(raw) as archive:
                    unpacked = sum(member.file_size for member in archive.infolist())
                if unpacked > LARGEST_WORKBOOK:
                    raise UnreadableRoster("Le classeur est trop grand : envoyez la liste au format CSV.")
                sheet = load_workbook(raw, read_only=True, data_only=True).worksheets[0]
                announced = sheet.max_row or 1
                # The size that a sheet announces may be wrong, and then hides rows.
                sheet.reset_dimensions()
                width = 0
                for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
                    cells = [_cell_text(value) for value in values]
                    # A row ends at its last filled cell; the header tells how far it might have gone.
                    width = width or len(cells)
                    yield number, cells + [""] * (width - len(cells))
                    if number % 1000 == 0:
                        self.share_read = min(1.0, number / announced)
            except UnreadableRoster:
                raise
            except Exception:
                raise UnreadableRoster(f"« {self.path.name} » n'est pas un classeur Excel (.xlsx) lisible.") from None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cell_text(value: object) -> str:
    """What a person sees in the cell; Excel keeps dates and whole numbers as other things than text."""
    match value:
        case None:
            return ""
        case bool():
            return "oui" if value else "non"
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
