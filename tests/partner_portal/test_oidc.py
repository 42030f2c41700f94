"""Signing in through the school's provider, a real process that tells the truth or does not."""

import dataclasses
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from ledger import people
from ledger.rights import Role
from partner_portal.auth.gate import requires, step_up
from partner_portal.config import Config, Provider
from tests.conftest import Database
from tests.partner_portal.conftest import CONFIG, Visitor, add_partner, enrol, hire
from tests.partner_portal.provider import CLIENT_ID, CLIENT_SECRET


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that answers at this address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = Path(__file__).with_name("provider.py")
    process = subprocess.Popen(
        [sys.executable, script], env=os.environ | {"PROVIDER_PORT": str(port)}, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            httpx.get(f"{url}/keys").raise_for_status()
            break
        except httpx.HTTPError:
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait()


@pytest.fixture
def config(issuer: str) -> Config:
    provider = Provider(issuer, "mon lycée", CLIENT_ID, CLIENT_SECRET, "openid email profile", "national_id")
    return dataclasses.replace(CONFIG, provider=provider)


@pytest.fixture
def app(app: Flask) -> Flask:
    """The portal with a page for students, and an operation that wants proof."""

    @app.get("/mon-solde")
    @requires("wallet.read")
    def wallet() -> str:
        return "70,00 €"

    @app.get("/partenaire/iban")
    @requires("partner.change_iban")
    @step_up
    def change_iban() -> str:
        return "changed"

    return app


@pytest.fixture
def student(books: Engine) -> int:
    """Lina, who is in the roster."""
    with books.begin() as conn:
        student_id = conn.execute(
            text("insert into student (national_id) values ('0123456789A') returning id")
        ).scalar_one()
        conn.execute(
            text("""
                insert into student_identity (student_id, last_name, first_name, birth_date)
                values (:id, 'Morel', 'Lina', '2010-05-04')
            """),
            {"id": student_id},
        )
    return student_id


def come(visitor: Visitor, user: str, *, fault: str = "", start: str = "/connexion/etablissement") -> TestResponse:
    """Go to the provider, be `user` there, and come back."""
    away = visitor.get(start).location
    back = httpx.post(away, data={"user": user, "fault": fault})
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["Location"])
    return visitor.get(f"{parts.path}?{parts.query}")


def test_a_student_of_the_roster_comes_in_and_sees_only_their_own(
    visitor: Visitor, student: int, books: Engine
) -> None:
    visitor.get("/mon-solde")
    visitor.get("/connexion?next=/mon-solde")
    answer = come(visitor, "lina")
    assert answer.location == "/mon-solde"
    assert visitor.get("/mon-solde").text == "70,00 €"
    assert "Lina" in visitor.get("/").text
    assert visitor.get("/partenaire").status_code == 403
    assert visitor.get("/compte").status_code == 403
    with books.connect() as conn:
        trail = conn.execute(text("select actor, action, details from audit_event where actor <> 'tests'")).all()
    assert trail == [(f"student:{student}", "session.opened", {"means": "provider"})]


def test_a_student_who_is_in_no_roster_is_told_what_to_do(visitor: Visitor, student: int) -> None:
    answer = come(visitor, "nobody")
    assert answer.status_code == 403
    assert "Nous ne vous connaissons pas encore" in answer.text
    assert CONFIG.assistance.phone in answer.text


def test_invited_staff_come_in_by_their_verified_address_and_then_by_their_identity(
    visitor: Visitor, books: Engine, fresh_database: Database
) -> None:
    partner_id = add_partner(books)
    with books.begin() as conn:
        person_id = people.create(conn, email="Caisse@lycee.fr", name="Camille", by="tests")
        people.grant(conn, person_id, Role.PARTNER_CASHIER, partner_id=partner_id, by="tests")
    assert come(visitor, "camille").location == "/partenaire"
    visitor.get("/compte")
    visitor.post("/deconnexion")
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("update person set email = 'nouvelle@lycee.fr'"))
    assert come(visitor, "camille").location == "/partenaire"


@pytest.mark.parametrize("user", ["unverified", "agent", "other"])
def test_others_do_not_come_in_this_way(visitor: Visitor, books: Engine, user: str) -> None:
    """An address the provider has not verified, the Region's staff, and people nobody invited."""
    hire(books, "caisse@lycee.fr", Role.PARTNER_CASHIER, partner_id=add_partner(books))
    hire(books, "compta@normandie.fr", Role.ACCOUNTANT)
    assert come(visitor, user).status_code == 403
    assert visitor.get("/compte").status_code == 302


def test_staff_with_a_code_generator_still_show_their_code(visitor: Visitor, books: Engine) -> None:
    person_id = hire(books, "caisse@lycee.fr", Role.PARTNER_CASHIER, partner_id=add_partner(books))
    enrol(books, person_id)
    assert come(visitor, "camille").location == "/connexion/code"


@pytest.mark.parametrize("fault", ["nonce", "issuer", "audience", "expired", "key", "unsigned"])
def test_a_word_that_is_not_the_providers_or_not_for_us_opens_nothing(
    visitor: Visitor, student: int, fault: str
) -> None:
    answer = come(visitor, "lina", fault=fault)
    assert answer.status_code == 400, answer.text
    assert visitor.get("/mon-solde").status_code == 302


def test_an_answer_nobody_asked_for_opens_nothing(app: Flask, visitor: Visitor, student: int) -> None:
    """Sign-in CSRF: somebody else's answer, in a browser that did not ask."""
    attacker = Visitor(app)
    away = attacker.get("/connexion/etablissement").location
    parts = urlsplit(httpx.post(away, data={"user": "lina"}).headers["Location"])
    assert visitor.get(f"{parts.path}?{parts.query}").status_code == 400
    assert visitor.get("/connexion/etablissement/retour").status_code == 400
    assert visitor.get("/connexion/etablissement/retour?error=access_denied").status_code == 400


def test_an_answer_is_good_once(visitor: Visitor, student: int) -> None:
    away = visitor.get("/connexion/etablissement").location
    parts = urlsplit(httpx.post(away, data={"user": "lina"}).headers["Location"])
    assert visitor.get(f"{parts.path}?{parts.query}").status_code == 302
    assert visitor.get(f"{parts.path}?{parts.query}").status_code == 400


def test_who_has_no_password_proves_themselves_at_the_provider(
    visitor: Visitor, books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with books.begin() as conn:
        person_id = people.create(conn, email="caisse@lycee.fr", name="Camille", by="tests")
        people.grant(conn, person_id, Role.PARTNER_MANAGER, partner_id=add_partner(books), by="tests")
    come(visitor, "camille")
    now = time.time()
    monkeypatch.setattr("partner_portal.auth.gate.time.time", lambda: now + 400)
    asked = visitor.get("/partenaire/iban").location
    assert asked.startswith("/identite")
    assert "/connexion/etablissement/preuve" in visitor.get(asked).text
    prove = "/connexion/etablissement/preuve?next=/partenaire/iban"
    monkeypatch.undo()
    away = visitor.get(prove).location
    assert "prompt=login" in away
    assert "max_age=0" in away
    assert come(visitor, "other", start=prove).status_code == 403
    assert come(visitor, "camille", start=prove, fault="stale").status_code == 403
    assert come(visitor, "camille", start=prove).location == "/partenaire/iban"


def test_when_the_provider_is_away_the_page_says_so(app: Flask, books: Engine, redis: object, config: Config) -> None:
    from partner_portal.app import create_app

    assert config.provider
    away = dataclasses.replace(config, provider=dataclasses.replace(config.provider, issuer="http://127.0.0.1:9"))
    answer = create_app(away, engine=books, redis=redis).test_client().get("/connexion/etablissement")  # type: ignore[arg-type]
    assert answer.status_code == 503
    assert "ne répond pas" in answer.text


def test_without_a_provider_there_is_no_such_door(books: Engine, redis: object) -> None:
    from partner_portal.app import create_app

    client = create_app(CONFIG, engine=books, redis=redis).test_client()  # type: ignore[arg-type]
    assert client.get("/connexion/etablissement").status_code == 404
    assert "mon lycée" not in client.get("/connexion").text


@pytest.mark.browser
def test_a_student_signs_in_with_the_browser(page: Page, issuer: str, fresh_database: object) -> None:
    engine: Engine = fresh_database.engine  # type: ignore[attr-defined]
    with engine.begin() as conn:
        number = conn.execute(
            text("insert into student (national_id) values ('0123456789A') returning id")
        ).scalar_one()
        conn.execute(
            text("insert into student_identity values (:id, 'Morel', 'Lina', '2010-05-04', null)"), {"id": number}
        )
    page.goto("/")
    page.get_by_role("link", name="Espace élève").click()
    page.get_by_role("link", name="Se connecter avec mon lycée").click()
    page.get_by_role("button", name="lina").click()
    expect(page.get_by_role("heading", name="Bonjour Lina")).to_be_visible()
