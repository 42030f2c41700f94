"""A Monday at the Region: the accountant prepares, two people approve, the file goes to the bank."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from batch import payouts
from ledger import seals
from ledger.calendar import week_of
from ledger.payouts import outcomes
from tests.partner_portal.conftest import (  # noqa: F401 - fixtures
    PASSWORD,
    config,
    look_at,
    more_pages,
    portal_url,
    redis,
)
from tests.partner_portal.payouts.conftest import PEOPLE, Region, region  # noqa: F401 - fixtures

pytestmark = pytest.mark.browser
NOW = datetime.now(UTC)
ATOUTS = Path(sys.executable).with_name("atouts")
PAID_WEEKS = 5
SCHOOLS = {
    "Lycée Malherbe, Caen": (48_250, 36_500, 41_900),
    "Lycée Jeanne d’Arc, Rouen": (121_000, 98_750, 117_300),
    "Lycée Victor Grignard, Cherbourg": (64_000, 71_250, 52_600),
    "MFR du Cotentin": (15_500, 12_000, 86_400),
    "Lycée Marguerite de Navarre, Alençon": (33_750, 30_100, 30_100),
    "Lycée Aristide Briand, Évreux": (89_900, 74_300, 77_850),
    "Lycée François Ier, Le Havre": (0, 0, 23_400),
    "Lycée Arcisse de Caumont, Bayeux": (27_000, 18_900, 21_450),
}


@pytest.fixture
def monday(region: Region) -> Region:  # noqa: F811
    """Some weeks are paid, the last one is due: somebody is new, somebody unusual, suspended, or owed 60 cents."""
    partners = {name: region.partner(name=name) for name in SCHOOLS}
    region.partner(name="MFR de Coqueréaumont", validated=False)
    suspended, small = region.partner(name="Lycée Alain, Alençon"), region.partner(name="MFR de Vimoutiers")
    for back in range(PAID_WEEKS + 1, 1, -1):
        for name, partner in partners.items():
            if amount := SCHOOLS[name][back % 2] * (back + 3) // 5:
                region.sale(partner, amount, NOW - timedelta(weeks=back))
        run = region.generated(week_of(NOW - timedelta(weeks=back)).ends_at)
        payouts.transmit(region.engine, run.id, actor="operator:tests")
        with region.engine.begin() as conn:
            outcomes.book(conn, run.id)
            outcomes.move(conn, run.id, "booked", actor="job:bank")
    for name, partner in partners.items():
        region.sale(partner, SCHOOLS[name][2], NOW - timedelta(weeks=1))
    region.sale(suspended, 18_400, NOW - timedelta(weeks=1))
    region.sale(small, 60, NOW - timedelta(weeks=1))
    region.tamper("update partner set status = 'suspended' where id = :id", id=suspended)
    with region.engine.begin() as conn:
        seals.seal(conn)
    return region


@pytest.fixture
def open_as(browser: Browser, portal_url: str, monday: Region) -> Iterator[Callable[[str], Page]]:  # noqa: F811
    """Open a browser of somebody's own, signed in at the Region's home page."""
    contexts = []

    def sign_in(who: str) -> Page:
        context = browser.new_context(base_url=portal_url, locale="fr-FR", viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/connexion")
        page.get_by_label("Adresse électronique").fill(PEOPLE[who][0])
        page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        assert monday.secrets is not None
        page.get_by_label("Code").fill(pyotp.TOTP(monday.secrets[who]).now())
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Espace Région")).to_be_visible()
        return page

    complaints: list[str] = []
    yield sign_in
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def start_worker(monday: Region) -> Iterator[Callable[[], None]]:
    """Start what carries out orders, as an operator would; it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield lambda: started.append(subprocess.Popen([str(ATOUTS), "worker"], stdout=subprocess.DEVNULL))
    for process in started:
        process.terminate()
        process.wait(20)


def look(page: Page, heading: str, name: str) -> None:
    """Once the page of this heading is there: axe, and every width."""
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    page.wait_for_load_state()
    look_at(page, name)


def approve(page: Page, reference: str) -> None:
    """From the home page to the approval of the run."""
    page.get_by_role("link", name="1 campagne à approuver").click()
    page.get_by_role("link", name=reference).click()
    page.get_by_role("link", name="Relire et approuver").click()
    look(page, "Approuver la campagne", "approbation")
    page.get_by_role("button", name="Approuver 8 virements").click()


def test_a_week_goes_through_four_hands(
    open_as: Callable[[str], Page], start_worker: Callable[[], None], monday: Region, tmp_path: Path
) -> None:
    accountant = open_as("accountant")
    look(accountant, "Espace Région", "accueil-region")
    accountant.get_by_role("link", name="1 semaine à préparer").click()
    look(accountant, "Campagnes de versement", "campagnes")
    accountant.get_by_role("button", name="Préparer cette semaine").click()
    expect(accountant.get_by_text("Rien ne traite les tâches en ce moment")).to_be_visible()
    look(accountant, "Préparation des semaines dues", "tache-sans-agent")
    start_worker()
    accountant.get_by_role("link", name="Ouvrir la campagne").click(timeout=30_000)
    run = monday.runs()[0]
    expect(accountant.get_by_role("heading", name=f"Campagne {run.reference}")).to_be_visible()
    look(accountant, "Campagne 2", "campagne-figee")
    accountant.get_by_label("Voir", exact=True).select_option("Montants changés")
    accountant.get_by_role("button", name="Chercher").click()
    expect(accountant.locator("#virements tbody tr").first).to_contain_text("MFR du Cotentin")
    accountant.get_by_role("link", name="MFR du Cotentin").click()
    look(accountant, "MFR du Cotentin", "virement")

    first, second = open_as("first"), open_as("second")
    look(first, "Espace Région", "accueil-approbateur")
    approve(first, run.reference)
    expect(first.get_by_text("Une deuxième personne doit encore l’approuver")).to_be_visible()
    look(first, "Campagne 2", "campagne-approuvee-une-fois")
    second.reload()
    approve(second, run.reference)
    expect(second.get_by_text("son fichier peut être produit")).to_be_visible()

    accountant.goto(f"/region/versements/{run.id}")
    accountant.get_by_role("link", name="Produire le fichier").click()
    look(accountant, "Produire le fichier de virements", "production")
    accountant.get_by_role("button", name="Produire le fichier").click()
    accountant.get_by_role("link", name="Ouvrir la campagne").click(timeout=30_000)
    with accountant.expect_download() as taken:
        accountant.get_by_role("link", name="Fichier pour la banque (XML)").click()
    accountant.get_by_role("link", name="Transmettre à la banque").click()
    look(accountant, "Transmettre à la banque", "transmission")
    accountant.get_by_role("button", name="à la banque").click()
    accountant.get_by_role("link", name="Ouvrir la campagne").click(timeout=30_000)
    expect(accountant.get_by_text("La banque a le fichier")).to_be_visible()
    look(accountant, "Campagne 2", "campagne-transmise")
    accountant.get_by_role("link", name="Quels partenaires").click()
    look(accountant, "Laissé de côté", "laisse-de-cote")
    accountant.goto("/region")
    look(accountant, "Espace Région", "accueil-region-ensuite")

    sent = monday.run_now(run.id)
    assert sent.state == "transmitted"
    assert sent.file is not None
    in_the_folder = Path(os.environ["ATOUTS_PAYOUT_FOLDER"], sent.file.name).read_bytes()
    assert taken.value.path().read_bytes() == in_the_folder == monday.content(sent)
    monday.assert_sound()
