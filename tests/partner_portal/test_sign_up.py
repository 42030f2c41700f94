"""Sign-up of a school: step by step, resumed by mail, read while typed, sent once, talked about."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from ledger import partners, sign_ups
from tests.partner_portal.conftest import Visitor
from tests.partner_portal.sign_ups import (
    ACCOUNT,
    PDF,
    PEOPLE,
    PROMISES,
    SCHOOL,
    attach,
    fill_in,
    link_of,
    mails,
    make_directory,
    start,
)

ROOT = "/inscription"


def test_a_school_fills_in_its_file_and_sends_it(visitor: Visitor, books: Engine) -> None:
    start(visitor)
    fill_in(visitor)
    summary = visitor.get(f"{ROOT}/envoi").text
    for said in (
        "211\u00a0401\u00a0187\u00a000011",
        "0140013N",
        "FR76 •••• •••• 0189",
        "Mme Hélène Vasseur",
        "rib.pdf",
    ):
        assert said in summary
    assert "FR7630006000011234567890189" not in summary
    assert visitor.post(f"{ROOT}/envoi").location == f"{ROOT}/suivi"
    assert "La Région étudie votre dossier" in visitor.get(f"{ROOT}/suivi").text
    with books.connect() as conn:
        partner = partners.get(conn, 1)
        assert (partner.status, partner.uai, partner.iban) == ("submitted", "0140013N", "FR7630006000011234567890189")
        kept = conn.execute(text("select version, code, accepted_by from partner_commitment order by code")).all()
    assert [row.code for row in kept] == sorted(PROMISES)
    assert {row.accepted_by for row in kept} == {"sign_up:1"}
    assert [mail.purpose for mail in mails(books)] == ["sign_up_link", "sign_up_sent"]
    # What was sent is not sent twice, and not changed.
    assert visitor.post(f"{ROOT}/envoi").location == f"{ROOT}/suivi"
    assert visitor.post(f"{ROOT}/compte", ACCOUNT).location == f"{ROOT}/suivi"


WRONG = (
    ("etablissement", SCHOOL, {"siret": "21140118700012"}, "La clé de ce SIRET ne correspond pas"),
    ("etablissement", SCHOOL, {"siret": "35600000049838"}, "La clé de ce SIRET ne correspond pas"),
    ("etablissement", SCHOOL, {"uai": "0140013A"}, "La lettre de ce code UAI ne correspond pas"),
    ("etablissement", SCHOOL, {"name": " "}, "Indiquez le nom"),
    ("personnes", PEOPLE, {"phone": "0231"}, "dix chiffres"),
    ("personnes", PEOPLE, {"representative_email": "vasseur"}, "pas complète"),
    ("compte", ACCOUNT, {"iban": "FR7630006000011234567890188"}, "La clé"),
    ("engagements", PROMISES, {"real_cost": ""}, "Le coût réel : cet engagement est nécessaire"),
)


def test_a_wrong_answer_is_told_at_its_field_and_not_kept(visitor: Visitor, books: Engine) -> None:
    start(visitor)
    for step, right, wrong, sentence in WRONG:
        answer = visitor.post(f"{ROOT}/{step}", {name: value for name, value in (right | wrong).items() if value})
        assert answer.status_code == 422
        assert sentence in answer.text.replace("\u00a0", " ")
    with books.connect() as conn:
        sign_up = sign_ups.get(conn, 1)
        assert sign_up is not None
        assert sign_up.answers == {}


def test_an_office_of_la_poste_may_sign_up(visitor: Visitor) -> None:
    start(visitor)
    assert visitor.post(f"{ROOT}/etablissement", SCHOOL | {"siret": "356 000 000 49837"}).status_code == 302


def test_a_file_that_lacks_something_is_not_sent(visitor: Visitor, books: Engine) -> None:
    start(visitor)
    visitor.post(f"{ROOT}/etablissement", SCHOOL)
    page = visitor.get(f"{ROOT}/envoi").text
    assert "Il reste à remplir" in page
    assert "Envoyer à la Région" not in page
    answer = visitor.post(f"{ROOT}/envoi")
    assert answer.status_code == 409
    assert "Il manque encore des réponses" in answer.text
    with books.connect() as conn:
        assert conn.scalar(text("select count(*) from partner")) == 0


def test_a_file_is_resumed_by_the_link_of_its_mail_on_another_computer(app: Flask, books: Engine) -> None:
    here, there = Visitor(app), Visitor(app, "192.0.2.2")
    start(here)
    here.post(f"{ROOT}/etablissement", SCHOOL)
    assert there.get(f"{ROOT}/personnes").location == f"{ROOT}/reprendre"
    answer = there.get(link_of(mails(books)[0]))
    assert answer.location == f"{ROOT}/personnes"
    assert "0140013N" in there.get(f"{ROOT}/etablissement").text
    with books.connect() as conn:
        sign_up = sign_ups.get(conn, 1)
        assert sign_up is not None
        assert sign_up.email_proved_at is not None
    there.post(f"{ROOT}/fermer")
    assert there.get(f"{ROOT}/personnes").location == f"{ROOT}/reprendre"


def test_a_lost_link_is_replaced_without_telling_whether_the_address_is_known(app: Flask, books: Engine) -> None:
    start(Visitor(app))
    visitor = Visitor(app, "192.0.2.3")
    for email in ("vie.scolaire@lycee.example", "nobody@lycee.example"):
        visitor.get(f"{ROOT}/reprendre")
        assert "Regardez vos courriels" in visitor.post(f"{ROOT}/reprendre", {"email": email}).text
    assert [mail.recipient for mail in mails(books)] == ["vie.scolaire@lycee.example"] * 2
    assert visitor.get(link_of(mails(books)[1])).status_code == 302


def test_a_link_that_was_never_sent_opens_nothing(visitor: Visitor) -> None:
    answer = visitor.get(f"{ROOT}/ouvrir/quelquechose")
    assert answer.status_code == 410
    assert "02 00 00 00 00" in answer.text


READ = (
    ("iban", "FR76 3000 6000 0112 3456 7890 189", True, "CREDIT AGRICOLE"),
    ("iban", "FR76 3000 6000 0112 3456 7890 188", False, "clé"),
    ("uai", "0140013n", True, "Lycée Malherbe, Caen"),
    ("uai", "0140014P", True, "lettre de contrôle"),
    ("siret", "21140118700011", True, "juste"),
)


def test_a_number_is_read_while_it_is_typed(visitor: Visitor, books: Engine) -> None:
    make_directory(books)
    start(visitor)
    for field, typed, good, said in READ:
        answer = visitor.post(f"{ROOT}/lire", {"field": field, "typed": typed}).json
        assert answer["good"] is good
        assert said in answer["sentence"]


def test_only_the_fields_that_are_read_can_be_asked_for(visitor: Visitor) -> None:
    start(visitor)
    assert visitor.post(f"{ROOT}/lire", {"field": "password", "typed": "x"}).status_code == 400


NO_PAPERS = (
    ("rib.pdf", b"MZ\x90 not a paper", "ni un PDF"),
    ("rib.pdf", b"", "Choisissez un fichier|vide"),
    ("rib.pdf", b"%PDF-" + b"x" * 5_000_000, "5 Mo"),
    ("rib.svg", b"<svg onload='alert(1)'/>", "ni un PDF"),
)


def test_a_paper_that_is_not_one_is_refused(visitor: Visitor) -> None:
    start(visitor)
    for name, content, sentence in NO_PAPERS:
        answer = attach(visitor, name, content)
        assert answer.status_code == 422
        assert re.search(sentence, answer.text)


def test_a_paper_is_named_by_what_it_is_and_can_be_taken_away_until_it_is_sent(visitor: Visitor, books: Engine) -> None:
    start(visitor)
    assert attach(visitor, "..\\..\\C:\\scan<1>.exe.PDF", b"\x89PNG\r\n\x1a\nrest").status_code == 302
    attach(visitor, "again.png", b"\x89PNG\r\n\x1a\nrest")
    page = visitor.get(f"{ROOT}/pieces").text
    assert "scan1.exe.png" in page
    assert "again.png" not in page
    visitor.post(f"{ROOT}/pieces/1/retirer")
    assert "Aucune pour l’instant" in visitor.get(f"{ROOT}/pieces").text
    fill_in(visitor)
    visitor.post(f"{ROOT}/envoi")
    visitor.post(f"{ROOT}/pieces/3/retirer")
    with books.connect() as conn:
        assert conn.scalar(text("select count(*) from sign_up_document")) == 1


def test_nobody_takes_away_the_paper_of_another_file(app: Flask, books: Engine) -> None:
    one, other = Visitor(app), Visitor(app, "192.0.2.2")
    start(one)
    attach(one, "rib.pdf", PDF)
    start(other, "autre@lycee.example")
    other.get(f"{ROOT}/pieces")
    other.post(f"{ROOT}/pieces/1/retirer")
    with books.connect() as conn:
        assert conn.scalar(text("select count(*) from sign_up_document")) == 1


def test_a_second_file_for_the_same_school_is_told_where_to_ask(app: Flask) -> None:
    for email in ("une@lycee.example", "deux@lycee.example"):
        visitor = Visitor(app)
        start(visitor, email)
        fill_in(visitor)
        answer = visitor.post(f"{ROOT}/envoi")
    assert answer.status_code == 409
    assert "Un dossier existe déjà pour ce SIRET" in answer.text
    assert "02 00 00 00 00" in answer.text


def test_a_school_writes_to_the_region_about_its_file(visitor: Visitor) -> None:
    start(visitor)
    assert visitor.get(f"{ROOT}/suivi").location == f"{ROOT}/envoi"
    fill_in(visitor)
    visitor.post(f"{ROOT}/envoi")
    visitor.get(f"{ROOT}/suivi")
    visitor.post(f"{ROOT}/suivi", {"body": "Bonjour <script>alert(1)</script>\nMerci"})
    page = visitor.get(f"{ROOT}/suivi").text
    assert "&lt;script&gt;" in page
    assert visitor.post(f"{ROOT}/suivi", {"body": " "}).status_code == 422


def test_a_form_of_another_page_changes_nothing(visitor: Visitor) -> None:
    start(visitor)
    visitor.token = "forged"
    answer = visitor.post(f"{ROOT}/etablissement", SCHOOL)
    assert answer.status_code == 400
    assert "formulaire a expiré" in answer.text


def test_files_nobody_sent_are_forgotten_after_three_months(app: Flask, books: Engine) -> None:
    first = Visitor(app)
    start(first)
    attach(first, "rib.pdf", PDF)
    with books.begin() as conn:
        conn.execute(text("update sign_up set changed_at = now() - interval '91 days'"))
    start(Visitor(app), "deux@lycee.example")
    with books.connect() as conn:
        assert list(conn.scalars(text("select email from sign_up"))) == ["deux@lycee.example"]
        assert conn.scalar(text("select count(*) from sign_up_document")) == 0


@pytest.mark.browser
def test_the_pages_of_a_sign_up_are_clean(page: Page, books: Engine, look: Callable[[str], None]) -> None:
    make_directory(books)
    page.goto(ROOT)
    look("inscription")
    page.get_by_label("Votre nom").fill("Camille Roger")
    page.get_by_label("Votre adresse électronique").fill("vie.scolaire@lycee.example")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Enregistrer et continuer").click()
    expect(page.get_by_role("alert")).to_be_focused()
    look("inscription-etablissement-erreurs")
    page.get_by_label("Code UAI").fill("0140013n")
    expect(page.get_by_label("Nom de l’établissement")).to_have_value("Lycée Malherbe")
    page.get_by_label("Code UAI").press("Tab")
    page.keyboard.type("211 401 187 00011")
    expect(page.get_by_text("La clé de ce SIRET est juste")).to_be_visible()
    expect(page.locator("#siret-error")).to_have_count(0)
    look("inscription-etablissement")
    page.keyboard.press("Enter")
    for label, value in zip(
        ("Nom et prénom du responsable légal", "Fonction", "Adresse électronique du responsable légal"),
        list(PEOPLE.values())[:3],
        strict=True,
    ):
        page.get_by_label(label).fill(value)
    for label, value in zip(
        ("Nom et prénom du contact", "Adresse électronique du contact", "Téléphone du contact"),
        list(PEOPLE.values())[3:],
        strict=True,
    ):
        page.get_by_label(label).fill(value)
    look("inscription-personnes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Compte bancaire")).to_be_visible()
    page.get_by_label("IBAN").fill("FR76 3000 6000 0112 3456 7890 188")
    expect(page.get_by_text("ne correspond pas")).to_be_visible()
    page.get_by_label("IBAN").fill(ACCOUNT["iban"])
    expect(page.get_by_text("CREDIT AGRICOLE")).to_be_visible()
    page.get_by_label("Titulaire").fill(ACCOUNT["holder"])
    look("inscription-compte")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Vos engagements")).to_be_visible()
    for box in page.get_by_role("checkbox").all():
        box.focus()
        page.keyboard.press("Space")
    look("inscription-engagements")
    page.get_by_role("button", name="Accepter et continuer").press("Enter")
    expect(page.get_by_role("heading", name="Pièces du dossier")).to_be_visible()
    look("inscription-pieces-vide")
    page.get_by_label("Fichier PDF").set_input_files({"name": "rib.pdf", "mimeType": "", "buffer": PDF})
    page.get_by_role("button", name="Joindre cette pièce").click()
    expect(page.get_by_text("La pièce est jointe")).to_be_visible()
    look("inscription-pieces")
    page.get_by_role("link", name="Continuer vers l’envoi").click()
    expect(page.get_by_role("heading", name="Vérifiez, puis envoyez")).to_be_visible()
    look("inscription-envoi")
    page.get_by_role("button", name="Envoyer à la Région").click()
    expect(page.get_by_text("La Région étudie votre dossier")).to_be_visible()
    page.get_by_label("Votre message").fill("Bonjour, le RIB est celui de l’OGEC.")
    page.get_by_role("button", name="Envoyer le message").click()
    expect(page.get_by_text("Votre message est transmis")).to_be_visible()
    look("inscription-suivi")
    page.goto(f"{ROOT}/reprendre")
    look("inscription-reprendre")
    page.goto(f"{ROOT}/ouvrir/rien")
    look("inscription-lien-referme")
