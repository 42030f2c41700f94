"""Every page of the space at a glance: light and in few requests when nothing is kept yet, and whole on 320 pixels."""

import statistics

import pytest
from playwright.sync_api import Browser, Response, expect

from tests.conftest import Database
from tests.ledger.scheme import BOOK, OTHER_BOOK
from tests.partner_portal.counter.conftest import MANAGER, School, make_school, sign_in

pytestmark = pytest.mark.browser
PAGES = (
    "/partenaire",
    "/partenaire/groupes",
    "/partenaire/ventes",
    "/partenaire/ventes/1",
    "/partenaire/ventes/1/recu",
    "/partenaire/catalogue",
    "/partenaire/catalogue/ajouter",
    f"/partenaire/catalogue/{BOOK}",
    "/partenaire/catalogue/importer",
    "/partenaire/versements",
    "/partenaire/versements/releve",
)
TILL = "/partenaire/caisse"


@pytest.fixture
def school(fresh_database: Database) -> School:
    """A school whose lists are full."""
    school = make_school(fresh_database.engine, 60)
    with school.engine.begin() as conn:
        for card in school.scheme.cards:
            school.scheme.till.sell(conn, (card, [(BOOK, 1500), (OTHER_BOOK, 1000)]))
    return school


def test_a_median_page_is_light_and_asks_three_times(browser: Browser, portal_url: str, school: School) -> None:
    with browser.new_context(base_url=portal_url) as signed_in:
        sign_in(signed_in.new_page(), MANAGER)
        cookies = signed_in.cookies()
    weights, asked = {}, {}
    for path in (*PAGES, TILL):
        with browser.new_context(base_url=portal_url, viewport={"width": 320, "height": 640}) as context:
            context.add_cookies(cookies)  # type: ignore[arg-type]
            page = context.new_page()
            answers: list[Response] = []
            page.on("response", lambda answer, answers=answers: answers.append(answer))
            page.goto(path, wait_until="networkidle")
            expect(page.locator("h1")).to_be_attached()
            weights[path] = sum(sum(_size(answer)) for answer in answers)
            # The icon is the tab's, asked for beside the page and kept for a year.
            asked[path] = sum(not answer.url.partition("?")[0].endswith("/icon.svg") for answer in answers)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 320, f"{path} is {width} pixels wide"
    assert statistics.median(weights[path] for path in PAGES) < 100_000, weights
    assert max(asked[path] for path in PAGES) <= 3, asked
    assert weights[TILL] < 150_000, weights


def _size(answer: Response) -> tuple[int, int]:
    sizes = answer.request.sizes()
    return sizes["responseHeadersSize"], sizes["responseBodySize"]
