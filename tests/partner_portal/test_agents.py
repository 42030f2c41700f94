"""The Region's people: an administrator opens and closes doors, never their own; the first one comes by the command."""

import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from ledger import people
from ledger.rights import Role
from partner_portal.commands.people import command
from tests.conftest import Database
from tests.partner_portal.conftest import Visitor, add_partner, enrol, hire, sign_in_with_code


@pytest.fixture
def administrator(visitor: Visitor, books: Engine) -> int:
    """Alix, who is signed in."""
    person_id = hire(books, "admin@normandie.fr", Role.ADMINISTRATOR)
    assert visitor.sign_in("admin@normandie.fr", secret=enrol(books, person_id)).status_code == 302
    return person_id


def roles(books: Engine, person_id: int) -> set[Role]:
    with books.connect() as conn:
        person = people.get(conn, person_id)
    assert person
    return {grant.role for grant in person.grants}


def test_an_agent_is_invited_with_roles_and_comes_in(
    app: Flask, visitor: Visitor, administrator: int, books: Engine
) -> None:
    visitor.get("/region/agents/nouveau")
    data = {"name": "Claire Aubert", "email": "claire@normandie.fr"}
    assert visitor.post("/region/agents/nouveau", data).status_code == 422, "no role"
    answer = visitor.post("/region/agents/nouveau", data | {"roles": ["accountant", "auditor"]})
    assert answer.status_code == 302
    person_id = int(answer.location.rpartition("/")[2])
    assert roles(books, person_id) == {Role.ACCOUNTANT, Role.AUDITOR}
    assert visitor.post("/region/agents/nouveau", data | {"roles": ["auditor"]}).status_code == 422, "address taken"
    with books.connect() as conn:
        mail = conn.execute(
            text("select body_text from mail_outbox where recipient = 'claire@normandie.fr'")
        ).scalar_one()
    link = re.search(r"/acces/\S+", mail)
    assert link
    claire = Visitor(app)
    claire.get(link[0])
    claire.post(link[0], {"password": "un cheval correct agrafe"})
    assert claire.sign_in("claire@normandie.fr", "un cheval correct agrafe").location == "/connexion/second-facteur"


def test_a_role_that_nobody_grants_is_refused(visitor: Visitor, administrator: int) -> None:
    visitor.get("/region/agents/nouveau")
    for role in ("partner_manager", "student", "anyone", "king"):
        data = {"name": "X", "email": "x@normandie.fr", "roles": [role]}
        assert visitor.post("/region/agents/nouveau", data).status_code == 422


def test_roles_change_at_once(app: Flask, visitor: Visitor, administrator: int, books: Engine) -> None:
    person_id = hire(books, "audit@normandie.fr", Role.AUDITOR)
    auditor = Visitor(app)
    auditor.sign_in("audit@normandie.fr", secret=enrol(books, person_id))
    assert auditor.get("/region/agents").status_code == 403
    visitor.get(f"/region/agents/{person_id}")
    visitor.post(f"/region/agents/{person_id}/roles", {"roles": ["administrator"]})
    assert roles(books, person_id) == {Role.ADMINISTRATOR}
    assert auditor.get("/region/agents").status_code == 200


def test_nobody_changes_their_own_roles_or_closes_their_own_door(
    visitor: Visitor, administrator: int, books: Engine
) -> None:
    page = visitor.get(f"/region/agents/{administrator}")
    assert "Un autre administrateur" in page.text
    assert visitor.post(f"/region/agents/{administrator}/roles", {"roles": ["payment_approver"]}).status_code == 403
    assert visitor.post(f"/region/agents/{administrator}/acces", {"change": "disable"}).status_code == 403
    assert roles(books, administrator) == {Role.ADMINISTRATOR}


@pytest.mark.parametrize(
    ("change", "status", "has_code"),
    [("disable", "disabled", True), ("new_phone", "active", False), ("invite", "active", True)],
)
def test_a_door_is_closed_or_a_phone_forgotten_and_the_person_is_out(
    app: Flask, visitor: Visitor, administrator: int, books: Engine, change: str, status: str, has_code: bool
) -> None:
    person_id = hire(books, "audit@normandie.fr", Role.AUDITOR)
    auditor = Visitor(app)
    auditor.sign_in("audit@normandie.fr", secret=enrol(books, person_id))
    visitor.get(f"/region/agents/{person_id}")
    assert visitor.post(f"/region/agents/{person_id}/acces", {"change": change}).status_code == 302
    assert auditor.get("/region").status_code == 302
    with books.connect() as conn:
        person = people.get(conn, person_id)
    assert person
    assert (person.status, person.totp_is_confirmed) == (status, has_code)
    assert visitor.post(f"/region/agents/{person_id}/acces", {"change": "explode"}).status_code == 400


def test_a_schools_staff_are_not_the_regions_agents(visitor: Visitor, administrator: int, books: Engine) -> None:
    cashier = hire(books, "caisse@lycee.fr", Role.PARTNER_CASHIER, partner_id=add_partner(books))
    visitor.get("/region/agents")
    assert visitor.get(f"/region/agents/{cashier}").status_code == 404
    assert visitor.post(f"/region/agents/{cashier}/roles", {"roles": ["auditor"]}).status_code == 404


def test_the_first_administrator_comes_by_the_command(
    app: Flask, visitor: Visitor, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_DATABASE_URL", fresh_database.owner_url)
    monkeypatch.setenv("ATOUTS_DATABASE_APP_URL", fresh_database.app_url)
    run = CliRunner().invoke
    asked = ["invite", "admin@normandie.fr", "--name", "Luc Hamel", "--role", "administrator", "--show-link"]
    done = run(command, asked)
    assert done.exit_code == 0, done.output
    link = re.search(r"/acces/\S+", done.output)
    assert link
    visitor.get(link[0])
    assert visitor.post(link[0], {"password": "un cheval correct agrafe"}).location == "/connexion"
    assert "Luc Hamel" in run(command, ["list"]).output
    assert run(command, ["new-phone", "admin@normandie.fr"]).exit_code == 0
    assert run(command, ["disable", "ADMIN@normandie.fr"]).exit_code == 0
    assert visitor.sign_in("admin@normandie.fr", "un cheval correct agrafe").status_code == 422
    assert run(command, ["enable", "admin@normandie.fr"]).exit_code == 0
    assert visitor.sign_in("admin@normandie.fr", "un cheval correct agrafe").status_code == 302
    assert run(command, ["disable", "nobody@normandie.fr"]).exit_code == 1
    without_partner = ["invite", "a@lycee.fr", "--name", "A", "--role", "partner_cashier"]
    assert run(command, without_partner).exit_code == 2
    for wrong in (["invite", "admin", *asked[2:]], [*asked[:3], " ", *asked[4:]]):
        assert run(command, wrong).exit_code == 2


@pytest.mark.browser
def test_the_pages_are_clean(page: Page, look: Callable[[str], None], fresh_database: Database) -> None:
    engine = fresh_database.engine
    person_id = hire(engine, "admin@normandie.fr", Role.ADMINISTRATOR)
    hire(engine, "claire.aubert@normandie.fr", Role.ACCOUNTANT, Role.AUDITOR, name="Claire Aubert")
    secret = enrol(engine, person_id)
    sign_in_with_code(page, "admin@normandie.fr", secret, "/region/agents")
    expect(page.get_by_role("heading", name="Agents de la Région")).to_be_visible()
    look("agents")
    page.get_by_role("link", name="Claire Aubert").click()
    look("agent")
    page.get_by_role("button", name="Désactiver").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look("agent-confirmer")
    page.get_by_role("button", name="Non, revenir").click()
    expect(page.get_by_text("Actif")).to_be_visible()
    page.get_by_role("button", name="Désactiver").click()
    page.get_by_role("dialog").get_by_role("button", name="Désactiver").click()
    expect(page.get_by_text("ne peut plus se connecter")).to_be_visible()
    page.goto("/region/agents/nouveau")
    page.get_by_role("button", name="Inviter").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("agent-nouveau")
