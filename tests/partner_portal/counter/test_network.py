"""What the till does when the network does not: every sale is debited once, and none is called debited unanswered."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from ledger import people
from ledger.rights import Role
from tests.ledger.scheme import BOOK, make_partner
from tests.partner_portal.conftest import PASSWORD
from tests.partner_portal.counter.conftest import CASHIER, School, scan

pytestmark = pytest.mark.browser
Look = Callable[[str], None]
SALES = "**/api/v1/sales"


@pytest.fixture
def ready(cashier: Page, school: School) -> Iterator[Page]:
    """The till, with a student and a licence: the next press debits."""
    cashier.goto("/partenaire/caisse")
    scan(cashier, school.codes[0])
    expect(cashier.get_by_role("heading", name="Léa M.")).to_be_visible()
    scan(cashier, str(BOOK))
    expect(cashier.locator("#debit")).to_be_enabled()
    yield cashier
    assert kept(cashier) == []


def kept(page: Page) -> list[dict[str, object]]:
    """What the browser remembers of requests that are not answered."""
    written = page.evaluate("Object.entries(localStorage).filter(([name]) => name.startsWith('atouts.intents'))")
    return [json.loads(value) for _, value in written]


def debited(page: Page) -> None:
    """Wait for the screen that says so."""
    expect(page.locator(".verdict-accepted")).to_contain_text("40,00", timeout=15_000)


def test_a_double_click_debits_once(ready: Page, school: School) -> None:
    ready.get_by_role("button", name="Débiter").dblclick()
    debited(ready)
    assert school.sales() == [3000]


def test_an_answer_that_is_lost_is_asked_for_again_and_debits_once(ready: Page, school: School, look: Look) -> None:
    lost: list[str] = []

    def lose(route: Route) -> None:
        if len(lost) < 2:
            lost.append(route.request.headers["idempotency-key"])
            route.fetch()
            route.abort()
        else:
            route.continue_()

    ready.route(SALES, lose)
    ready.locator("#debit").click()
    waiting = ready.locator(".verdict-waiting")
    expect(waiting).to_contain_text("On ne sait pas encore")
    expect(ready.locator("#network")).to_contain_text("rien n’est confirmé")
    look("caisse-en-attente")
    debited(ready)
    assert len(set(lost)) == 1
    assert school.sales() == [3000]


def test_offline_is_shown_and_the_sale_leaves_when_the_network_is_back(ready: Page, school: School, look: Look) -> None:
    ready.context.set_offline(True)
    expect(ready.locator("#network")).to_contain_text("Hors connexion")
    ready.locator("#debit").click()
    expect(ready.locator(".verdict-waiting")).to_be_visible()
    look("caisse-hors-connexion")
    assert school.sales() == []
    remembered = json.dumps(kept(ready))
    assert "Léa" not in remembered
    assert school.codes[0] not in remembered
    ready.context.set_offline(False)
    debited(ready)
    expect(ready.locator("#network")).to_be_hidden()
    assert school.sales() == [3000]


def test_a_reload_during_a_sale_finds_its_answer_and_debits_once(ready: Page, school: School) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            return route.continue_()
        held.append(route)
        route.fetch()  # the books have it, the page never hears of it
        return None

    ready.route(SALES, hold)
    ready.locator("#debit").click()
    expect(ready.locator("#debit")).to_contain_text("en cours")
    assert len(kept(ready)) == 1
    ready.reload()
    debited(ready)
    expect(ready.locator(".verdict-who")).to_contain_text("Léa M., 2de 4")
    assert school.sales() == [3000]


def test_a_session_that_ends_during_a_sale_loses_nothing(ready: Page, school: School, look: Look) -> None:
    ready.context.clear_cookies()
    ready.locator("#debit").click()
    expect(ready.locator("#network")).to_contain_text("session est terminée")
    ready.get_by_role("link", name="Se reconnecter").click()
    ready.get_by_label("Adresse électronique").fill(CASHIER)
    ready.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    ready.keyboard.press("Enter")
    debited(ready)
    assert school.sales() == [3000]


def test_two_tabs_do_not_forget_each_others_sales(ready: Page, school: School) -> None:
    ready.context.set_offline(True)
    ready.locator("#debit").click()
    expect(ready.locator(".verdict-waiting")).to_be_visible()
    ready.route(SALES, lambda route: route.abort())
    ready.context.set_offline(False)
    other = ready.context.new_page()
    other.goto("/partenaire/caisse")
    debited(other)
    scan(other, school.codes[1])
    expect(other.get_by_role("heading", name="Noé B.")).to_be_visible()
    scan(other, str(BOOK))
    other.route(SALES, lambda route: route.abort())
    other.locator("#debit").click()
    expect(other.locator(".verdict-waiting")).to_be_visible()
    ready.unroute(SALES)
    debited(ready)
    assert len(kept(ready)) == 1
    other.unroute(SALES)
    other.reload()
    debited(other)
    assert school.sales() == [3000, 3000]


def test_a_service_that_is_away_is_asked_later(ready: Page, school: School) -> None:
    answers = iter([503, 500, 429])

    def fail(route: Route) -> None:
        status = next(answers, None)
        if status is None:
            return route.continue_()
        return route.fulfill(status=status, content_type="application/problem+json", body='{"code": "unavailable"}')

    ready.route(SALES, fail)
    ready.locator("#debit").click()
    expect(ready.locator(".verdict-waiting")).to_be_visible()
    for _ in range(2):
        ready.get_by_role("button", name="Réessayer maintenant").click()
        ready.wait_for_timeout(200)
    ready.get_by_role("button", name="Réessayer maintenant").click()
    debited(ready)
    assert school.sales() == [3000]


def test_a_page_of_the_former_school_sells_nothing_for_the_new_one(ready: Page, school: School) -> None:
    with school.engine.begin() as conn:
        other = make_partner(conn, siret="21760540100017", uai="0760540Z", name="Lycée Corneille")
        people.grant(conn, school.cashier_id, Role.PARTNER_CASHIER, partner_id=other.partner_id, by="tests")
    elsewhere = ready.context.new_page()
    elsewhere.goto("/compte")
    elsewhere.get_by_label("Établissement pour lequel").select_option("Lycée Corneille")
    elsewhere.get_by_role("button", name="Changer").click()
    expect(elsewhere.get_by_text("Lycée Corneille").first).to_be_visible()
    ready.locator("#debit").click()
    expect(ready.locator("#network")).to_contain_text("rechargez-la")
    assert school.sales() == []
    ready.get_by_role("button", name="Recharger la page").click()
    expect(ready.locator("#network")).to_be_hidden()
    assert len(kept(ready)) == 1
    elsewhere.goto("/compte")
    elsewhere.get_by_label("Établissement pour lequel").select_option("Lycée Malherbe")
    elsewhere.get_by_role("button", name="Changer").click()
    expect(elsewhere.get_by_text("Lycée Malherbe").first).to_be_visible()
    ready.reload()
    debited(ready)
    assert school.sales() == [3000]


def test_a_scan_without_network_says_so(cashier: Page, school: School) -> None:
    cashier.goto("/partenaire/caisse")
    cashier.context.set_offline(True)
    scan(cashier, school.codes[0])
    expect(cashier.locator(".verdict-refused")).to_contain_text("réseau ne répond pas")
    expect(cashier.locator(".verdict-refused")).to_contain_text("Rien n’a été débité")
    cashier.context.set_offline(False)
    scan(cashier, school.codes[0])
    expect(cashier.get_by_role("heading", name="Léa M.")).to_be_visible()
