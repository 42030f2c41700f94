"""A school, as at the counter, and a student of it on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from tests.conftest import Database
from tests.partner_portal.conftest import Visitor
from tests.partner_portal.counter.conftest import School, make_school
from tests.partner_portal.counter.conftest import config as config

PASSCODE = "mon casier 12"
BORN = "14/07/2010"


@pytest.fixture
def school(fresh_database: Database) -> School:
    """A school of four students: the first has a mail address, the second none, the fourth is a vocational beginner."""
    return make_school(fresh_database.engine, 4)


@pytest.fixture
def engine(fresh_database: Database) -> Engine:
    """The books."""
    return fresh_database.engine


def activate(visitor: Visitor, code: str, *, born: str = BORN, passcode: str = PASSCODE) -> int:
    """Go through the door with a card; the status of the last answer."""
    visitor.get("/connexion/eleve/activation")
    answer = visitor.post("/connexion/eleve/activation", {"code": code, "birth_date": born})
    if answer.status_code != 302:
        return answer.status_code
    visitor.get("/connexion/eleve/mot-de-passe")
    return visitor.post("/connexion/eleve/mot-de-passe", {"passcode": passcode}).status_code


@pytest.fixture
def student(visitor: Visitor, school: School) -> Visitor:
    """The first student, signed in, in a browser without scripts."""
    assert activate(visitor, school.codes[0]) == 302
    return visitor


@pytest.fixture
def phone(browser: Browser, portal_url: str) -> Iterator[Page]:
    """A phone's tab. The test fails if the console complains."""
    context = browser.new_context(
        base_url=portal_url,
        locale="fr-FR",
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # A refused form answers with 4xx, and a phone without network fetches nothing: neither is a fault of the page.
    assert [text for text in complaints if "Failed to load resource" not in text] == []
