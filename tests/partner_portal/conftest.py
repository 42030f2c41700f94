"""The portal as the tests meet it: on a database and a Redis of its own, by Flask's client or by a real Chromium."""

import dataclasses
import os
import re
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser, Page
from redis import Redis
from sqlalchemy import Engine, text
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from batch.queue import redis_connection
from ledger import people
from ledger.rights import PARTNER_ROLES, Role
from partner_portal.app import create_app
from partner_portal.auth import passwords, second_factor
from partner_portal.config import Assistance, Config
from tests.conftest import FOLDER, Database

PASSWORD = "une phrase assez longue"
HASH = passwords.hashed(PASSWORD)
CONFIG = Config(
    public_url="http://localhost",
    secret_key="a secret of the tests",
    encryption_keys=("a key of the tests",),
    rate_limit="100000 per minute",
    rate_limit_unknown="100000 per minute",
    development=True,
    log_level="WARNING",
    assistance=Assistance("aide@example.org", "02 00 00 00 00", "tous les jours de 9 h à 12 h"),
)
numbers = count(1)


@pytest.fixture
def config() -> Config:
    """The settings of `app`; a module that needs others overrides this."""
    return CONFIG


@pytest.fixture
def redis(redis_url: str) -> Redis:
    """An empty Redis."""
    return redis_connection(redis_url)


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time as sessions and throttles are told it."""
    return Clock()


@pytest.fixture
def app(fresh_database: Database, redis: Redis, config: Config) -> Flask:
    """The portal on an empty scheme."""
    app = create_app(config, engine=fresh_database.engine, redis=redis)
    # Each test has an application of its own; its templates are compiled once for all of them.
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(os.environ[FOLDER])
    return app


@pytest.fixture
def books(app: Flask) -> Engine:
    """The database `app` works on, with the application's rights."""
    return app.extensions["atouts"].engine


# -- people ----------------------------------------------------------------------------------------------------------


def add_partner(engine: Engine, name: str = "Lycée Jeanne d’Arc") -> int:
    """A validated partner school."""
    number = next(numbers)
    with engine.begin() as conn:
        partner_id = conn.execute(
            text("""
                insert into partner (siret, uai, name, town, representative, email, phone)
                values (:siret, :uai, :name, 'Caen', 'Mme Martin', 'lycee@example.org', '0231000000') returning id
            """),
            {"siret": f"{number:014d}", "uai": f"{number:07d}A", "name": name},
        ).scalar_one()
        conn.execute(text("update partner set status = 'validated' where id = :id"), {"id": partner_id})
    return int(partner_id)


def hire(engine: Engine, email: str, *roles: Role, name: str = "Alix Martin", partner_id: int | None = None) -> int:
    """An active person with these roles, whose password is `PASSWORD`."""
    with engine.begin() as conn:
        person_id = people.create(conn, email=email, name=name, by="tests")
        people.set_password(conn, person_id, HASH, by="tests")
        for role in roles:
            people.grant(conn, person_id, role, partner_id=partner_id if role in PARTNER_ROLES else None, by="tests")
    return person_id


def enrol(engine: Engine, person_id: int) -> str:
    """Give a person a code generator, and return its secret."""
    secret = second_factor.new_secret()
    with engine.begin() as conn:
        people.begin_totp(conn, person_id, second_factor.Vault(CONFIG.encryption_keys).locked(secret))
        people.confirm_totp(conn, person_id, [second_factor.recovery_hash("AAAA-BBBB-CCCC-DDDD")], by="tests")
    return secret


# -- Flask's client --------------------------------------------------------------------------------------------------


class Visitor:
    """A browser without scripts: keeps its cookies, and sends the token of the form it sees."""

    def __init__(self, app: Flask, address: str = "192.0.2.1") -> None:
        self.client: FlaskClient = app.test_client()
        self.address = address
        self.token = ""

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """Look at a page."""
        return self._seen(self.client.get(path, environ_overrides={"REMOTE_ADDR": self.address}, **kwargs))

    def post(self, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        """Send a form, as the page seen last would."""
        fields = {"csrf_token": self.token} | (data or {})
        environ = {"REMOTE_ADDR": self.address}
        return self._seen(self.client.post(path, data=fields, environ_overrides=environ, **kwargs))

    def _seen(self, answer: TestResponse) -> TestResponse:
        if answer.mimetype == "text/html" and (found := re.search(r'name="csrf_token" value="([^"]+)"', answer.text)):
            self.token = found[1]
        return answer

    def sign_in(self, email: str, password: str = PASSWORD, *, secret: str | None = None) -> TestResponse:
        """Send the sign-in page, and with the `secret` of a code generator also the page that asks for its code."""
        self.get("/connexion")
        answer = self.post("/connexion", {"email": email, "password": password})
        if secret is None:
            return answer
        self.get("/connexion/code")
        return self.post("/connexion/code", {"code": pyotp.TOTP(secret).now()})


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """A browser that has never been here."""
    return Visitor(app)


# -- Chromium --------------------------------------------------------------------------------------------------------


@pytest.fixture
def more_pages() -> tuple[Blueprint, ...]:
    """Pages of a test's own in the portal at `portal_url`; a module that has some overrides this."""
    return ()


@pytest.fixture
def portal_url(
    fresh_database: Database, redis: Redis, config: Config, more_pages: tuple[Blueprint, ...]
) -> Iterator[str]:
    """A portal that answers over HTTP, at this address."""
    server = make_server("127.0.0.1", 0, Flask("placeholder"), threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    app = create_app(dataclasses.replace(config, public_url=url), engine=fresh_database.engine, redis=redis)
    for blueprint in more_pages:
        app.register_blueprint(blueprint)
    server.app = app
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser, portal_url: str) -> Iterator[Page]:
    """An empty tab, 1280 pixels wide. The test fails if the console complains: an error, a refused style or script."""
    context = browser.new_context(base_url=portal_url, locale="fr-FR", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # A form that is refused answers with 4xx, which Chromium reports; that is no fault of the page.
    assert [text for text in complaints if "Failed to load resource" not in text] == []


def sign_in_with_code(page: Page, email: str, secret: str, to: str) -> None:
    """Go through the sign-in pages in a browser, with the `secret` of a code generator, on the way to a page."""
    page.goto(f"/connexion?next={to}")
    page.get_by_label("Adresse électronique").fill(email)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")


AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.fixture
def look(page: Page) -> Callable[[str], None]:
    """Check what `page` shows by axe, at 360 and 1280 pixels, and that nothing sticks out, from 320 on.

    With ATOUTS_TEST_PICTURES set to a folder, pictures are kept there.
    """
    return lambda name: look_at(page, name)


def look_at(page: Page, name: str) -> None:
    """See the fixture `look`."""
    folder = os.environ.get("ATOUTS_TEST_PICTURES")
    page.wait_for_load_state("load")
    for width in (320, 1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} pixels too wide at {width}"
        if width == 320:
            continue
        findings = Axe().run(page, options={"runOnly": AXE_RULES, "resultTypes": ["violations"]})
        assert findings.violations_count == 0, findings.generate_report()
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})
