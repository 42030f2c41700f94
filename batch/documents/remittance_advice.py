"""The remittance advice: explains every cent of one transfer to a partner, as PDF and as CSV."""

import csv
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

from batch.documents.models import AdviceKind, AdviceLine, RemittanceAdvice
from batch.documents.parts import BOX_HEIGHT, amount_box, help_line, seal_block
from batch.documents.style import ACCENT, BRAND, MUTED, Page
from batch.documents.table import Column, Table
from batch.french import counted, day_in_figures, day_in_words, euros, moment, whole_number
from ledger.calendar import PARIS

COLUMNS = (
    Column("Date", 18),
    Column("Vente", 24),
    Column("Élève", 36, lines=2),
    Column("Licence ou équipement", 56, lines=2),
    Column("Avantage", 24),
    Column("Montant", 22, "right"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """How one kind of line is called: its heading, one of it, and its word in the CSV."""

    kind: AdviceKind
    heading: str
    one: str


PARTS = (
    Part("sale", "Ventes", "vente"),
    Part("refund", "Remboursements", "remboursement"),
    Part("carry_over", "Reports des semaines passées", "report"),
)

CSV_COLUMNS = (
    "campagne", "virement", "type", "date", "heure", "vente", "eleve", "ean", "titre", "avantage", "montant", "cumul",
)  # fmt: skip
CSV_WORDS = {part.kind: part.one for part in PARTS}

# A cell that begins with one of these is a formula to a spreadsheet, and whoever named a product could run it.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def remittance_advice_pdf(advice: RemittanceAdvice) -> bytes:
    """The advice on A4, as long as its lines make it: 10 000 lines take some 200 pages and a few seconds."""
    kind = "Avis de virement" if advice.transfer_cents else "Avis de report"
    turn = "exceptionnel" if advice.out_of_turn else "semaine"
    page = Page(kind, f"{turn} {advice.run}", advice.issued_at, help_line(advice.assistance))
    page.add_page()
    _who_and_how_much(page, advice)
    _summary(page, advice)
    _details(page, advice)
    _closing(page, advice)
    seal_block(page, advice.seal)
    return page.finished()


def remittance_advice_csv(advice: RemittanceAdvice) -> bytes:
    """The same lines for a spreadsheet: UTF-8 with its mark, `;`, amounts '12,50'.

    They add up to the transfer, and so the running total of the last line is what the bank statement shows.
    """
    file = StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    total = 0
    for line in advice.lines:
        total += line.amount_cents
        writer.writerow(_csv_row(advice, CSV_WORDS[line.kind], line.at, line, line.amount_cents, total))
    if carried := advice.carried_forward_cents:
        kind = "report sur le versement suivant"
        writer.writerow(_csv_row(advice, kind, advice.issued_at, None, -carried, total - carried))
    return file.getvalue().encode("utf-8-sig")


def _csv_row(
    advice: RemittanceAdvice, kind: str, at: datetime, line: AdviceLine | None, cents: int, total: int
) -> list[str]:
    local = at.astimezone(PARIS)
    words = (line.reference, line.student, line.ean, line.title, line.benefit) if line else ("", "", "", "", "")
    stamp = (f"{local:%d/%m/%Y}", f"{local:%H:%M}")
    amounts = (_amount(cents), _amount(total))
    return [advice.run, advice.end_to_end_id or "", kind, *stamp, *map(harmless, words), *amounts]


def _amount(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole},{rest:02}"


def harmless(cell: str) -> str:
    """The cell as a spreadsheet shows it and does not run it."""
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell


def _who_and_how_much(page: Page, advice: RemittanceAdvice) -> None:
    half = page.width / 2
    payee = advice.payee
    top = page.down
    if advice.transfer_cents:
        day = day_in_words(advice.execution_date) if advice.execution_date else "à fixer"
        facts = [("Référence sur votre relevé", advice.end_to_end_id or ""), ("Date d'exécution", day)]
        amount_box(page, page.left + half, half, "Montant du virement", euros(advice.transfer_cents), facts)
    else:
        facts = [("Reporté sur le versement suivant", euros(advice.carried_forward_cents))]
        amount_box(page, page.left + half, half, "Aucun virement", euros(0), facts)
    page.put(page.left, top + 4, payee.name, 12, bold=True, width=half - 6)
    page.put(page.left, top + 8.8, payee.town, 9, colour=MUTED, width=half - 6)
    page.fact(page.left, top + 15, "UAI", payee.uai, width=20)
    page.fact(page.left + 22, top + 15, "SIRET", payee.siret, width=30)
    page.fact(page.left + 53, top + 15, "Compte crédité", payee.iban_masked, width=half - 56)
    page.put(page.left, top + BOX_HEIGHT - 1.4, f"Payeur : {advice.payer}", 8.5, colour=MUTED, width=half - 6)
    page.down = top + BOX_HEIGHT + 7
    page.put(page.left, page.down, _period(advice), 10.5, bold=True, colour=BRAND)
    page.down += 3


def _period(advice: RemittanceAdvice) -> str:
    if advice.out_of_turn:
        return f"Versement exceptionnel : ventes jusqu’au {moment(advice.out_of_turn)}"
    return f"Ventes du {day_in_words(advice.first_day)} au {day_in_words(advice.last_day)}"


def _summary(page: Page, advice: RemittanceAdvice) -> None:
    table = Table(page, (Column("Récapitulatif", 118), Column("Lignes", 30, "right"), Column("Montant", 32, "right")))
    table.titles()
    for part in PARTS:
        lines = advice.of_kind(part.kind)
        table.row((part.heading, whole_number(len(lines)), euros(sum(line.amount_cents for line in lines))))
    if advice.carried_forward_cents:
        table.row(("Reporté sur le versement suivant", "", euros(-advice.carried_forward_cents)), ACCENT)
    table.total("Montant du virement", euros(advice.transfer_cents), BRAND)


def _details(page: Page, advice: RemittanceAdvice) -> None:
    page.heading("Détail")
    table = Table(page, COLUMNS)
    table.titles()
    if not advice.lines:
        table.empty("Aucun mouvement.")
    for part in PARTS:
        lines = advice.of_kind(part.kind)
        if not lines:
            continue
        table.group(part.heading)
        table.rows(map(_cells, lines))
        total = sum(line.amount_cents for line in lines)
        table.total(counted(len(lines), part.one), euros(total))


def _cells(line: AdviceLine) -> tuple[str, ...]:
    return (day_in_figures(line.at), line.reference, line.student, line.title, line.benefit, euros(line.amount_cents))


def _closing(page: Page, advice: RemittanceAdvice) -> None:
    page.room(14)
    page.down += 4
    paid, left = euros(advice.transfer_cents), euros(abs(advice.carried_forward_cents))
    if advice.transfer_cents:
        said = (
            f"Les lignes ci-dessus font {paid} : c'est, au centime près, le virement que votre relevé bancaire porte "
            f"sous la référence {advice.end_to_end_id}."
        )
    elif advice.carried_forward_cents < 0:
        said = (
            f"Les remboursements dépassent les ventes de {left}. Rien ne vous est demandé : cette somme sera retenue "
            "sur vos prochains virements."
        )
    elif advice.carried_forward_cents > 0:
        said = (
            f"La somme de {left} est inférieure au minimum d'un virement : elle sera payée avec le versement suivant."
        )
    else:
        said = "Rien n'est dû."
    page.paragraph(said, 9.5)
