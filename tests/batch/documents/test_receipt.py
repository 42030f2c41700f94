from dataclasses import replace

from batch.documents.receipt import receipt_pdf


def test_a_receipt_says_what_was_debited_what_is_left_and_until_when(look, receipt):
    (text,) = look(receipt_pdf(receipt)).pages
    for said in (
        "Montant débité",
        "22,40 €",
        "12,50 €",
        "Zoé C., 2nde pro 1",
        "Lycée polyvalent des Pommiers",
        "2 septembre 2026 à 10 h 15",
        "Débité pour 2 articles",
        "17,60 €",
        "100,00 €",
        "30 juin 2027",
        "ce qui n'est pas utilisé avant le 30 juin 2027 est perdu",
        "aide@region.example",
    ):
        assert said in text, said


def test_a_cancelled_line_stays_visible_and_counts_for_nothing(look, receipt):
    text = look(receipt_pdf(receipt)).text
    assert "Anglais bac pro (annulé)" in text
    assert "7,00 €" not in text
    assert receipt.debited_cents == 2240


def test_an_empty_balance_brings_no_reminder(look, receipt):
    spent = replace(receipt, balances=tuple(replace(balance, balance_cents=0) for balance in receipt.balances))
    assert "Pensez-y" not in look(receipt_pdf(spent)).text


def test_a_receipt_without_lines_or_balances_says_so(look, receipt):
    text = look(receipt_pdf(replace(receipt, lines=(), balances=()))).text
    assert "Aucun article." in text
    assert "Aucun avantage en cours." in text


def test_a_long_receipt_runs_over_pages(look, receipt):
    seen = look(receipt_pdf(replace(receipt, lines=receipt.lines * 40)))
    assert len(seen.pages) > 1
    assert f"1/{len(seen.pages)}" in seen.pages[0]
    assert "Licence ou équipement" in seen.pages[1]


def test_the_same_receipt_gives_the_same_bytes(receipt):
    assert receipt_pdf(receipt) == receipt_pdf(receipt)
