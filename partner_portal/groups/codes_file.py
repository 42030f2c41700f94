"""A file of students' codes, as a school's own list holds them: one code a line, wherever its column stands."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from batch.roster_cells import fold
from ledger.refusals import SENTENCES, Refusal
from pos_client.codes import NotACard, read_card

HEADINGS = {"code", "codes", "carte", "qr", "code_qr", "code_carte", "carte_eleve"}


@dataclass(frozen=True, slots=True)
class CodesRead:
    """The cards that were found, and for each line without one the sentence that says why."""

    cards: tuple[int, ...]
    faults: tuple[tuple[int, str], ...]


def read_codes(rows: Iterable[tuple[int, Sequence[str]]], card_of: Callable[[str], int | Refusal]) -> CodesRead:
    """The cards in a file. `card_of` tells the card behind a code's text.

    The column is the one called "code"; in a file without titles it is the first one that holds a code.
    """
    cards: list[int] = []
    faults: list[tuple[int, str]] = []
    column: int | None = None
    for place, (number, cells) in enumerate(rows):
        if place == 0:
            column = next((at for at, cell in enumerate(cells) if fold(cell) in HEADINGS), None)
            if column is not None:
                continue
        found = _card(cells if column is None else cells[column : column + 1], card_of)
        if isinstance(found, str):
            # The first line of a file may hold titles that we do not know.
            if place or column is not None:
                faults.append((number, found))
        else:
            cards.append(found)
    return CodesRead(tuple(cards), tuple(faults))


def _card(cells: Sequence[str], card_of: Callable[[str], int | Refusal]) -> int | str:
    sentence = "Il n’y a pas de code de carte sur cette ligne."
    for cell in cells:
        if not cell:
            continue
        try:
            found = card_of(read_card(cell).text)
        except NotACard as error:
            if len(cells) == 1:
                sentence = str(error)
            continue
        if not isinstance(found, Refusal):
            return found
        sentence = SENTENCES[found]
    return sentence
