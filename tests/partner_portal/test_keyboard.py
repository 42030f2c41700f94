"""The sign-up and the Region officer's desk, walked without a mouse: by Tab and Enter, always seeing where one is."""

import re
from dataclasses import dataclass

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import Engine, text

from ledger import partners
from ledger.rights import Role
from tests.partner_portal.conftest import PASSWORD, Visitor, enrol, hire
from tests.partner_portal.sign_ups import ACCOUNT, PDF, PEOPLE, make_directory, send

pytestmark = pytest.mark.browser

DESK = "/region/partenaires"
OFFICER = "officier@region.example"
OTHER_IBAN = "FR1420041010050500013M02606"
MOST_STOPS = 60
_IS_SEEN = """() => {
  const at = document.activeElement;
  if (at === document.body) return true;
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && (style.outlineStyle !== "none" || style.boxShadow !== "none");
}"""


@dataclass
class Walker:
    """Somebody with a keyboard. At each stop of Tab the focus is to be seen."""

    page: Page

    def to(self, wanted: Locator) -> None:
        """Press Tab until it is there."""
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            assert self.page.evaluate(_IS_SEEN), self.page.evaluate("document.activeElement.outerHTML")
            if wanted.and_(self.page.locator(":focus")).count():
                return
        raise AssertionError(f"{wanted} is not reached by Tab")

    def field(self, label: str, typed: str) -> None:
        """Go to a field, and type."""
        self.to(self.page.get_by_label(label))
        self.page.keyboard.type(typed)

    def button(self, name: str) -> None:
        """Go to a button, and press it."""
        self.to(self.page.get_by_role("button", name=name))
        self.page.keyboard.press("Enter")

    def link(self, name: str) -> None:
        """Go to a link, and follow it."""
        self.to(self.page.get_by_role("link", name=name))
        self.page.keyboard.press("Enter")

    def sees(self, words: str) -> None:
        """What the page shows by now."""
        expect(self.page.get_by_text(words).first).to_be_visible()

    def arrives(self, heading: str) -> None:
        """The page that comes next has loaded."""
        expect(self.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        self.page.wait_for_load_state("load")


def status(books: Engine) -> str:
    with books.connect() as conn:
        return partners.get(conn, 1).status


def test_a_school_signs_up_without_a_mouse(page: Page, books: Engine) -> None:
    make_directory(books)
    walker = Walker(page)
    # From the beginning: Chromium asks us for the file only once it has been told to, which takes its time.
    page.on("filechooser", lambda asks: asks.set_files({"name": "rib.pdf", "mimeType": "", "buffer": PDF}))
    page.goto("/inscription")
    walker.field("Votre nom", "Camille Roger")
    walker.field("Votre adresse électronique", "vie.scolaire@lycee.example")
    walker.button("Commencer")
    walker.arrives("Votre établissement")
    walker.button("Enregistrer et continuer")
    expect(page.get_by_role("alert")).to_be_focused()
    # The summary of what is wrong leads to each field.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label(re.compile("UAI"))).to_be_focused()
    page.keyboard.type("0140013n")
    walker.field("SIRET", "211 401 187 00011")
    expect(page.get_by_label("Nom de l’établissement")).to_have_value("Lycée Malherbe")
    page.keyboard.press("Enter")
    walker.arrives("Responsable et contact")
    labels = (
        "Nom et prénom du responsable légal",
        "Fonction",
        "Adresse électronique du responsable légal",
        "Nom et prénom du contact",
        "Adresse électronique du contact",
        "Téléphone du contact",
    )
    for label, value in zip(labels, PEOPLE.values(), strict=True):
        walker.field(label, value)
    page.keyboard.press("Enter")
    walker.arrives("Compte bancaire")
    walker.field("IBAN", ACCOUNT["iban"])
    walker.field("Titulaire du compte", ACCOUNT["holder"])
    page.keyboard.press("Enter")
    walker.arrives("Vos engagements")
    for box in page.get_by_role("checkbox").all():
        walker.to(box)
        page.keyboard.press("Space")
    walker.button("Accepter et continuer")
    walker.arrives("Pièces du dossier")
    file = page.get_by_label("Fichier PDF")
    walker.to(file)
    page.keyboard.press("Space")
    expect(file).to_have_value(re.compile(r"rib\.pdf"))
    walker.button("Joindre cette pièce")
    walker.sees("La pièce est jointe")
    walker.link("Continuer vers l’envoi")
    walker.arrives("Vérifiez, puis envoyez")
    walker.button("Envoyer à la Région")
    walker.sees("La Région étudie votre dossier")
    walker.field("Votre message", "Bonjour, le RIB est celui de l’OGEC.")
    walker.button("Envoyer le message")
    walker.sees("Votre message est transmis")
    walker.button("Refermer le dossier")
    walker.sees("Votre dossier est refermé")
    walker.link("Reprendre une demande")
    walker.arrives("Reprendre une demande")
    walker.field("Adresse électronique donnée au début", "vie.scolaire@lycee.example")
    page.keyboard.press("Enter")
    walker.sees("vie.scolaire@lycee.example")
    assert status(books) == "submitted"


def test_an_officer_decides_without_a_mouse(page: Page, app: Flask, books: Engine) -> None:
    make_directory(books)
    send(Visitor(app))
    secret = enrol(books, hire(books, OFFICER, Role.REGION_OFFICER, name="Dominique Faure"))
    walker = Walker(page)
    page.goto(f"/connexion?next={DESK}")
    walker.field("Adresse électronique", OFFICER)
    walker.field("Mot de passe", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    walker.arrives("Partenaires")
    walker.field("Nom, commune, UAI ou SIRET", "malherbe")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=malherbe"))
    walker.link("Lycée Malherbe")
    walker.arrives("Décider")
    walker.to(page.get_by_role("link", name="rib.pdf"))
    with page.expect_download():
        page.keyboard.press("Enter")
    walker.field("Question à l’établissement", "Le RIB est-il récent ?")
    walker.button("Poser la question")
    walker.sees("La question part par courriel")

    walker.button("Accepter le partenariat")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Accepter le partenariat")).to_be_focused()
    assert status(books) == "submitted"
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Accepter le partenariat")).to_be_focused()
    page.keyboard.press("Enter")
    walker.sees("est partenaire")
    assert status(books) == "validated"

    with books.begin() as conn:
        conn.execute(
            text("""
                insert into partner_bank_account (partner_id, iban, holder, asked_by)
                values (1, :iban, 'Lycée Malherbe', 'person:0')
            """),
            {"iban": OTHER_IBAN},
        )
    walker.to(page.get_by_role("link", name="Partenaires", exact=True).first)
    page.keyboard.press("Enter")
    walker.arrives("Partenaires")
    walker.link("Changements de compte (1)")
    walker.arrives("Changements de compte bancaire")
    walker.link("Lycée Malherbe")
    walker.arrives("Compte demandé")
    walker.field("Qui a confirmé", "Mme Vasseur, proviseure")
    page.keyboard.press("Enter")
    walker.sees("Mme Vasseur, proviseure a confirmé")
    walker.to(page.get_by_label("Réponse de la banque"))
    page.keyboard.press("ArrowDown")
    walker.button("Noter la réponse")
    walker.arrives("Compte demandé")
    walker.button("Accepter le changement")
    page.keyboard.press("Enter")
    walker.sees("délai de sûreté")
    with books.connect() as conn:
        accepted = conn.scalar(text("select accepted_at is not null from partner_bank_account where ended_at is null"))
    assert accepted is True
