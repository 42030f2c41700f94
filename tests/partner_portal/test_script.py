"""What pages gain from our script, and that they do without it."""

import re
import time
from collections import Counter
from pathlib import Path

import pytest
from flask import Blueprint, redirect, render_template_string, request, url_for
from flask.typing import ResponseReturnValue
from playwright.sync_api import Browser, Page, Route, expect

from ledger.rights import Role
from partner_portal.assets import FOLDER
from partner_portal.auth.gate import requires
from tests.conftest import Database
from tests.partner_portal.conftest import PASSWORD, add_partner, hire

pytestmark = pytest.mark.browser

PAGE = """
{% extends "base.html" %}
{% import "macros.html" as ui with context %}
{% block title %}Essai{% endblock %}
{% block content %}
<h1>Essai</h1>
<form method="post" action="{{ url_for('trial.slow') }}">
  {{ ui.csrf() }}<button class="button">Payer</button>
</form>
<form method="post" action="{{ url_for('trial.slow') }}" data-confirm="Vraiment ?">
  {{ ui.csrf() }}<button class="button">Supprimer</button>
</form>
<form action="{{ url_for('trial.page') }}" data-replace="#trouve" data-as-typed>
  <label>Chercher <input name="mot"></label>
</form>
<form method="post" action="{{ url_for('trial.add') }}" data-replace="#trouve">
  {{ ui.csrf() }}<button class="button">Ajouter</button>
</form>
<div id="trouve">
  <p>{{ found }}</p>
  <a href="{{ url_for('trial.page', mot='suite') }}" data-replace="#trouve">Suite</a>
</div>
<div id="progres"{% if done < 3 %} data-poll="0.1"{% endif %}>{{ ui.progress('Avancement', done, 3) }}</div>
<button class="button" type="button" data-print>Imprimer</button>
{% endblock %}
"""


class Trial:
    """Pages that count what reaches them."""

    def __init__(self) -> None:
        self.seen = seen = Counter[str]()
        self.blueprint = blueprint = Blueprint("trial", __name__, url_prefix="/essai")

        @blueprint.get("")
        @requires("public.read")
        def page() -> str:
            seen["page"] += 1
            return render_template_string(PAGE, found=request.args.get("mot", "rien"), done=min(seen["page"], 3))

        @blueprint.post("/lent")
        @requires("public.read")
        def slow() -> ResponseReturnValue:
            seen["slow"] += 1
            time.sleep(0.5)
            return redirect(url_for("trial.page", mot="payé"))

        @blueprint.post("/ajout")
        @requires("public.read")
        def add() -> ResponseReturnValue:
            seen["add"] += 1
            return redirect(url_for("trial.page", mot="ajouté"))


@pytest.fixture
def trial() -> Trial:
    return Trial()


@pytest.fixture
def more_pages(trial: Trial) -> tuple[Blueprint, ...]:
    return (trial.blueprint,)


def test_a_form_clicked_twice_is_sent_once(page: Page, trial: Trial) -> None:
    page.goto("/essai")
    page.get_by_role("button", name="Payer").dblclick()
    expect(page.locator("#trouve")).to_contain_text("payé")
    assert trial.seen["slow"] == 1
    page.go_back()
    page.get_by_role("button", name="Payer").click()
    expect(page.locator("#trouve")).to_contain_text("payé")
    assert trial.seen["slow"] == 2, "after coming back the button works again"


def test_a_question_is_asked_before_and_no_is_no(page: Page, trial: Trial) -> None:
    page.goto("/essai")
    button = page.get_by_role("button", name="Supprimer")
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Vraiment ?")
    dialog.get_by_role("button", name="Non, revenir").click()
    expect(dialog).to_be_hidden()
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert trial.seen["slow"] == 0
    button.click()
    dialog.get_by_role("button", name="Supprimer").click()
    expect(page.locator("#trouve")).to_contain_text("payé")
    assert trial.seen["slow"] == 1


def test_a_part_is_replaced_and_the_address_follows(page: Page, trial: Trial) -> None:
    page.goto("/essai")
    page.get_by_label("Chercher").press_sequentially("mathématiques", delay=5)
    expect(page.locator("#trouve")).to_contain_text("mathématiques")
    expect(page).to_have_url(re.compile(r"/essai\?mot=math"))
    expect(page.get_by_label("Chercher")).to_be_focused()
    page.get_by_role("link", name="Suite").click()
    expect(page.locator("#trouve")).to_contain_text("suite")
    page.get_by_role("button", name="Ajouter").click()
    expect(page.locator("#trouve")).to_contain_text("ajouté")
    assert trial.seen["add"] == 1
    page.reload()
    expect(page.locator("#trouve")).to_contain_text("ajouté")
    assert trial.seen["add"] == 1, "a reload sends no form again"


def test_without_the_network_it_says_so_and_confirms_nothing(page: Page) -> None:
    def cut(route: Route) -> None:
        route.abort()

    page.goto("/essai")
    page.route("**/essai/ajout", cut)
    page.get_by_role("button", name="Ajouter").click()
    expect(page.get_by_role("alert")).to_contain_text("Rien n’a été confirmé")
    page.unroute("**/essai/ajout")
    page.get_by_role("button", name="Ajouter").click()
    expect(page.locator("#trouve")).to_contain_text("ajouté")


def test_progress_refreshes_itself_until_the_end(page: Page, trial: Trial) -> None:
    page.goto("/essai")
    expect(page.locator("#progres")).to_contain_text("3 sur 3")
    expect(page.locator("#progres[data-poll]")).to_have_count(0)
    looked = trial.seen["page"]
    page.wait_for_timeout(500)
    assert trial.seen["page"] == looked


def test_everything_at_the_doors_works_without_a_script(
    browser: Browser, portal_url: str, fresh_database: Database
) -> None:
    engine = fresh_database.engine
    hire(engine, "caisse@lycee.fr", Role.PARTNER_CASHIER, partner_id=add_partner(engine))
    context = browser.new_context(base_url=portal_url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/connexion")
    page.get_by_label("Adresse électronique").fill("caisse@lycee.fr")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page).to_have_url(re.compile("/partenaire$"))
    page.get_by_role("button", name="Se déconnecter").click()
    expect(page.get_by_role("link", name="Se connecter", exact=True)).to_be_visible()
    context.close()


def test_the_keyboard_alone_signs_in(page: Page, fresh_database: Database) -> None:
    engine = fresh_database.engine
    hire(engine, "caisse@lycee.fr", Role.PARTNER_CASHIER, partner_id=add_partner(engine))
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Aller au contenu")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Espace partenaire")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Connexion")).to_be_visible()
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.name") != "email":
        page.keyboard.press("Tab")
    page.keyboard.type("caisse@lycee.fr")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/partenaire$"))


@pytest.mark.parametrize("path", ["/", "/connexion", "/essai"])
def test_a_page_is_light(page: Page, path: str) -> None:
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    own = sizes[:3]
    assert len(own) == 3
    assert sum(own) < 100_000


def test_style_and_script_stay_small() -> None:
    def size(name: str) -> int:
        return Path(FOLDER / name).stat().st_size

    assert size("atouts.css") < 25_000
    assert size("atouts.js") < 10_000
