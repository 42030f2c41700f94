"""The receipt of a sale, for the student: what was debited, what is left, and until when it can be used."""

from batch.documents.models import SaleReceipt
from batch.documents.parts import BOX_HEIGHT, amount_box, help_line
from batch.documents.style import ACCENT, MUTED, Page
from batch.documents.table import Column, Table
from batch.french import counted, day_in_words, euros, moment

LINES = (Column("Licence ou équipement", 62, lines=2), Column("Avantage", 36, lines=2), Column("Montant", 28, "right"))
BALANCES = (Column("Avantage", 48), Column("À utiliser avant le", 48), Column("Il vous reste", 30, "right"))


def receipt_pdf(receipt: SaleReceipt) -> bytes:
    """The receipt on A5, dated by the sale; cancelled lines stay visible and count for nothing."""
    page = Page("Reçu", receipt.reference, receipt.sold_at, help_line(receipt.assistance), paper="A5")
    page.add_page()
    _who(page, receipt)
    _lines(page, receipt)
    _balances(page, receipt)
    return page.finished()


def _who(page: Page, receipt: SaleReceipt) -> None:
    half = page.width / 2
    top = page.down
    page.fact(page.left, top + 2, "Élève", f"{receipt.student}, {receipt.class_name}", width=half - 4)
    page.fact(page.left, top + 12, "Partenaire", f"{receipt.partner}", width=half - 4)
    page.put(
        page.left, top + 20.4, f"{receipt.partner_town}, UAI {receipt.partner_uai}", 8, colour=MUTED, width=half - 4
    )
    facts = [("Le", moment(receipt.sold_at))]
    amount_box(page, page.left + half, half, "Montant débité", euros(receipt.debited_cents), facts)
    page.down = top + BOX_HEIGHT + 5


def _lines(page: Page, receipt: SaleReceipt) -> None:
    table = Table(page, LINES)
    table.titles()
    if not receipt.lines:
        table.empty("Aucun article.")
    for line in receipt.lines:
        if line.cancelled:
            table.row((f"{line.title} (annulé)", line.benefit, euros(0)), MUTED)
        else:
            table.row((line.title, line.benefit, euros(line.price_cents)))
    kept = sum(not line.cancelled for line in receipt.lines)
    table.total(f"Débité pour {counted(kept, 'article')}", euros(receipt.debited_cents))


def _balances(page: Page, receipt: SaleReceipt) -> None:
    page.heading("Ce qu'il vous reste")
    table = Table(page, BALANCES)
    table.titles()
    if not receipt.balances:
        table.empty("Aucun avantage en cours.")
    for balance in receipt.balances:
        table.row((balance.benefit, day_in_words(balance.usable_until), euros(balance.balance_cents)))
    page.down += 3
    left = [balance for balance in receipt.balances if balance.balance_cents > 0]
    if left:
        last = day_in_words(min(balance.usable_until for balance in left))
        said = f"Pensez-y : ce qui n'est pas utilisé avant le {last} est perdu."
        page.paragraph(said, 9.5, colour=ACCENT, bold=True)
