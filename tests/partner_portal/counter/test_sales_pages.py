"""The sales a school looks up again: lists, one sale, receipts, cancellations by form."""

import re
from collections.abc import Callable
from io import BytesIO
from uuid import uuid4

import pypdfium2
import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import text

from ledger.sales import AskedLine, AskedSale, sell_now
from ledger.terminals import browser_terminal
from tests.ledger.scheme import BOOK, HELMET, OTHER_BOOK, make_partner
from tests.partner_portal.conftest import Visitor
from tests.partner_portal.counter.conftest import CASHIER, MANAGER, School

Look = Callable[[str], None]
SALES = "/partenaire/ventes"


def sell(school: School, student: int, *eans: int) -> int:
    """A sale at the school's other till, and its number."""
    prices = {BOOK: 3000, OTHER_BOOK: 2550, HELMET: 6000}
    with school.engine.begin() as conn:
        (sale,) = school.scheme.till.sell(conn, (school.scheme.cards[student], [(ean, prices[ean]) for ean in eans]))
    return sale.sale_id


def by_the_till(school: School) -> int:
    """A sale that the cashier makes in the browser, and its number."""
    with school.engine.begin() as conn:
        terminal = browser_terminal(conn, school.partner_id)
    (sold,) = sell_now(
        school.engine,
        person=f"person:{school.cashier_id}",
        terminal_id=terminal,
        secret_hash=None,
        key=uuid4(),
        request_hash=bytes(32),
        sales=[AskedSale(school.scheme.cards[0], (AskedLine(BOOK, 3000),))],
    )
    return sold.sale_id


def test_sales_are_listed_by_day_and_page(cashier_client: Visitor, school: School) -> None:
    for _ in range(51):
        with school.engine.begin() as conn:
            school.scheme.till.sell(conn, (school.scheme.cards[0], [(BOOK, 100)]))
    first = cashier_client.get(SALES).text
    assert first.count("Léa M.") == 50
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older is not None
    assert cashier_client.get(older[1].replace("&amp;", "&")).text.count("Léa M.") == 1
    assert "Aucune vente ce jour-là" in cashier_client.get(f"{SALES}?jour=2026-09-01").text
    assert cashier_client.get(f"{SALES}?jour=hier").status_code == 200


def test_a_manager_reads_who_was_at_the_browsers_till_and_a_cashier_does_not(app: Flask, school: School) -> None:
    sold = by_the_till(school)
    by_a_till = sell(school, 1, BOOK)
    manager, cashier = Visitor(app), Visitor(app)
    manager.sign_in(MANAGER)
    cashier.sign_in(CASHIER)
    manager.get(f"{SALES}/{sold}")
    manager.post(f"{SALES}/{sold}/annuler", {"key": str(uuid4()), "lines": "1"})
    listed = manager.get(SALES).text
    assert "Vendue par" in listed
    assert '"Vendue par">Alix Martin<' in listed
    assert '"Vendue par">Navigateur<' not in listed
    page = manager.get(f"{SALES}/{sold}").text
    for told in ("Vendue par</dt><dd>Alix Martin, le ", "Annulée par</dt><dd>Claire Le Goff, le "):
        assert told in page
    assert "Vendue par" not in manager.get(f"{SALES}/{by_a_till}").text
    for path in (SALES, f"{SALES}/{sold}"):
        assert "par</dt>" not in cashier.get(path).text
        assert "Vendue par" not in cashier.get(path).text


def test_a_line_is_cancelled_once_however_often_the_form_is_sent(cashier_client: Visitor, school: School) -> None:
    number = sell(school, 0, BOOK, OTHER_BOOK)
    page = cashier_client.get(f"{SALES}/{number}").text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    form = {"key": key[1], "lines": "2", "reason": "Erreur de manuel"}
    for _ in range(2):
        cashier_client.post(f"{SALES}/{number}/annuler", form)
        assert "25,50" in cashier_client.get(f"{SALES}/{number}").text
    assert school.balance(0) == 4000
    page = cashier_client.get(f"{SALES}/{number}").text
    assert "Annulée en partie" in cashier_client.get(SALES).text
    assert page.count('name="lines"') == 1
    cashier_client.post(f"{SALES}/{number}/annuler", {"key": "rien", "lines": "1"})
    assert school.balance(0) == 4000


def test_the_receipt_is_a_page_and_a_pdf(cashier_client: Visitor, school: School) -> None:
    number = sell(school, 0, BOOK)
    page = cashier_client.get(f"{SALES}/{number}/recu").text
    for said in ("Léa M.", "Lycée Malherbe", "30,00", "40,00", "30 juin 2027".replace(" ", "\u00a0")):
        assert said in page
    pdf = cashier_client.get(f"{SALES}/{number}/recu.pdf")
    assert pdf.mimetype == "application/pdf"
    read = pypdfium2.PdfDocument(BytesIO(pdf.data))[0].get_textpage().get_text_range()
    assert "Mathématiques 2de" in read


def test_the_receipt_is_mailed_once_to_the_address_known(cashier_client: Visitor, school: School) -> None:
    number = sell(school, 0, BOOK)
    cashier_client.get(f"{SALES}/{number}")
    cashier_client.post(f"{SALES}/{number}/courriel")
    cashier_client.post(f"{SALES}/{number}/courriel")
    with school.engine.connect() as conn:
        mails = conn.execute(text("select recipient, body_text from mail_outbox where purpose = 'receipt'")).all()
    assert [mail.recipient for mail in mails] == ["eleve0@lycee.example"]
    assert "40,00" in mails[0].body_text
    shown = cashier_client.get(f"{SALES}/{number}").text
    assert "e•••@lycee.example" in shown
    assert "eleve0@" not in shown
    without = sell(school, 1, BOOK)
    cashier_client.post(f"{SALES}/{without}/courriel")
    assert "Aucune adresse électronique" in cashier_client.get(f"{SALES}/{without}").text


def test_another_schools_sale_does_not_exist(cashier_client: Visitor, school: School) -> None:
    with school.engine.begin() as conn:
        other = make_partner(conn, siret="21760540100017", uai="0760540Z", name="Lycée Corneille")
        (sale,) = other.sell(conn, (school.scheme.cards[0], [(BOOK, 3000)]))
    for path in ("", "/recu", "/recu.pdf"):
        assert cashier_client.get(f"{SALES}/{sale.sale_id}{path}").status_code == 404
    cashier_client.get(SALES)
    form = {"key": "00000000-0000-4000-8000-000000000000", "lines": "1"}
    assert cashier_client.post(f"{SALES}/{sale.sale_id}/annuler", form).status_code == 404


def test_a_refused_sale_has_no_receipt(cashier_client: Visitor, school: School) -> None:
    with school.engine.begin() as conn:
        (sale,) = school.scheme.till.sell(conn, (school.scheme.cards[0], [(BOOK, 3000)] * 3))
    assert "a été refusée" in cashier_client.get(f"{SALES}/{sale.sale_id}").text
    assert cashier_client.get(f"{SALES}/{sale.sale_id}/recu").status_code == 404


@pytest.mark.browser
def test_the_pages_of_sales_are_clean(cashier: Page, school: School, look: Look) -> None:
    cashier.goto(SALES)
    look("ventes-vide")
    number = sell(school, 3, HELMET, BOOK)
    for student in (0, 1, 2):
        sell(school, student, BOOK, OTHER_BOOK)
    cashier.goto(f"{SALES}/{number}")
    look("vente")
    cashier.get_by_label("Casque").uncheck()
    cashier.get_by_label("Raison").fill("Erreur de manuel")
    cashier.get_by_role("button", name="Annuler ces licences").click()
    cashier.get_by_role("dialog").get_by_role("button", name="Annuler ces licences").click()
    expect(cashier.get_by_text("ont été rendus")).to_be_visible()
    look("vente-annulee")
    cashier.get_by_role("link", name="Reçu à imprimer").click()
    look("recu")
    cashier.goto(SALES)
    look("ventes")


@pytest.mark.browser
def test_the_managers_pages_of_sales_are_clean(manager: Page, school: School, look: Look) -> None:
    by_the_till(school)
    sell(school, 1, BOOK)
    manager.goto(SALES)
    expect(manager.get_by_role("cell", name="Alix Martin")).to_be_visible()
    look("ventes-responsable")
    manager.get_by_role("link", name="Léa M.").click()
    expect(manager.get_by_text("Alix Martin, le")).to_be_visible()
    look("vente-responsable")
