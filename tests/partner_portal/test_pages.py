"""The pages of the doors as people see them: in Chromium, by keyboard and mouse, judged by axe."""

import re
from collections.abc import Callable

import pyotp
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from ledger.rights import Role
from tests.conftest import Database
from tests.partner_portal.conftest import PASSWORD, add_partner, hire

pytestmark = pytest.mark.browser
Look = Callable[[str], None]


def test_public_pages_are_clean(page: Page, look: Look) -> None:
    for path, name in [
        ("/", "accueil"),
        ("/connexion", "connexion"),
        ("/mot-de-passe-oublie", "mot-de-passe-oublie"),
        ("/droits", "droits"),
        ("/nulle-part", "introuvable"),
        ("/acces/rien", "lien-ferme"),
        ("/api/v1/reference", "reference"),
        ("/style", "style"),
    ]:
        page.goto(path)
        look(name)


def test_a_cashier_signs_in(page: Page, look: Look, fresh_database: Database) -> None:
    partner_id = add_partner(fresh_database.engine)
    hire(fresh_database.engine, "caisse@lycee.fr", Role.PARTNER_CASHIER, partner_id=partner_id)
    page.goto("/connexion")
    page.get_by_label("Adresse électronique").fill("caisse@lycee.fr")
    page.get_by_label("Mot de passe", exact=True).fill("pas le bon mot de passe")
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("alert")).to_contain_text("ne correspond pas")
    look("connexion-refusee")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/partenaire$"))
    look("espace-partenaire")
    page.goto("/partenaire/etablissement/equipe")
    expect(page.get_by_role("main")).to_contain_text("réservé au rôle Responsable du partenaire")
    look("acces-refuse")
    page.get_by_role("link", name="Retour à votre espace").click()
    expect(page).to_have_url(re.compile("/partenaire$"))
    page.get_by_role("link", name="Alix Martin").click()
    expect(page.get_by_role("heading", name="Mon compte")).to_be_visible()
    look("compte")
    page.get_by_role("button", name="Se déconnecter").click()
    expect(page.get_by_role("link", name="Se connecter", exact=True)).to_be_visible()


def test_an_accountant_sets_up_the_second_factor_and_signs_in(page: Page, look: Look, fresh_database: Database) -> None:
    hire(fresh_database.engine, "compta@normandie.fr", Role.ACCOUNTANT)
    page.goto("/connexion")
    page.get_by_label("Adresse électronique").fill("compta@normandie.fr")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("heading", name="Double authentification")).to_be_visible()
    look("second-facteur")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Activer").click()
    expect(page.get_by_role("heading", name="Vos codes de secours")).to_be_visible()
    look("codes-de-secours")
    code = page.locator(".recovery-codes code").first.inner_text()
    page.get_by_role("link", name="C’est fait").click()
    expect(page.get_by_role("heading", name="Espace Région")).to_be_visible()
    look("espace-region")
    page.get_by_role("button", name="Se déconnecter").click()
    page.goto("/connexion")
    page.get_by_label("Adresse électronique").fill("compta@normandie.fr")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Code de connexion")).to_be_visible()
    look("code")
    page.get_by_label("Code").fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_text("9 codes de secours")).to_be_visible()


def test_an_invited_person_chooses_a_password(page: Page, look: Look, fresh_database: Database) -> None:
    hire(fresh_database.engine, "caisse@lycee.fr")
    page.goto("/mot-de-passe-oublie")
    page.get_by_label("Adresse électronique").fill("caisse@lycee.fr")
    page.get_by_role("button", name="Recevoir le lien").click()
    expect(page.get_by_role("heading", name="Consultez vos courriels")).to_be_visible()
    look("lien-envoye")
    with fresh_database.engine.connect() as conn:
        mail = conn.execute(text("select body_text from mail_outbox")).scalar_one()
    page.goto(re.search(r"https?://\S+", mail)[0])
    page.get_by_label("Nouveau mot de passe", exact=True).fill("court")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("alert")).to_contain_text("12 caractères")
    page.get_by_label("Nouveau mot de passe", exact=True).fill("un cheval correct agrafe")
    page.get_by_role("button", name="Afficher le mot de passe").click()
    look("choisir-un-mot-de-passe")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_text("Votre mot de passe est enregistré")).to_be_visible()
