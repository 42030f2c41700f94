"""The reconciliation sheet of a run on paper: ledger, file and bank side by side, each difference with its name."""

from datetime import datetime

from batch.documents.parts import BOX_HEIGHT, amount_box, period_lines
from batch.documents.style import ACCENT, BRAND, MUTED, Page
from batch.documents.table import Column, Table
from batch.french import counted, euros, moment, whole_number
from ledger.payouts.runs import STATE_WORDS
from ledger.reconciliation.run_sheet import RunSheet, SheetRow, Why

PAYMENTS = (
    Column("Référence", 41),
    Column("Bénéficiaire", 47, lines=2),
    Column("Registre", 23, "right"),
    Column("Fichier", 23, "right"),
    Column("Banque", 23, "right"),
    Column("Écart", 23, "right"),
)
ITEMS = (
    Column("Depuis", 20),
    Column("Point ouvert", 38, lines=2),
    Column("Explication", 97, lines=3),
    Column("Montant", 25, "right"),
)


def reconciliation_pdf(sheet: RunSheet, made_at: datetime, closed_by: str = "") -> bytes:
    """The sheet on A4. `closed_by` is the name of who closed the run."""
    run = sheet.run
    footnote = f"Message {run.file.message_id}" if run.file else ""
    page = Page("Rapprochement bancaire", run.reference, made_at, footnote)
    page.add_page()
    _head(page, sheet)
    _balance(page, sheet)
    _differences(page, sheet)
    _items(page, sheet)
    _closing(page, sheet, closed_by)
    _payments(page, sheet)
    return page.finished()


def _head(page: Page, sheet: RunSheet) -> None:
    run, half, top = sheet.run, page.width / 2, page.down
    page.put(page.left, top + 4, run.payer.name, 12, bold=True, width=half - 6)
    for place, words in enumerate(period_lines(run.first_day, run.last_day, run.out_of_turn)):
        page.put(page.left, top + 9 + place * 4.6, words, 9.5, width=half - 6)
    page.fact(page.left, top + 20, "État", STATE_WORDS[run.state], width=half - 6)
    facts = [("Virements", whole_number(len(sheet.rows))), ("Points ouverts", whole_number(len(sheet.items)))]
    amount_box(page, page.left + half, half, "Reste à expliquer", euros(sheet.unsettled), facts)
    page.down = top + BOX_HEIGHT + 6


def _balance(page: Page, sheet: RunSheet) -> None:
    table = Table(page, (Column("Ce que dit", 118), Column("Virements", 30, "right"), Column("Montant", 32, "right")))
    table.titles()
    debited = [row for row in sheet.rows if row.debited]
    returned = [row for row in sheet.rows if row.returned]
    table.row(("Le registre : versé aux partenaires", whole_number(len(sheet.rows)), euros(sheet.ledger)))
    in_file = "—" if sheet.file is None else euros(sheet.file)
    table.row(("Le fichier remis à la banque", whole_number(len(sheet.rows)), in_file))
    table.row(("La banque : débité", whole_number(len(debited)), euros(sum(row.debited for row in debited))))
    table.row(("La banque : rendu", whole_number(len(returned)), euros(-sum(row.returned for row in returned))))
    table.total("Écart entre le registre et la banque", euros(sheet.ledger - sheet.bank), BRAND)
    if sheet.charges:
        page.paragraph(f"Frais retenus par des banques sur des retours : {euros(sheet.charges)}.", 8.5, colour=MUTED)


def _differences(page: Page, sheet: RunSheet) -> None:
    page.heading("D’où vient l’écart")
    table = Table(page, (Column("Motif", 118), Column("Virements", 30, "right"), Column("Écart", 32, "right")))
    table.titles()
    for why, (count, cents) in sheet.differences.items():
        table.row((why.value.capitalize(), whole_number(count), euros(cents)))
    if not sheet.differences:
        table.empty("Aucun écart : registre, fichier et banque disent la même chose.")


def _items(page: Page, sheet: RunSheet) -> None:
    if not sheet.items:
        return
    page.heading("Points ouverts")
    table = Table(page, ITEMS)
    table.titles()
    for item in sheet.items:
        amount = "" if item.amount is None else euros(item.amount)
        table.row((f"{item.since:%d/%m/%Y}", item.title, item.sentence, amount), note=item.decision or "")


def _closing(page: Page, sheet: RunSheet, closed_by: str) -> None:
    page.heading("Clôture")
    if sheet.closing is None:
        page.paragraph("Cette campagne n’est pas close.", 8.5, colour=MUTED)
        return
    page.paragraph(f"Close par {closed_by}, le {moment(sheet.closing.closed_at)}.")
    if sheet.closing.reason:
        page.paragraph(f"Écart de {euros(sheet.closing.difference)} : {sheet.closing.reason}", colour=ACCENT)


def _payments(page: Page, sheet: RunSheet) -> None:
    page.heading("Virements")
    table = Table(page, PAYMENTS)
    table.titles()
    for row in sheet.rows:
        in_file = "—" if row.file is None else euros(row.file)
        cells = (
            row.end_to_end_id,
            row.partner_name,
            euros(row.ledger),
            in_file,
            euros(row.bank),
            euros(row.difference),
        )
        table.row(cells, note=named(row))
    table.total(counted(len(sheet.rows), "virement"), euros(sheet.ledger - sheet.bank), BRAND)


def named(row: SheetRow) -> str:
    """The name of a row's difference with its reason code and what was issued in its place; empty if there is none."""
    if row.why is Why.AGREES:
        return ""
    code = f" ({row.code})" if row.code else ""
    again = f", réémis sous {row.replaced_by}" if row.replaced_by else ""
    return f"{row.why.value}{code}{again}"
