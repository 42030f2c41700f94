"""The reconciliation sheet of a run as an Excel workbook: its sums, its payments, its open items."""

from io import BytesIO
from typing import Any

import xlsxwriter

from batch.documents.parts import period_lines
from batch.documents.reconciliation_sheet import named
from ledger.payouts.runs import STATE_WORDS
from ledger.reconciliation.run_sheet import RunSheet

_EUROS = '# ##0.00 "€"'


def reconciliation_xlsx(sheet: RunSheet) -> bytes:
    """The workbook. Texts are written as texts, so that no name is ever taken for a formula."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        workbook.set_properties({"title": f"Rapprochement {sheet.run.reference}", "created": sheet.run.prepared_at})
        bold = workbook.add_format({"bold": True, "bottom": 1})
        money = workbook.add_format({"num_format": _EUROS})
        _sums(workbook.add_worksheet("Rapprochement"), sheet, bold, money)
        _payments(workbook.add_worksheet("Virements"), sheet, bold, money)
        _items(workbook.add_worksheet("Points ouverts"), sheet, bold, money)
    return file.getvalue()


def _sums(page: Any, sheet: RunSheet, bold: Any, money: Any) -> None:
    page.set_column(0, 0, 44)
    page.set_column(1, 1, 18)
    page.write_row(0, 0, [f"Campagne {sheet.run.reference}", STATE_WORDS[sheet.run.state]], bold)
    run = sheet.run
    page.write_string(1, 0, " ".join(period_lines(run.first_day, run.last_day, run.out_of_turn)))
    lines = [
        ("Registre", sheet.ledger),
        ("Fichier", sheet.file),
        ("Banque", sheet.bank),
        ("Écart entre le registre et la banque", sheet.ledger - sheet.bank),
        *((f"dont {why.value}", cents) for why, (_, cents) in sheet.differences.items()),
        ("Frais retenus sur des retours", sheet.charges),
        ("Reste à expliquer", sheet.unsettled),
    ]
    for number, (label, cents) in enumerate(lines, start=3):
        page.write_string(number, 0, label)
        if cents is not None:
            page.write_number(number, 1, cents / 100, money)


def _payments(page: Any, sheet: RunSheet, bold: Any, money: Any) -> None:
    titles = ("Référence", "Bénéficiaire", "Registre", "Fichier", "Débité", "Rendu", "Écart", "Motif")
    page.write_row(0, 0, titles, bold)
    page.freeze_panes(1, 0)
    page.set_column(0, 1, 30)
    page.set_column(2, 6, 14)
    page.set_column(7, 7, 44)
    for number, row in enumerate(sheet.rows, start=1):
        page.write_string(number, 0, row.end_to_end_id)
        page.write_string(number, 1, row.partner_name)
        for place, cents in enumerate((row.ledger, row.file, row.debited, row.returned, row.difference), start=2):
            if cents is not None:
                page.write_number(number, place, cents / 100, money)
        page.write_string(number, 7, named(row))
    if sheet.rows:
        page.autofilter(0, 0, len(sheet.rows), len(titles) - 1)


def _items(page: Any, sheet: RunSheet, bold: Any, money: Any) -> None:
    page.write_row(0, 0, ("Depuis", "Jours", "Point", "Explication", "Montant", "Décision"), bold)
    page.freeze_panes(1, 0)
    page.set_column(0, 1, 12)
    page.set_column(2, 3, 50)
    page.set_column(4, 5, 18)
    for number, item in enumerate(sheet.items, start=1):
        page.write_string(number, 0, f"{item.since:%d/%m/%Y}")
        page.write_number(number, 1, item.age_days)
        page.write_string(number, 2, item.title)
        page.write_string(number, 3, item.sentence)
        if item.amount is not None:
            page.write_number(number, 4, item.amount / 100, money)
        page.write_string(number, 5, item.decision or "")
