"""The Region's reconciliation pages: files come in, what is open is decided by a person, a run is closed."""

from __future__ import annotations

import io
from collections.abc import Callable

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from ledger.accounts import SUSPENSE
from ledger.rights import Role
from tests.batch.bank.simulated_bank import Debits, Fate, Returns, SimulatedBank
from tests.conftest import Database
from tests.partner_portal.conftest import PASSWORD, Visitor, enrol, hire
from tests.payout_world import PAYER, World

BASE = "/region/rapprochement"


@pytest.fixture
def world(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """A week that went to the bank: four payments."""
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    for number in range(4):
        world.sale(world.partner(name=f"Lycée Salvador-Allende {number}"), 70_00 + number * 10_50)
    return world


@pytest.fixture
def bank(world: World) -> SimulatedBank:
    """A bank that pays two, rejects one, sends one back, and has a movement that nobody knows."""
    bank = SimulatedBank()
    fates = [Fate.PAID, Fate.REJECTED, Fate.PAID, Fate.RETURNED]
    bank.take(world.content(world.generated()), fates, Debits.BATCH_IN_DETAIL, Returns.PLAIN)
    bank.other(-12_34, min(bank.days))
    return bank


def sign_in(app: Flask, books: Engine, *roles: Role, email: str = "compta@normandie.fr") -> Visitor:
    visitor = Visitor(app)
    secret = enrol(books, hire(books, email, *roles))
    assert visitor.sign_in(email, secret=secret).status_code == 302
    return visitor


@pytest.fixture
def accountant(app: Flask, books: Engine) -> Visitor:
    """An accountant who is signed in."""
    return sign_in(app, books, Role.ACCOUNTANT)


def drop(visitor: Visitor, *files: bytes) -> str:
    """Drop files on the page, and what it says."""
    visitor.get(f"{BASE}/fichiers")
    sent = [(io.BytesIO(content), f"banque-{number}.xml") for number, content in enumerate(files)]
    answer = visitor.post(f"{BASE}/fichiers", {"files": sent}, content_type="multipart/form-data")
    return answer.text.replace("\u00a0", " ").replace("&#39;", "'")


def share(books: Engine) -> int:
    with books.connect() as conn:
        return int(conn.execute(text("select id from bank_share where state = 'open'")).scalar_one())


def test_files_are_dropped_in_any_order_and_a_second_time_changes_nothing(
    accountant: Visitor, bank: SimulatedBank, world: World
) -> None:
    files = bank.files()
    said = drop(accountant, *reversed(files))
    assert "1 écriture, dont 0 à examiner" in said
    assert "rejeté (TxSts RJCT), motif : compte clos (AC04)" in said
    before = world.balance(SUSPENSE)
    assert "a déjà été déposé" in drop(accountant, files[0])
    assert world.balance(SUSPENSE) == before
    assert "Fichier refusé" in drop(accountant, b"<Document/>")
    assert "Choisissez" in drop(accountant)


def test_an_unknown_movement_is_explained_and_the_run_closed(
    accountant: Visitor, bank: SimulatedBank, world: World, books: Engine
) -> None:
    drop(accountant, *bank.files())
    number = share(books)
    page = accountant.get(f"{BASE}/points/share/{number}")
    assert "Mouvement inconnu" in page.text
    accountant.post(f"{BASE}/points/share/{number}/decision", {"what": "charges", "reason": " "})
    assert share(books) == number, "without a reason nothing happens"
    accountant.post(f"{BASE}/points/share/{number}/decision", {"what": "charges", "reason": "Frais de tenue de compte"})
    assert world.balance(SUSPENSE) == 0
    assert accountant.get(f"{BASE}/points/share/{number}").status_code == 404
    run = next(iter(_runs(books)))
    sheet = accountant.get(f"{BASE}/campagnes/{run}").text
    for told in ("Rejeté par la banque", "Retourné par la banque", "AC04"):
        assert told in sheet
    for form in ("pdf", "xlsx"):
        assert accountant.get(f"{BASE}/campagnes/{run}/rapprochement.{form}").status_code == 200
    assert accountant.get(f"{BASE}/campagnes/{run}/rapprochement.csv").status_code == 404
    assert accountant.get(f"{BASE}/campagnes/999").status_code == 404
    for path in ("", "/releves", "/periode", "/periode?du=2026-01-01&au=2027-12-31"):
        assert accountant.get(f"{BASE}{path}").status_code == 200


def _runs(books: Engine) -> list[int]:
    with books.connect() as conn:
        return list(conn.execute(text("select id from payout_run")).scalars())


def test_only_who_may_sees_decides_and_writes_off(
    app: Flask, books: Engine, accountant: Visitor, bank: SimulatedBank, world: World
) -> None:
    drop(accountant, *bank.files())
    number = share(books)
    path = f"{BASE}/points/share/{number}"
    accountant.get(path)
    assert accountant.post(f"{path}/abandon", {"reason": "x"}).status_code == 403
    auditor = sign_in(app, books, Role.AUDITOR, email="audit@normandie.fr")
    assert "La comptabilité décide" in auditor.get(path).text
    assert auditor.post(f"{path}/decision", {"what": "funding", "reason": "x"}).status_code == 403
    assert auditor.get(f"{BASE}/fichiers").status_code == 403
    officer = sign_in(app, books, Role.REGION_OFFICER, email="agent@normandie.fr")
    assert officer.get(BASE).status_code == 403
    approver = sign_in(app, books, Role.PAYMENT_APPROVER, email="visa@normandie.fr")
    approver.get(path)
    approver.post(f"{path}/abandon", {"reason": "Écart de 12,34 € accepté"})
    assert world.balance(SUSPENSE) == 0


@pytest.mark.browser
def test_the_pages_stand_on_a_phone_and_a_screen(
    page: Page, bank: SimulatedBank, books: Engine, look: Callable[[str], None]
) -> None:
    person_id = hire(books, "compta@normandie.fr", Role.ACCOUNTANT, Role.PAYMENT_APPROVER)
    secret = enrol(books, person_id)
    page.goto(f"/connexion?next={BASE}/fichiers")
    page.get_by_label("Adresse électronique").fill("compta@normandie.fr")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Déposer les fichiers")).to_be_visible()
    files = [
        {"name": f"banque-{number}.xml", "mimeType": "application/xml", "buffer": content}
        for number, content in enumerate(bank.files())
    ]
    page.set_input_files("#files", files)  # type: ignore[arg-type]
    page.get_by_role("button", name="Déposer").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    look("rapprochement-depot")
    number = share(books)
    run = _runs(books)[0]
    for name, path in {
        "accueil": "",
        "point": f"/points/share/{number}",
        "releves": "/releves",
        "periode": "/periode?du=2026-01-01&au=2027-12-31",
        "campagne": f"/campagnes/{run}",
    }.items():
        page.goto(f"{BASE}{path}")
        look(f"rapprochement-{name}")
