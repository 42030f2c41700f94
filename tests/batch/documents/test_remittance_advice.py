import csv
import io
import pickle
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batch.documents.models import UnbalancedDocument
from batch.documents.remittance_advice import remittance_advice_csv, remittance_advice_pdf


def rows(advice) -> list[dict[str, str]]:
    text = remittance_advice_csv(advice).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def cents(amount: str) -> int:
    return int(amount.replace(",", ""))


def test_an_advice_explains_the_transfer_by_the_reference_of_the_bank_statement(look, advice):
    text = look(remittance_advice_pdf(advice())).text
    for said in (
        "Avis de virement",
        "Montant du virement",
        "13,03 €",
        "ATN2026W36-000017",
        "8 septembre 2026",
        "Lycée des Pommiers",
        "FR76 •••• •••• 6389",
        "31 août 2026 au 6 septembre 2026",
        "3 ventes",
        "30,03 €",
        "1 remboursement",
        "−12,50 €",
        "−4,50 €",
        "au centime près",
        "Sceau du registre n° 412",
        "9f86d081 884c7d65 9a2feaa0",
        "1/1",
    ):
        assert said in text, said


def test_an_advice_out_of_turn_speaks_of_no_week(look, advice):
    made = advice(carried_over=0, run="2026-W48-X1", out_of_turn=datetime(2026, 11, 24, 14, 31, tzinfo=UTC))
    text = look(remittance_advice_pdf(made)).text
    for said in (
        "Avis de virement\nexceptionnel 2026-W48-X1",
        "Versement exceptionnel : ventes jusqu’au 24 novembre 2026 à 15 h 31",
    ):
        assert said in text, said
    assert "semaine" not in text.replace("Reports des semaines passées", "")
    assert {row["campagne"] for row in rows(made)} == {"2026-W48-X1"}


def test_every_line_of_a_long_advice_is_printed_once(look, advice):
    printed = look(remittance_advice_pdf(advice(sales=400)))
    assert len(printed.pages) > 5
    for number in range(400):
        assert printed.text.count(f"V-{number:08X}") == (2 if number == 0 else 1)
    for number, page in enumerate(printed.pages, start=1):
        assert f"{number}/{len(printed.pages)}" in page
        assert number == 1 or "Avis de virement semaine 2026-W36" in page


def test_an_advice_whose_lines_do_not_make_the_transfer_cannot_be_made(advice):
    good = advice()
    with pytest.raises(UnbalancedDocument, match="lines make 1303 cents"):
        replace(good, transfer_cents=1304)
    with pytest.raises(UnbalancedDocument, match="amount and id"):
        replace(good, end_to_end_id=None)
    with pytest.raises(UnbalancedDocument):
        replace(good, transfer_cents=-1, carried_forward_cents=1304, end_to_end_id=None)


def test_a_week_of_refunds_is_told_as_carried_over(look, advice):
    text = look(remittance_advice_pdf(advice(sales=0))).text
    assert "Avis de report" in text
    assert "Aucun virement" in text
    assert "Les remboursements dépassent les ventes de 17,00 €" in text


def test_an_amount_below_the_minimum_is_told_as_paid_later(look, advice):
    text = look(remittance_advice_pdf(advice(sales=1, refunds=0, carried_over=0, pay=False))).text
    assert "La somme de 10,00 € est inférieure au minimum" in text


def test_a_week_without_any_movement_has_its_advice_too(look, advice):
    text = look(remittance_advice_pdf(advice(sales=0, refunds=0, carried_over=0, seal=None))).text
    assert "Aucun mouvement." in text
    assert "Rien n'est dû" in text
    assert "Aucun sceau" in text


@pytest.mark.parametrize("shape", [{}, {"sales": 0}, {"pay": False}, {"sales": 0, "refunds": 0, "carried_over": 0}])
def test_the_lines_of_the_csv_add_up_to_the_transfer(advice, shape):
    made = advice(**shape)
    found = rows(made)
    assert sum(cents(row["montant"]) for row in found) == made.transfer_cents
    # It ends as the bank statement shows it: the amount of the transfer, and its end-to-end id.
    if found:
        assert cents(found[-1]["cumul"]) == made.transfer_cents
        assert found[-1]["virement"] == (made.end_to_end_id or "")


def test_the_csv_opens_in_a_french_spreadsheet(advice):
    data = remittance_advice_csv(advice())
    assert data.startswith(b"\xef\xbb\xbfcampagne;virement;type;date;heure;")
    first = rows(advice())[0]
    assert (first["date"], first["heure"], first["montant"]) == ("01/09/2026", "11:30", "10,00")
    assert rows(advice())[-2]["montant"] == "-12,50"


def test_a_title_cannot_smuggle_a_formula_into_the_spreadsheet(advice):
    made = advice(sales=1, refunds=0, carried_over=0)
    wicked = replace(made.lines[0], title='=HYPERLINK("http://x")', student="+33")
    row = rows(replace(made, lines=(wicked,)))[0]
    assert row["titre"].startswith("'=")
    assert row["eleve"].startswith("'+")


def test_the_same_advice_gives_the_same_bytes_in_another_process_and_time_zone(advice, tmp_path):
    here = remittance_advice_pdf(advice())
    assert here == remittance_advice_pdf(advice())
    pickled = tmp_path / "advice.pickle"
    code = (
        "import pickle, sys, pathlib; from batch.documents.remittance_advice import remittance_advice_pdf;"
        f"advice = pickle.loads(pathlib.Path({str(pickled)!r}).read_bytes());"
        "sys.stdout.buffer.write(remittance_advice_pdf(advice))"
    )
    pickled.write_bytes(pickle.dumps(advice()))
    environment = {"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "PATH": "/usr/bin"}
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment).stdout
    assert there == here


def test_the_file_carries_the_date_of_the_advice_and_none_of_its_drawing(advice):
    made = advice(issued_at=datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC))
    pdf = remittance_advice_pdf(made)
    assert b"D:20310203040506Z" in pdf
    assert pdf.count(b"D:20") == 1


def test_ten_thousand_lines_take_seconds(advice):
    made = advice(sales=10_000)
    started = time.perf_counter()
    remittance_advice_pdf(made)
    remittance_advice_csv(made)
    assert time.perf_counter() - started < 20
