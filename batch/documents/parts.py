"""Parts that several documents share: the great amount, who gets help where, the seal over the books."""

from datetime import date, datetime

from batch.documents.models import Assistance, Seal
from batch.documents.style import ACCENT, BRAND, MUTED, PALE, WHITE, Page
from batch.french import NO_BREAK, day_in_words, moment

BOX_HEIGHT = 27.0


def help_line(assistance: Assistance) -> str:
    """For the foot of a page."""
    phone = assistance.phone.replace(" ", NO_BREAK)
    hours = assistance.hours.replace(" h", f"{NO_BREAK}h")
    return f"Une question ? {assistance.email} – {phone} ({hours})"


def period_lines(first_day: date, last_day: date, out_of_turn: datetime | None) -> tuple[str, str]:
    """What a run pays for, for the Region, in two short lines."""
    if out_of_turn:
        return "Campagne exceptionnelle", f"arrêtée le {moment(out_of_turn)}"
    return f"Semaine du {day_in_words(first_day)}", f"au {day_in_words(last_day)}"


def amount_box(page: Page, x: float, width: float, label: str, amount: str, facts: list[tuple[str, str]]) -> None:
    """The amount the document is about, with what one looks for on the bank statement; as high as `BOX_HEIGHT`."""
    y = page.down
    page.box(x, y, width, BOX_HEIGHT, BRAND)
    page.box(x, y, 1.4, BOX_HEIGHT, ACCENT)
    page.put(x + 5, y + 6, label, 8.5, colour=WHITE, width=width - 8)
    page.put(x + 5, y + 14, amount, 20, bold=True, colour=WHITE, width=width - 8)
    column = (width - 8) / max(1, len(facts))
    for number, (name, value) in enumerate(facts):
        page.put(x + 5 + number * column, y + 19.6, name, 7, colour=(200, 212, 232), width=column - 2)
        page.put(x + 5 + number * column, y + 23.8, value, 9, bold=True, colour=WHITE, width=column - 2)


def seal_block(page: Page, seal: Seal | None) -> None:
    """The latest seal, to be compared with the books in any later quarrel."""
    page.room(22)
    page.down += 7
    top = page.down
    height = 15.5 if seal else 8.5
    page.box(page.left, top, page.width, height, PALE)
    page.box(page.left, top, 1.4, height, ACCENT)
    if seal is None:
        page.put(page.left + 5, top + 5.4, "Aucun sceau n'était encore posé sur les écritures.", 8.5, colour=MUTED)
    else:
        title = f"Sceau du registre n°{NO_BREAK}{seal.number}, posé le {moment(seal.sealed_at)}"
        page.put(page.left + 5, top + 5, title, 8.5, bold=True, width=page.width - 10)
        grouped = " ".join(seal.digest[start : start + 8] for start in range(0, len(seal.digest), 8))
        page.put(page.left + 5, top + 9.3, grouped, 8.5, width=page.width - 10)
        why = "Ce sceau permet de vérifier plus tard qu'aucune écriture antérieure n'a été changée, retirée ou ajoutée."
        page.put(page.left + 5, top + 13.2, why, 7.5, colour=MUTED, width=page.width - 10)
    page.down = top + height
