"""From the first page to the first sale: a school signs up, is accepted, pairs a till and sells."""

import dataclasses
import re
from uuid import uuid4

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from ledger import catalogue
from ledger.cards import printed_code
from ledger.catalogue import Offer
from ledger.rights import Role
from partner_portal.config import Config
from tests.ledger.scheme import ACTOR, BOOK, KEYS, make_scheme
from tests.partner_portal.conftest import CONFIG, PASSWORD, enrol, hire
from tests.partner_portal.sign_ups import PDF, link_of, mails

OFFICER, CLERK, SIGNER = "officier@region.example", "secretariat@corneille.example", "proviseur@corneille.example"
SCHOOL = {"Code UAI": "0760540Z", "SIRET": "217 605 401 00017", "Nom de l’établissement": "Lycée Corneille"}
PEOPLE = {
    "Nom et prénom du responsable légal": "M. Paul Auger",
    "Fonction": "Proviseur",
    "Adresse électronique du responsable légal": SIGNER,
    "Nom et prénom du contact": "Camille Roger",
    "Adresse électronique du contact": CLERK,
    "Téléphone du contact": "02 35 00 00 00",
}


@pytest.fixture
def config() -> Config:
    """The tests' settings, with their card key."""
    return dataclasses.replace(CONFIG, card_keys=KEYS)


def fill(page: Page, answers: dict[str, str], heading: str) -> None:
    """Fill in the step with this heading, and go on."""
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    for label, value in answers.items():
        page.get_by_label(label, exact=label != "Code UAI").fill(value)
    page.get_by_role("button", name="Enregistrer et continuer").click()


def sign_up(page: Page) -> None:
    """The school's side, to the end of its file."""
    page.goto("/inscription")
    page.get_by_label("Votre nom").fill("Camille Roger")
    page.get_by_label("Votre adresse électronique").fill(CLERK)
    page.get_by_role("button", name="Commencer").click()
    fill(page, SCHOOL | {"Commune": "Rouen"}, "Votre établissement")
    fill(page, PEOPLE, "Responsable et contact")
    account = {"IBAN": "FR14 2004 1010 0505 0001 3M02 606", "Titulaire du compte, comme sur le RIB": "Lycée Corneille"}
    fill(page, account, "Compte bancaire")
    expect(page.get_by_role("heading", name="Vos engagements")).to_be_visible()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Accepter et continuer").click()
    page.get_by_label("Fichier PDF").set_input_files({"name": "rib.pdf", "mimeType": "", "buffer": PDF})
    page.get_by_role("button", name="Joindre cette pièce").click()
    page.get_by_role("link", name="Continuer vers l’envoi").click()
    page.get_by_role("button", name="Envoyer à la Région").click()
    expect(page.get_by_text("La Région étudie votre dossier")).to_be_visible()


def sign_in(page: Page, email: str, arrival: str, secret: str | None = None) -> None:
    """Somebody else takes the computer."""
    page.context.clear_cookies()
    page.goto(f"/connexion?next={arrival}")
    page.get_by_label("Adresse électronique").fill(email)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    if secret:
        page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
        page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Se déconnecter")).to_be_visible()


def accept(page: Page, secret: str) -> None:
    """The officer's side."""
    sign_in(page, OFFICER, "/region/partenaires", secret)
    page.get_by_role("link", name="Lycée Corneille").click()
    page.get_by_role("button", name="Accepter le partenariat").click()
    page.get_by_role("dialog").get_by_role("button", name="Accepter le partenariat").click()
    expect(page.get_by_text("Lycée Corneille est partenaire")).to_be_visible()


def pairing_code(page: Page, invitation: str) -> str:
    """The manager's side: choose a password, sign in, make a code."""
    page.context.clear_cookies()
    page.goto(invitation)
    page.get_by_label("Nouveau mot de passe").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Votre mot de passe est enregistré")).to_be_visible()
    sign_in(page, SIGNER, "/partenaire/etablissement")
    page.get_by_role("link", name="Caisses", exact=True).click()
    page.get_by_role("button", name="Créer un code d’association").click()
    code = page.locator(".pairing-code").inner_text()
    assert re.fullmatch(r"[A-Z2-9]{5}-[A-Z2-9]{5}", code)
    return code


@pytest.mark.browser
def test_a_school_signs_up_is_accepted_and_makes_its_first_sale(page: Page, portal_url: str, books: Engine) -> None:
    with books.begin() as conn:
        scheme = make_scheme(conn)
    secret = enrol(books, hire(books, OFFICER, Role.REGION_OFFICER, name="Dominique Faure"))
    sign_up(page)
    assert [mail.purpose for mail in mails(books)] == ["sign_up_link", "sign_up_sent", "sign_up_arrived"]
    accept(page, secret)
    (invitation,) = (mail for mail in mails(books) if mail.purpose == "invitation")
    assert invitation.recipient == SIGNER
    code = pairing_code(page, link_of(invitation))
    with books.begin() as conn:
        invoiced = Offer(f"{BOOK:013}", "Maths 2nde", "Éditions du Bocage", "books", 3000, "Librairie", "F-1")
        catalogue.offer(conn, 2, [invoiced], actor=ACTOR)
    api = httpx.Client(base_url=f"{portal_url}/api/v1")
    paired = api.post("/terminals/pair", json={"pairing_code": code, "name": "Guichet 1"}).json()
    api.headers["Authorization"] = f"Bearer {paired['secret']}"
    assert paired["partner"]["uai"] == "0760540Z"
    sale = {
        "code": printed_code(KEYS, scheme.cards[0], 1),
        "lines": [{"ean": f"{BOOK:013}", "price_cents": 3000}],
    }
    answer = api.post("/sales", json=sale, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 201, answer.text
    assert answer.json()["debited_cents"] == 3000
    page.reload()
    expect(page.get_by_role("row", name="Guichet 1")).to_contain_text("Active")
    expect(page.get_by_role("row", name="Guichet 1")).not_to_contain_text("jamais")
