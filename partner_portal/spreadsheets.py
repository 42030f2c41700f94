"""Tables that leave and come as spreadsheets: CSV as French programs read it, and Excel workbooks."""

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Literal

import xlsxwriter
from flask import Response, request
from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from batch.roster_file import RosterFile, UnreadableRoster
from ledger.calendar import PARIS

Kind = Literal["text", "euros", "day", "moment", "count"]
Form = Literal["csv", "xlsx"]
UnreadableFile = UnreadableRoster

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FORMATS = {"euros": '# ##0.00 "€"', "day": "dd/mm/yyyy", "moment": "dd/mm/yyyy hh:mm"}
# What a spreadsheet program would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and what its cells are. Amounts come as cents, instants with their time zone."""

    label: str
    kind: Kind = "text"
    width: int = 14


def wanted_form() -> Form:
    """The form that the request asks for (`?format=xlsx`); CSV if it says nothing we know."""
    return "xlsx" if request.args.get("format") == "xlsx" else "csv"


def download(name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]], form: Form) -> Response:
    """The table as a file called `name`, in the form asked for."""
    content = _workbook(columns, rows) if form == "xlsx" else _csv(columns, rows)
    response = Response(content, mimetype=_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{secure_filename(name)}.{form}"'
    return response


def _csv(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> bytes:
    file = StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow([column.label for column in columns])
    writer.writerows([_text(column.kind, value) for column, value in zip(columns, row, strict=True)] for row in rows)
    return file.getvalue().encode("utf-8-sig")


def _text(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    match kind:
        case "euros":
            return f"{'-' if value < 0 else ''}{abs(value) // 100},{abs(value) % 100:02}"
        case "day":
            return f"{value:%d/%m/%Y}"
        case "moment":
            return f"{value.astimezone(PARIS):%d/%m/%Y %H:%M}"
        case "count":
            return str(value)
    return f"'{value}" if str(value).startswith(_FORMULA) else str(value)


def _workbook(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        formats = {kind: workbook.add_format({"num_format": written}) for kind, written in _FORMATS.items()}
        heading = workbook.add_format({"bold": True, "bottom": 1})
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, column.label, heading)
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, start=1):
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                if value is not None:
                    _write(sheet, number, place, column.kind, value, formats)
    return file.getvalue()


def _write(sheet: Any, row: int, place: int, kind: Kind, value: Any, formats: dict[str, Any]) -> None:
    match kind:
        case "euros":
            sheet.write_number(row, place, value / 100, formats[kind])
        case "day":
            sheet.write_datetime(row, place, datetime.combine(value, datetime.min.time()), formats[kind])
        case "moment":
            sheet.write_datetime(row, place, value.astimezone(PARIS).replace(tzinfo=None), formats[kind])
        case "count":
            sheet.write_number(row, place, value)
        case _:
            sheet.write_string(row, place, str(value))


@contextmanager
def uploaded(file: FileStorage | None) -> Iterator[RosterFile]:
    """The lines of a file that was sent. Raises `UnreadableFile`, with a French sentence, when there is none."""
    if file is None or not file.filename:
        raise UnreadableFile("Choisissez d’abord un fichier CSV ou Excel (.xlsx).")
    if Path(file.filename).suffix.lower() not in (".csv", ".txt", ".xlsx"):
        raise UnreadableFile("Ce fichier n’est ni un CSV ni un classeur Excel : enregistrez-le en .csv ou en .xlsx.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (secure_filename(file.filename) or "fichier")
        file.stream.seek(0)
        file.save(path)
        yield RosterFile(path)
