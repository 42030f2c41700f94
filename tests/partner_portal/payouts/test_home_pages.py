"""The two home pages: what waits for whom at the Region, and a school's week. Cheap, and content with nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import text

from batch import payouts
from ledger.calendar import week_of
from ledger.rights import Role
from tests.partner_portal.conftest import PASSWORD, Visitor, hire
from tests.partner_portal.payouts.conftest import LAST_WEEK, PEOPLE, Region, browser_of
from tests.statements import statements_sent

MANAGER = "gestion@lycee.example"


@pytest.mark.parametrize("who", sorted(PEOPLE))
def test_a_region_where_nothing_happened_says_so(who: str, region: Region, app: Flask) -> None:
    page = browser_of(app, region, who).get("/region").text
    assert "Rien ne vous attend" in page
    assert "Rien n’attend personne d’autre" in page
    assert "Rien à sceller" in page
    assert "chart" not in page


def test_each_person_finds_what_waits_for_them(selling: Region, app: Flask) -> None:
    accountant, first = browser_of(app, selling, "accountant"), browser_of(app, selling, "first")

    def mine(page: str) -> str:
        return page.partition("Pour vos collègues")[0].replace("\xa0", " ")

    def others(page: str) -> str:
        return page.partition("Pour vos collègues")[2].replace("\xa0", " ")

    page = accountant.get("/region").text
    assert "2 semaines à préparer" in mine(page)
    assert "1 dossier de partenaire à examiner" in others(page)
    payouts.prepare_due(selling.engine, actor="job:payouts")
    assert "2 campagnes à approuver" in mine(first.get("/region").text)
    assert "2 campagnes à approuver" in others(accountant.get("/region").text)
    run = selling.runs()[0]
    first.get(f"/region/versements/{run.id}/approbation")
    first.post(f"/region/versements/{run.id}/approbation", first.hidden)
    page = first.get("/region").text
    assert "1 campagne à approuver" in mine(page)
    assert "1 campagne à approuver" in others(page)


def test_a_late_seal_is_told(selling: Region, app: Flask) -> None:
    assert "En retard" in browser_of(app, selling, "auditor").get("/region").text


def test_the_home_pages_cost_a_handful_of_statements(selling: Region, app: Flask) -> None:
    accountant = browser_of(app, selling, "accountant")
    accountant.get("/region")  # a pool's first connection asks the server what it is
    with statements_sent() as sent:
        assert len(accountant.get("/region").data) < 100_000
    assert len(sent) <= 8, sent


@pytest.fixture
def school(selling: Region) -> int:
    """The first partner, with somebody who signs in."""
    with selling.engine.connect() as conn:
        partner_id = conn.execute(text("select id from partner where name = 'Lycée Malherbe'")).scalar_one()
    hire(selling.engine, MANAGER, Role.PARTNER_MANAGER, name="Claire Le Goff", partner_id=partner_id)
    return int(partner_id)


def test_a_school_finds_its_week_its_payments_and_its_till(school: int, selling: Region, app: Flask) -> None:
    selling.generated(week_of(LAST_WEEK).ends_at)
    selling.sale(school, 3050, datetime.now(UTC) - timedelta(seconds=1))
    visitor = Visitor(app)
    visitor.sign_in(MANAGER)
    visitor.get("/partenaire")
    with statements_sent() as sent:
        answer = visitor.get("/partenaire")
    for told in ("Ouvrir la caisse", "30,50", "225,00", "Remis à la banque", "02 00 00 00 00", "chart"):
        assert told in answer.text, told
    assert len(sent) <= 8, sent


def test_a_new_school_is_told_what_will_come(region: Region, app: Flask) -> None:
    partner_id = region.partner(name="Lycée neuf")
    hire(region.engine, MANAGER, Role.PARTNER_CASHIER, partner_id=partner_id)
    visitor = Visitor(app)
    visitor.sign_in(MANAGER)
    page = visitor.get("/partenaire").text
    assert "Le premier part dans la semaine qui suit vos premières ventes" in page
    assert "chart" not in page


@pytest.mark.browser
def test_a_schools_home_page_is_clean(school: int, selling: Region, page: Page, look: Callable[[str], None]) -> None:
    selling.generated(week_of(LAST_WEEK).ends_at)
    selling.sale(school, 3050, datetime.now(UTC) - timedelta(seconds=1))
    page.goto("/connexion")
    page.get_by_label("Adresse électronique").fill(MANAGER)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("heading", name="Derniers virements").wait_for()
    look("accueil-partenaire")
