"""The summary of a payout run, for the accountant: what was owed, paid, carried and held, and who signed."""

from batch.documents.models import PayoutRunSummary, RunRemainder
from batch.documents.parts import BOX_HEIGHT, amount_box, period_lines, seal_block
from batch.documents.style import ACCENT, BRAND, LINE, MUTED, Page
from batch.documents.table import Column, Table
from batch.french import counted, day_in_words, euros, moment, whole_number

PAYMENTS = (
    Column("N°", 11, "right"),
    Column("Bénéficiaire", 48, lines=2),
    Column("SIRET", 26),
    Column("Compte", 30),
    Column("Référence", 36),
    Column("Montant", 29, "right"),
)
REMAINDERS = (
    Column("Bénéficiaire", 56, lines=2),
    Column("SIRET", 26),
    Column("Motif", 69, lines=2),
    Column("Montant", 29, "right"),
)


def payout_run_pdf(run: PayoutRunSummary) -> bytes:
    """The summary on A4; every payment is listed, and the flags its approver saw stand below it."""
    page = Page("Campagne de virements", run.run, run.issued_at, f"Message {run.message_id}")
    page.add_page()
    _head(page, run)
    _balance(page, run)
    _fingerprints(page, run)
    _signatures(page, run)
    _payments(page, run)
    _remainders(page, "Reporté sur le versement suivant", run.carried)
    _remainders(page, "Retenu", run.held)
    seal_block(page, run.seal)
    return page.finished()


def _head(page: Page, run: PayoutRunSummary) -> None:
    half = page.width / 2
    top = page.down
    page.put(page.left, top + 4, run.payer, 12, bold=True, width=half - 6)
    for place, words in enumerate(period_lines(run.first_day, run.last_day, run.out_of_turn)):
        page.put(page.left, top + 9 + place * 4.6, words, 9.5, width=half - 6)
    page.fact(page.left, top + 20, "Compte débité", run.debtor_iban_masked, width=44)
    page.fact(page.left + 46, top + 20, "État", run.state, width=half - 52)
    facts = [("Nombre de virements", whole_number(len(run.payments))), ("Exécution", day_in_words(run.execution_date))]
    amount_box(page, page.left + half, half, "Somme des virements", euros(run.paid_cents), facts)
    page.down = top + BOX_HEIGHT + 6


def _balance(page: Page, run: PayoutRunSummary) -> None:
    columns = (
        Column("Équilibre de la campagne", 118),
        Column("Partenaires", 30, "right"),
        Column("Montant", 32, "right"),
    )
    table = Table(page, columns)
    table.titles()
    table.row(("Payé par cette campagne", whole_number(len(run.payments)), euros(run.paid_cents)))
    table.row(("Reporté sur le versement suivant", whole_number(len(run.carried)), euros(run.carried_cents)))
    table.row(("Retenu", whole_number(len(run.held)), euros(run.held_cents)))
    table.total("Dû aux partenaires à la clôture", euros(run.owed_cents), BRAND)


def _fingerprints(page: Page, run: PayoutRunSummary) -> None:
    page.heading("Empreintes SHA-256")
    rows = [("Contenu approuvé", run.content_sha256)]
    if run.file:
        size = f"{whole_number(run.file.size)} octets"
        rows.append((f"Fichier {run.file.name}, {size}", run.file.sha256))
    for label, digest in rows:
        page.put(page.left, page.down + 3.5, label, 7.5, colour=MUTED, width=page.width)
        grouped = " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))
        page.put(page.left, page.down + 7.7, grouped, 9, width=page.width)
        page.down += 9.6
    if not run.file:
        page.paragraph("Le fichier n'est pas encore produit.", 8.5, colour=MUTED)


def _signatures(page: Page, run: PayoutRunSummary) -> None:
    page.heading("Signatures")
    if not run.signatures:
        page.paragraph("Personne n'a encore signé cette campagne.", 8.5, colour=MUTED)
    gap, per_row, height = 4.0, 3, 27.0
    width = (page.width - gap * (per_row - 1)) / per_row
    for place, signature in enumerate(run.signatures):
        column = place % per_row
        if column == 0:
            if place:
                page.down += height + gap
            page.room(height + 2)
        x, y = page.left + column * (width + gap), page.down + 1
        page.set_draw_color(*LINE)
        page.set_line_width(0.3)
        page.rect(x, y, width, height)
        page.put(x + 3, y + 5, signature.act, 7.5, colour=MUTED, width=width - 6)
        page.put(x + 3, y + 9.8, signature.name, 10, bold=True, width=width - 6)
        page.put(x + 3, y + 13.8, signature.role, 8.5, width=width - 6)
        page.put(x + 3, y + 17.6, moment(signature.at), 7.5, colour=MUTED, width=width - 6)
        page.line(x + 3, y + height - 3, x + width - 3, y + height - 3)
    if run.signatures:
        page.down += height + 2


def _payments(page: Page, run: PayoutRunSummary) -> None:
    page.heading("Virements")
    table = Table(page, PAYMENTS)
    table.titles()
    if not run.payments:
        table.empty("Aucun virement.")
        return
    for number, payment in enumerate(run.payments, start=1):
        account, reference = payment.iban_masked, payment.end_to_end_id
        cells = (whole_number(number), payment.payee, payment.siret, account, reference, euros(payment.amount_cents))
        table.row(cells, note=", ".join(payment.flags))
    table.total(counted(len(run.payments), "virement"), euros(run.paid_cents), BRAND)


def _remainders(page: Page, title: str, remainders: tuple[RunRemainder, ...]) -> None:
    if not remainders:
        return
    page.heading(title)
    table = Table(page, REMAINDERS)
    table.titles()
    for item in remainders:
        table.row((item.payee, item.siret, item.reason, euros(item.amount_cents)))
    table.total(counted(len(remainders), "partenaire"), euros(sum(item.amount_cents for item in remainders)), ACCENT)
