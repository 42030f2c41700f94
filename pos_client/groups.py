"""A class's group purchase from a file: one student's card a line, and what each of them takes.

The file is a CSV as a spreadsheet saves it in France: semicolons or commas, UTF-8 or Windows-1252. The card is in the
column `carte` (or `code`). The columns `ean` and `prix` may stand beside it, for students who do not all take the same;
several lines of one card are one sale.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pos_client.codes import CardCode, NotACard, NotAnEan, read_card, read_ean
from pos_client.french import NotAnAmount, cents

MAX_BYTES = 1024 * 1024
CARD_COLUMNS = ("carte", "code", "qr")
EAN_COLUMNS = ("ean", "isbn")
PRICE_COLUMNS = ("prix", "price")


class UnreadableGroup(ValueError):
    """The file is not one that can be sold from; the message has a sentence for each wrong line."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A product that one student takes; the price in cents where the file says one."""

    ean: str
    price_cents: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One student of the group; no products of their own means: what the whole group takes."""

    code: CardCode
    line: int
    """Where the file first names the card."""
    products: tuple[Taken, ...]


def read_group(file: Path) -> list[Listed]:
    """The students in a file, in its order. Raises UnreadableGroup with every wrong line, not only the first."""
    try:
        rows = list(_rows(_text(file)))
    except csv.Error as error:
        raise UnreadableGroup("Ce fichier n’est pas un CSV : enregistrez le tableur au format CSV.") from error
    if not rows:
        raise UnreadableGroup("Le fichier ne contient aucune ligne.")
    members: dict[str, Listed] = {}
    wrong: list[str] = []
    for line, row in rows:
        try:
            code = read_card(_cell(row, CARD_COLUMNS))
            taken = _taken(row)
        except (NotACard, NotAnEan, NotAnAmount) as error:
            wrong.append(f"Ligne {line} : {error}")
            continue
        before = members.get(code.text)
        if before and (not taken or not before.products or taken[0].ean in {each.ean for each in before.products}):
            wrong.append(f"Ligne {line} : cette carte est déjà à la ligne {before.line}.")
            continue
        first_line, products = (before.line, before.products) if before else (line, ())
        members[code.text] = Listed(code, first_line, products + taken)
    if wrong:
        raise UnreadableGroup("\n".join(wrong))
    return list(members.values())


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableGroup(f"Le fichier {file} ne peut pas être lu.") from error
    if len(content) > MAX_BYTES:
        raise UnreadableGroup("Le fichier est trop lourd : 1 Mo au plus.")
    if b"\0" in content:
        raise UnreadableGroup("Ce fichier n’est pas un CSV : enregistrez le tableur au format CSV.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line that says something, with its number in the file and its cells by column."""
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(";,\t", key=first.count))
    names: list[str] | None = None
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if names is None:
            names = [cell.strip().casefold() for cell in cells]
            if any(name in CARD_COLUMNS for name in names):
                continue
            # A bare list of codes, straight from a scanner, has no headings.
            names = ["carte", "ean", "prix"]
        yield reader.line_num, dict(zip(names, cells, strict=False))


def _cell(row: dict[str, str], names: tuple[str, ...]) -> str:
    return next((row[name].strip() for name in names if row.get(name, "").strip()), "")


def _taken(row: dict[str, str]) -> tuple[Taken, ...]:
    ean, price = _cell(row, EAN_COLUMNS), _cell(row, PRICE_COLUMNS)
    if not ean:
        return ()
    return (Taken(read_ean(ean), cents(price) if price else None),)
