"""A file of licences, checked whole before any line is taken: every line is told what it would do, or what is wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from batch.french import euros
from batch.roster_cells import fold
from batch.roster_file import UnreadableRoster
from ledger.catalogue import Offer, Product
from partner_portal.catalogue_pages.cells import read_benefit, read_day, read_ean, read_real_cost, read_text

MOST_LINES = 5_000
COLUMNS: dict[str, tuple[str, str, bool]] = {
    "isbn": ("isbn", "ISBN ou EAN, 13 chiffres (10 pour un ISBN ancien)", True),
    "titre": ("titre", "Titre de la licence", True),
    "editeur": ("éditeur", "Éditeur ou marque", True),
    "avantage": ("avantage", "Livres scolaires ou Équipement professionnel ; vide si vous n’en acceptez qu’un", False),
    "cout_reel": ("coût réel", "Prix unitaire de la facture d’achat, en euros : 12,50", True),
    "fournisseur": ("fournisseur", "Fournisseur de la facture", True),
    "facture": ("facture", "Numéro de la facture", True),
    "date_facture": ("date facture", "Date de la facture : 21/08/2026", True),
}
"""By folded name: the name as a file writes it, what it holds, and whether it must be there."""
OTHER_NAMES = {
    "ean": "isbn",
    "ean13": "isbn",
    "isbn_ean": "isbn",
    "code": "isbn",
    "title": "titre",
    "marque": "editeur",
    "cout": "cout_reel",
    "cout_unitaire": "cout_reel",
    "prix": "cout_reel",
    "prix_unitaire": "cout_reel",
    "numero_facture": "facture",
    "numero_de_facture": "facture",
    "date_de_facture": "date_facture",
    "date_de_la_facture": "date_facture",
}

Outcome = Literal["new", "changed", "same", "wrong"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, and what becomes of it. `notes` are sentences; `offer` is None if it is wrong."""

    number: int
    ean: str
    title: str
    outcome: Outcome
    notes: tuple[str, ...]
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All lines. Nothing is entered unless every line is right."""

    lines: tuple[Line, ...]

    @property
    def wrong(self) -> int:
        """How many lines are wrong."""
        return sum(line.outcome == "wrong" for line in self.lines)

    def count(self, outcome: Outcome) -> int:
        """How many lines have this outcome."""
        return sum(line.outcome == outcome for line in self.lines)

    @property
    def offers(self) -> list[Offer]:
        """What to enter, once nothing is wrong."""
        return [line.offer for line in self.lines if line.offer is not None]

    @property
    def wrong_first(self) -> list[Line]:
        """The lines, with those to be corrected above."""
        return sorted(self.lines, key=lambda line: line.outcome != "wrong")


def read_lines(rows: Iterable[tuple[int, Sequence[str]]]) -> list[tuple[int, dict[str, str]]]:
    """The cells of each line by column. Raises `UnreadableRoster` when a column is missing or there is no line."""
    numbered = iter(rows)
    _, heading = next(numbered, (0, []))
    names = [OTHER_NAMES.get(fold(cell), fold(cell)) for cell in heading]
    missing = [COLUMNS[name][0] for name in COLUMNS if COLUMNS[name][2] and name not in names]
    if missing:
        raise UnreadableRoster(f"Il manque {_listed('la colonne', 'les colonnes', missing)} en première ligne.")
    twice = [COLUMNS[name][0] for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise UnreadableRoster(f"{_listed('La colonne', 'Les colonnes', twice)} s’y trouve plus d’une fois.")
    lines: list[tuple[int, dict[str, str]]] = []
    for number, cells in numbered:
        if len(lines) == MOST_LINES:
            raise UnreadableRoster(f"Un fichier compte {MOST_LINES} lignes au plus : coupez-le en plusieurs.")
        lines.append((number, {name: cell for name, cell in zip(names, cells, strict=False) if name in COLUMNS}))
    if not lines:
        raise UnreadableRoster("Le fichier ne contient aucune licence sous ses titres de colonnes.")
    return lines


def _listed(one: str, several: str, names: Sequence[str]) -> str:
    quoted = ", ".join(f"« {name} »" for name in names)
    return f"{one if len(names) == 1 else several} {quoted}"


def eans_in(lines: Iterable[tuple[int, Mapping[str, str]]]) -> list[str]:
    """The EANs that can be read, for looking up what is known of them."""
    found = []
    for _, cells in lines:
        try:
            found.append(read_ean(cells.get("isbn", "")))
        except ValueError:
            continue
    return found


def check(
    lines: Iterable[tuple[int, Mapping[str, str]]],
    *,
    accepted: Mapping[str, str],
    products: Mapping[str, Product],
    offers: Mapping[str, Offer],
    today: date,
) -> Report:
    """What each line would do to a catalogue: `offers` are its own by EAN, `products` what every partner knows."""
    seen: dict[str, int] = {}
    checked = []
    for number, cells in lines:
        line = _check(number, cells, accepted, products, offers, today)
        if line.offer is not None and line.ean in seen:
            note = f"Ce numéro est déjà à la ligne {seen[line.ean]}."
            line = Line(number, line.ean, line.title, "wrong", (note,))
        seen.setdefault(line.ean, number)
        checked.append(line)
    return Report(tuple(checked))


def _check(
    number: int,
    cells: Mapping[str, str],
    accepted: Mapping[str, str],
    products: Mapping[str, Product],
    offers: Mapping[str, Offer],
    today: date,
) -> Line:
    faults: list[str] = []

    def read(reader: Callable[[str], object], column: str) -> object:
        try:
            return reader(cells.get(column, ""))
        except ValueError as error:
            faults.append(str(error))
            return None

    ean = read(read_ean, "isbn")
    known = products.get(str(ean))
    title = read(lambda text: read_text(text, "Le titre", 200), "titre")
    publisher = read(lambda text: read_text(text, "L’éditeur", 200), "editeur")
    benefit = read(lambda text: read_benefit(text, accepted), "avantage")
    cost = read(read_real_cost, "cout_reel")
    supplier = read(lambda text: read_text(text, "Le fournisseur", 200), "fournisseur")
    invoice = read(lambda text: read_text(text, "Le numéro de la facture", 60), "facture")
    day = read(lambda text: read_day(text, today), "date_facture")
    shown = str(ean or cells.get("isbn", ""))
    if faults:
        return Line(number, shown, cells.get("titre", ""), "wrong", tuple(faults))
    # A product is the same for every partner, so the title first entered is kept.
    names = (known.title, known.publisher) if known else (title, publisher)
    offer = Offer(shown, *names, benefit, cost, supplier, invoice, day)  # type: ignore[arg-type]
    before = offers.get(shown)
    notes: tuple[str, ...] = ()
    if known is not None and fold(known.title) != fold(str(title)):
        notes = (f"Titre déjà connu : « {known.title} ».",)
    if before is None:
        return Line(number, shown, offer.title, "new", notes, offer)
    if before == offer:
        return Line(number, shown, offer.title, "same", notes, offer)
    if before.real_cost != offer.real_cost:
        notes += (f"Coût réel : {euros(before.real_cost)} devient {euros(offer.real_cost)}.",)
    return Line(number, shown, offer.title, "changed", notes, offer)
