"""A school's counter from the first card to the advice of the transfer: real servers, a camera, a line that is cut."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.calendar import week_of
from tests.conftest import Database
from tests.film import page_with_camera
from tests.ledger.scheme import BOOK, OTHER_BOOK
from tests.line import Line, line_to
from tests.partner_portal.counter.conftest import CASHIER, School, make_school, scan, sign_in
from tests.payout_world import PAYER, World
from tests.served import served

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def school(fresh_database: Database) -> School:
    """A school with a class of 35 and one student of another class."""
    return make_school(fresh_database.engine, 36)


@pytest.fixture
def line(school: School, fresh_database: Database, redis_url: str) -> Iterator[Line]:
    """The way to a portal under gunicorn."""
    with served(fresh_database, redis_url) as url, line_to(url) as line:
        yield line


@pytest.fixture
def counter(browser: Browser, line: Line, school: School, tmp_path: Path) -> Iterator[Page]:
    """The cashier’s tab, whose camera is shown the first student’s card and whose console must not complain."""
    with page_with_camera(browser, line.url, tmp_path, school.codes[0]) as page:
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield sign_in(page, CASHIER)
        assert [text for text in complaints if "Failed to load resource" not in text] == []


def choose(page: Page, code: str, name: str, *eans: int) -> None:
    """Scan a student's card, and the licences that they take."""
    scan(page, code)
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    for ean in eans:
        scan(page, str(ean))
        expect(page.locator("#lines")).to_contain_text(str(ean))


def test_a_morning_at_the_counter_ends_in_an_advice_that_explains_every_cent(
    counter: Page, line: Line, school: School, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict, debit = counter.locator(".verdict"), counter.locator("#debit")
    counter.get_by_role("link", name="Caisse", exact=True).click()

    # A card before the camera, and an impatient double click.
    counter.get_by_role("button", name="Caméra", exact=True).click()
    expect(counter.get_by_role("heading", name="Léa M.")).to_be_visible(timeout=30_000)
    counter.get_by_role("button", name="Fermer la caméra").click()
    scan(counter, str(BOOK))
    debit.dblclick()
    expect(verdict).to_contain_text("40,00")
    assert school.sales() == [3000]

    # The answer to a sale is lost on the way: nothing is called debited until it has come after all.
    choose(counter, school.codes[1], "Noé B.", BOOK)
    line.cut("answers_lost")
    debit.click()
    expect(verdict).to_contain_text("On ne sait pas encore", timeout=20_000)
    assert line.lost > 0
    line.cut("whole")
    expect(counter.locator(".verdict-accepted")).to_contain_text("40,00", timeout=40_000)
    assert school.sales() == [3000, 3000]

    # The line is dead when the sale is sent, and the page is reloaded once it is back.
    choose(counter, school.codes[2], "Inès L.", BOOK, OTHER_BOOK)
    line.cut("dead")
    debit.click()
    expect(verdict).to_contain_text("On ne sait pas encore", timeout=20_000)
    assert school.sales() == [3000, 3000]
    line.cut("whole")
    counter.reload()
    expect(counter.locator(".verdict-accepted")).to_contain_text("Inès L.", timeout=20_000)
    assert school.sales() == [3000, 3000, 5550]

    # What is left does not hold out; then a mistake is taken back.
    choose(counter, school.codes[2], "Inès L.", BOOK)
    expect(counter.locator("#why")).to_contain_text("Il manque 15,50")
    counter.keyboard.press("Escape")
    choose(counter, school.codes[4], "Zoé L.", OTHER_BOOK)
    debit.click()
    expect(verdict).to_contain_text("44,50")
    counter.get_by_role("button", name="Annuler la vente").click()
    counter.get_by_role("dialog").get_by_role("button", name="Annuler la vente").click()
    expect(verdict).to_contain_text("Vente annulée")
    assert school.balance(4) == 7000

    # The whole class: all but the one whose balance does not hold out.
    counter.get_by_role("link", name="Achats groupés").click()
    counter.get_by_label("Classe", exact=True).select_option("2de 4")
    counter.get_by_role("button", name="Commencer avec cette classe").click()
    counter.get_by_label("Licence que prend chaque élève").select_option(str(BOOK))
    counter.get_by_role("button", name="Ajouter la licence").click()
    counter.get_by_role("button", name=re.compile("Débiter 34 élèves")).click()
    counter.get_by_role("dialog").get_by_role("button", name=re.compile("Débiter")).click()
    expect(counter.get_by_text("34 élèves débités, 1 refusé")).to_be_visible()

    # The week is closed and paid; the advice adds up to what the bank is told.
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    world.tamper("update transfer set posted_at = posted_at - interval '7 days' where kind in ('sale', 'refund')")
    (payment,) = world.payments(world.generated(week_of(datetime.now(UTC)).starts_at))
    assert payment.frozen.amount == 3000 + 3000 + 5550 + 34 * 3000
    counter.get_by_role("link", name="Versements").click()
    expect(counter.get_by_text(payment.end_to_end_id or "")).to_be_visible()
    counter.get_by_role("row").nth(1).get_by_role("link").click()
    address = counter.get_by_role("link", name="Avis de virement").get_attribute("href") or ""
    pdf = pypdfium2.PdfDocument(BytesIO(counter.request.get(address).body()))
    read = "".join(page.get_textpage().get_text_range() for page in pdf)
    assert payment.end_to_end_id in read
    assert re.search(r"1\s135,50", read)
