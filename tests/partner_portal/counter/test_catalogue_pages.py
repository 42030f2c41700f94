"""The catalogue: a number first, then the invoice; files are taken whole or not at all."""

import re
from collections.abc import Callable
from datetime import date
from io import BytesIO

import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Page, expect

from ledger import catalogue
from ledger.catalogue import Offer, Product
from partner_portal.catalogue_pages import imports
from tests.ledger.scheme import BOOK
from tests.partner_portal.conftest import Visitor
from tests.partner_portal.counter.conftest import School

Look = Callable[[str], None]
CATALOGUE = "/partenaire/catalogue"
TODAY = date(2026, 11, 24)
ACCEPTED = {"books": "Livres scolaires", "equipment": "Équipement professionnel"}
HEADING = "ISBN;Titre;Éditeur;Avantage;Coût réel;Fournisseur;Facture;Date facture\r\n"
NEW = "978-2-01-000004-1;Espagnol 2de;Presses de l’Orne;livres;9,90;Librairie du Bocage;F-1;21/08/2026\r\n"
EAN = "9782010000041"


def check(*rows: str, **known: dict[str, Product] | dict[str, Offer]) -> imports.Report:
    """What a file with these lines would do."""
    cells = [(number, row.rstrip().split(";")) for number, row in enumerate((HEADING, *rows), start=1)]
    options = {"products": {}, "offers": {}} | known
    return imports.check(imports.read_lines(cells), accepted=ACCEPTED, today=TODAY, **options)  # type: ignore[arg-type]


def offers(school: School) -> dict[str, Offer]:
    """The school's catalogue by EAN."""
    with school.engine.connect() as conn:
        return {offer.ean: offer for offer in catalogue.search(conn, school.partner_id)}


# -- deciding --------------------------------------------------------------------------------------------------------


def test_a_right_line_becomes_an_offer() -> None:
    (line,) = check(NEW).lines
    assert line.outcome == "new"
    assert line.offer == Offer(
        EAN,
        "Espagnol 2de",
        "Presses de l’Orne",
        "books",
        990,
        "Librairie du Bocage",
        "F-1",
        date(2026, 8, 21),
    )


def test_every_fault_of_a_line_is_told_at_once() -> None:
    (line,) = check("9782010000042;;Presses;voyages;0;Librairie;F-1;31/02/2026\r\n").lines
    assert line.outcome == "wrong"
    assert len(line.notes) == 5
    assert "La clé de ce code EAN" in line.notes[0]
    assert "calendrier" in line.notes[-1]


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [("", "manque"), ("12,505", "s’écrit"), ("-3", "s’écrit"), ("0", "supérieur à zéro"), ("100001", "inférieur")],
)
def test_a_real_cost_is_an_amount_above_zero(cell: str, sentence: str) -> None:
    (line,) = check(NEW.replace("9,90", cell)).lines
    assert sentence in line.notes[0]


def test_an_invoice_of_tomorrow_is_a_mistake() -> None:
    (line,) = check(NEW.replace("21/08/2026", "25/11/2026")).lines
    assert "futur" in line.notes[0]


def test_a_number_that_comes_twice_is_told_at_its_second_line() -> None:
    report = check(NEW, NEW)
    assert [line.outcome for line in report.lines] == ["new", "wrong"]
    assert report.lines[1].notes == ("Ce numéro est déjà à la ligne 2.",)


def test_a_known_product_keeps_its_title_and_a_new_cost_is_told() -> None:
    known = {EAN: Product(EAN, "¡Vamos! 2de", "Presses de l’Orne", "books")}
    before = Offer(EAN, "¡Vamos! 2de", "Presses de l’Orne", "books", 900, "L", "F-0", date(2026, 8, 1))
    (line,) = check(NEW, products=known, offers={EAN: before}).lines
    assert line.outcome == "changed"
    assert line.offer is not None
    assert line.offer.title == "¡Vamos! 2de"
    assert "¡Vamos!" in line.notes[0]
    assert "9,00" in line.notes[1]
    (line,) = check(NEW, products=known, offers={EAN: line.offer}).lines
    assert line.outcome == "same"


@pytest.mark.parametrize(
    ("heading", "sentence"),
    [
        ("ISBN;Titre;Éditeur;Coût réel;Facture;Date facture", "« fournisseur »"),
        ("ISBN;EAN;Titre;Éditeur;Coût réel;Fournisseur;Facture;Date facture", "plus d’une fois"),
    ],
)
def test_the_columns_are_all_there_once(heading: str, sentence: str) -> None:
    with pytest.raises(imports.UnreadableRoster, match=sentence):
        imports.read_lines([(1, heading.split(";")), (2, ["x"])])


# -- doing -----------------------------------------------------------------------------------------------------------


def send(visitor: Visitor, content: bytes, name: str = "licences.csv") -> str:
    """Send a file, and return the page that answers."""
    visitor.get(f"{CATALOGUE}/importer")
    return visitor.post(
        f"{CATALOGUE}/importer", {"file": (BytesIO(content), name)}, content_type="multipart/form-data"
    ).text


def test_one_wrong_line_keeps_the_whole_file_out(manager_client: Visitor, school: School) -> None:
    page = send(manager_client, (HEADING + NEW + NEW.replace("978-2-01-000004-1", "123")).encode())
    assert "Rien n’a été enregistré" in page
    assert "13 chiffres" in page
    assert EAN not in offers(school)
    page = send(manager_client, (HEADING + NEW).encode())
    assert "1\u00a0licence au catalogue" in page
    assert offers(school)[EAN].real_cost == 990


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "vide.csv", "est vide"),
        (b"PK\x03\x04abc", "x.xlsx", "classeur Excel"),
        (HEADING.encode("cp1252") + b"\xe9", "ansi.csv", "UTF-8"),
        (HEADING.encode(), "sans-ligne.csv", "aucune licence"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(
    manager_client: Visitor, school: School, content: bytes, name: str, sentence: str
) -> None:
    page = send(manager_client, content, name)
    assert sentence in page
    assert "aide@example.org" in page


def test_no_file_is_refused_with_a_sentence(manager_client: Visitor) -> None:
    manager_client.get(f"{CATALOGUE}/importer")
    assert "Choisissez d’abord" in manager_client.post(f"{CATALOGUE}/importer").text


def test_a_workbook_that_was_exported_is_imported_again(manager_client: Visitor, school: School) -> None:
    exported = manager_client.get(f"{CATALOGUE}/export?format=xlsx")
    sheet = load_workbook(BytesIO(exported.data)).active
    assert [cell.value for cell in sheet[1]][:2] == ["isbn", "titre"]
    assert sheet.max_row == 5
    page = send(manager_client, exported.data, "catalogue.xlsx")
    # Those without an invoice date, as schools enter them by the API, have it asked for.
    assert "La date de la facture manque" in page
    workbook = Workbook()
    workbook.active.append(HEADING.strip().split(";"))
    workbook.active.append([9782010000041, "Espagnol", "Orne", "", 9.9, "Bocage", "F-2", date(2026, 8, 21)])
    file = BytesIO()
    workbook.save(file)
    page = send(manager_client, file.getvalue(), "licences.xlsx")
    assert "L’avantage qui paie" in page
    csv = manager_client.get(f"{CATALOGUE}/export?format=csv").data.decode("utf-8-sig")
    assert csv.startswith("isbn;titre;éditeur")
    assert ";30,00;" in csv


def test_a_cashier_reads_the_catalogue_only(cashier_client: Visitor, school: School) -> None:
    page = cashier_client.get(CATALOGUE).text
    assert "Mathématiques 2de" in page
    assert "Ajouter" not in page
    assert cashier_client.get(f"{CATALOGUE}/ajouter").status_code == 403
    assert cashier_client.get(f"{CATALOGUE}/{BOOK}").status_code == 403


def test_a_wrong_number_in_an_address_is_not_found(manager_client: Visitor) -> None:
    assert manager_client.get(f"{CATALOGUE}/9782010000004").status_code == 404
    assert manager_client.get(f"{CATALOGUE}/x").status_code == 404


@pytest.mark.browser
def test_a_manager_adds_changes_and_withdraws_a_licence(manager: Page, school: School, look: Look) -> None:
    manager.goto(CATALOGUE)
    look("catalogue")
    manager.get_by_role("link", name="Ajouter une licence").click()
    expect(manager.get_by_label("ISBN ou EAN")).to_be_focused()
    manager.keyboard.type("9782010000042")
    manager.keyboard.press("Enter")
    expect(manager.get_by_role("alert")).to_contain_text("clé de ce code EAN")
    look("catalogue-numero-faux")
    manager.get_by_label("ISBN ou EAN").fill("978-2-01-000004-1")
    manager.get_by_role("button", name="Continuer").click()
    look("catalogue-nouvelle")
    manager.get_by_role("button", name="Enregistrer").click()
    expect(manager.get_by_role("alert")).to_contain_text("Des valeurs sont à corriger")
    look("catalogue-a-corriger")
    for label, value in {
        "Titre": "Espagnol 2de",
        "Éditeur": "Presses de l’Orne",
        "Coût réel": "9,9",
        "Fournisseur": "Librairie du Bocage",
        "Numéro de la facture": "F-2026-0500",
        "Date de la facture": "21/08/2026",
    }.items():
        manager.get_by_label(label).fill(value)
    manager.get_by_role("button", name="Enregistrer").click()
    expect(manager.get_by_text("« Espagnol 2de » est au catalogue")).to_be_visible()
    assert offers(school)[EAN].real_cost == 990
    manager.get_by_label("Chercher").fill("espagn")
    expect(manager.locator("tbody tr")).to_have_count(1)
    manager.get_by_role("link", name="Modifier Espagnol 2de").click()
    manager.get_by_label("Coût réel").fill("9,50")
    manager.get_by_role("button", name="Enregistrer").click()
    expect(manager.get_by_text("9,50")).to_have_count(2)
    manager.goto(f"{CATALOGUE}/{EAN}")
    look("catalogue-licence")
    manager.get_by_role("button", name="Retirer cette licence").click()
    manager.get_by_role("dialog").get_by_role("button", name="Retirer").click()
    expect(manager.get_by_text("retirée du catalogue")).to_be_visible()
    assert EAN not in offers(school)
    manager.get_by_label("Chercher").fill("zzzz")
    expect(manager.get_by_text("Aucune licence ne correspond")).to_be_visible()
    look("catalogue-rien-trouve")


@pytest.mark.browser
def test_a_manager_imports_a_file(manager: Page, school: School, look: Look) -> None:
    manager.goto(f"{CATALOGUE}/importer")
    look("catalogue-import")
    wrong = HEADING + NEW + NEW.replace("9,90", "gratuit").replace("000004-1", "000005-8")
    for content, name in ((wrong, "faux"), (HEADING + NEW, "juste")):
        file = {"name": "licences.csv", "mimeType": "text/csv", "buffer": content.encode()}
        manager.get_by_label("Fichier CSV ou Excel").set_input_files(file)  # type: ignore[arg-type]
        manager.get_by_role("button", name="Vérifier et importer").click()
        expect(manager.get_by_text(re.compile("À corriger|au catalogue")).first).to_be_visible()
        look(f"catalogue-import-{name}")
    assert EAN in offers(school)
