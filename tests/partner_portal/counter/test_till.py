"""The till page in Chromium: sales, refusals, cancellations, by keyboard alone, each exactly once."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ledger.scheme import BOOK
from tests.partner_portal.counter.conftest import School, scan

pytestmark = pytest.mark.browser
Look = Callable[[str], None]
NO_BREAK = "\u00a0"


@pytest.fixture
def till(cashier: Page) -> Page:
    """The till, open."""
    cashier.goto("/partenaire/caisse")
    return cashier


def debit(page: Page) -> None:
    """The return that a person presses; a scanner's own second return comes sooner and is passed over."""
    page.wait_for_timeout(750)
    page.keyboard.press("Enter")


def test_a_student_is_served_in_three_gestures_with_the_keyboard_alone(till: Page, school: School, look: Look) -> None:
    look("caisse-attente")
    scan(till, school.codes[0])
    expect(till.get_by_role("heading", name="Léa M.")).to_be_visible()
    expect(till.locator("#benefits")).to_contain_text("70,00")
    scan(till, str(BOOK))
    expect(till.get_by_role("button", name="Débiter 30,00")).to_be_enabled()
    look("caisse-eleve")
    debit(till)
    verdict = till.locator(".verdict-accepted")
    expect(verdict).to_contain_text(f"30,00{NO_BREAK}€")
    expect(verdict).to_contain_text(f"40,00{NO_BREAK}€")
    expect(verdict).to_contain_text(f"30{NO_BREAK}juin{NO_BREAK}2027")
    look("caisse-debitee")
    assert school.sales() == [3000]
    scan(till, school.codes[1])
    expect(till.get_by_role("heading", name="Noé B.")).to_be_visible()
    assert school.balance(0) == 4000


def test_words_of_a_title_find_a_licence_and_arrows_choose(till: Page, school: School, look: Look) -> None:
    scan(till, school.codes[0])
    till.get_by_label("Carte de l’élève").press_sequentially("2de")
    options = till.get_by_role("option")
    expect(options).to_have_count(3)
    look("caisse-recherche")
    till.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    till.keyboard.press("Enter")
    expect(till.locator("#lines li")).to_have_count(1)
    expect(till.locator("#lines")).to_contain_text("Physique-chimie")
    scan(till, "histoire")
    expect(till.locator("#lines li")).to_have_count(2)
    scan(till, "9782010000010")
    expect(till.locator("#said")).to_contain_text("déjà dans la liste")
    scan(till, "9782010000034")
    expect(till.locator("#said")).to_contain_text("Aucune licence")
    till.get_by_label("Carte de l’élève").fill("mathématiques")
    expect(options).to_have_count(1)
    # The list still shows mathematics when the return is pressed; what is typed counts.
    scan(till, " et histoire")
    expect(till.locator("#said")).to_contain_text("mathématiques et histoire")
    expect(till.locator("#lines li")).to_have_count(2)
    scan(till, "grammaire latine")
    expect(till.locator("#said")).to_contain_text("grammaire latine")


def test_a_scanner_on_a_french_keyboard_is_put_right(till: Page, school: School) -> None:
    swapped = str.maketrans("AQZWM23457", "QAWZ,é\"'(è")
    scan(till, school.codes[2].translate(swapped).replace("6", "-").lower())
    expect(till.get_by_role("heading", name="Inès L.")).to_be_visible()
    expect(till.locator("#said")).to_contain_text("douchette")


def test_a_scanners_second_return_debits_nobody(till: Page, school: School) -> None:
    scan(till, school.codes[0])
    expect(till.get_by_role("heading", name="Léa M.")).to_be_visible()
    scan(till, str(BOOK))
    till.keyboard.press("Enter")
    expect(till.locator("#lines li")).to_have_count(1)
    till.wait_for_timeout(300)
    assert school.sales() == []


def test_a_wrong_scan_says_what_is_wrong_and_where_help_is(till: Page, school: School, look: Look) -> None:
    scan(till, "A" + "B" * 31)
    verdict = till.locator(".verdict-refused")
    expect(verdict).to_contain_text("n’est pas une carte Atouts Normandie valable")
    expect(verdict).to_contain_text("Rien n’a été débité")
    expect(verdict).to_contain_text("aide@example.org")
    look("caisse-carte-inconnue")
    scan(till, "A" + "B" * 25)
    expect(till.locator("#said")).to_contain_text("26 ont été lus")
    # What is taken next is to be seen, not hidden behind what went wrong before.
    scan(till, str(BOOK))
    expect(till.locator("#basket")).to_contain_text("Mathématiques 2de")
    expect(verdict).to_be_hidden()
    scan(till, "9782010000004")
    expect(till.locator("#said")).to_contain_text("numéro de livre est faux")


def test_what_the_student_has_not_is_told_before_it_is_asked(till: Page, school: School, look: Look) -> None:
    scan(till, school.codes[0])
    expect(till.get_by_role("heading", name="Léa M.")).to_be_visible()
    for ean in (BOOK, 9_782_010_000_010, 9_782_010_000_027):
        scan(till, str(ean))
        expect(till.locator("#lines")).to_contain_text(str(ean))
    scan(till, "casque")
    expect(till.locator("#why")).to_contain_text("n’a pas l’avantage")
    till.get_by_role("button", name="Retirer Casque").click()
    till.get_by_label("Prix de Physique").fill("35,50")
    expect(till.locator("#why")).to_contain_text("dépasse son coût réel")
    till.get_by_label("Prix de Physique").fill("25,50")
    expect(till.get_by_role("button", name="Débiter 68,00")).to_be_enabled()
    till.get_by_label("Prix de Physique").fill("")
    expect(till.locator("#why")).to_contain_text("Indiquez le prix")
    expect(till.locator("#debit")).to_be_disabled()
    till.get_by_label("Prix de Physique").fill("25,50")
    scan(till, school.codes[3])
    expect(till.get_by_role("heading", name="Tom A.")).to_be_visible()
    expect(till.locator("#said")).to_contain_text("Vente de Léa M. abandonnée")
    expect(till.locator("#why")).to_contain_text("Il manque 28,00")
    expect(till.locator("#benefits")).to_contain_text("Équipement professionnel")
    look("caisse-solde-insuffisant")
    assert school.sales() == []


def test_what_was_spent_elsewhere_meanwhile_is_refused_with_the_balance(till: Page, school: School, look: Look) -> None:
    scan(till, school.codes[0])
    expect(till.get_by_role("heading", name="Léa M.")).to_be_visible()
    scan(till, str(BOOK))
    expect(till.locator("#debit")).to_be_enabled()
    with school.engine.begin() as conn:
        school.scheme.till.sell(conn, (school.scheme.cards[0], [(BOOK, 3000), (9_782_010_000_010, 2500)]))
    debit(till)
    verdict = till.locator(".verdict-refused")
    expect(verdict).to_contain_text("solde de l’élève ne suffit pas")
    expect(verdict).to_contain_text(f"15,00{NO_BREAK}€")
    look("caisse-refusee")
    till.get_by_role("button", name="Corriger la vente").click()
    till.get_by_label("Prix de Math").fill("15")
    till.get_by_label("Carte de l’élève").focus()
    debit(till)
    expect(till.locator(".verdict-accepted")).to_contain_text(f"0,00{NO_BREAK}€")
    assert school.balance(0) == 0


def test_a_sale_is_cancelled_from_its_verdict(till: Page, school: School, look: Look) -> None:
    scan(till, school.codes[0])
    expect(till.get_by_role("heading", name="Léa M.")).to_be_visible()
    scan(till, str(BOOK))
    expect(till.locator("#debit")).to_be_enabled()
    debit(till)
    till.get_by_role("button", name="Annuler la vente").click()
    till.get_by_role("dialog").get_by_role("button", name="Non").click()
    till.get_by_role("button", name="Annuler la vente").click()
    till.get_by_role("dialog").get_by_role("button", name="Annuler la vente").click()
    verdict = till.locator(".verdict-cancelled")
    expect(verdict).to_contain_text("Vente annulée")
    expect(verdict).to_contain_text(f"70,00{NO_BREAK}€")
    look("caisse-annulee")
    assert school.balance(0) == 7000


def test_the_receipt_is_mailed_once(till: Page, school: School) -> None:
    scan(till, school.codes[0])
    expect(till.get_by_role("heading", name="Léa M.")).to_be_visible()
    scan(till, str(BOOK))
    expect(till.locator("#debit")).to_be_enabled()
    debit(till)
    till.get_by_role("button", name="Reçu par courriel").click()
    expect(till.locator(".verdict-said")).to_contain_text("e•••@lycee.example")


def test_licences_can_be_kept_for_the_next_student(till: Page, school: School) -> None:
    scan(till, str(BOOK))
    till.get_by_label("Garder ces licences").check()
    for student in (0, 1, 2):
        scan(till, school.codes[student])
        expect(till.locator("#debit")).to_be_enabled()
        debit(till)
        expect(till.locator(".verdict-accepted")).to_be_visible()
    till.reload()
    expect(till.locator("#lines li")).to_have_count(1)
    assert school.sales() == [3000] * 3
