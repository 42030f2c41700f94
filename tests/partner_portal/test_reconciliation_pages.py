"""The Region's reconciliation pages: files come in, what is open is decided by a person, a run is closed."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from ledger.accounts import SUSPENSE
from ledger.rights import Role
from tests.batch.bank.messages import report
from tests.batch.bank.simulated_bank import Debits, Fate, Returns, SimulatedBank
from tests.conftest import Database
from tests.partner_portal.conftest import Visitor, enrol, hire, sign_in_with_code
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


def test_more_than_one_person_may_explain_is_signed_by_the_accountant_and_entered_by_an_approver(
    app: Flask,
    books: Engine,
    accountant: Visitor,
    bank: SimulatedBank,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATOUTS_BANK_CHARGES_LIMIT_CENTS", "1000")
    drop(accountant, *bank.files())
    number = share(books)
    path = f"{BASE}/points/share/{number}"
    charges = {"what": "charges", "reason": "Frais de rejet"}
    accountant.get(path)
    accountant.post(f"{path}/decision", charges)
    assert "un approbateur des paiements" in accountant.get(path).text
    assert world.balance(SUSPENSE) != 0
    approver = sign_in(app, books, Role.PAYMENT_APPROVER, email="visa@normandie.fr")
    assert "Enregistrer l’explication" not in approver.get(path).text
    accountant.post(f"{path}/decision", {"what": "sign", "reason": "Frais de rejet"})
    assert accountant.post(f"{path}/visa", charges).status_code == 403
    assert "Enregistrer l’explication" in approver.get(path).text
    approver.post(f"{path}/visa", charges)
    assert world.balance(SUSPENSE) == 0


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


def test_a_statement_that_announces_other_totals_is_taken_on_two_signatures(
    app: Flask, books: Engine, accountant: Visitor, bank: SimulatedBank, world: World
) -> None:
    report, statement, *others = bank.files()
    head, found, rest = statement.rpartition(b"</Bal>")
    statement = head + found + b"<TxsSummry><TtlNtries><NbOfNtries>9</NbOfNtries></TtlNtries></TxsSummry>" + rest
    assert "est mis à l’écart" in drop(accountant, report, statement, *others)
    with books.connect() as conn:
        number = conn.execute(text("select id from bank_statement where state = 'quarantined'")).scalar_one()
    path = f"{BASE}/points/statement/{number}"
    assert "deux personnes peuvent le faire prendre en compte" in accountant.get(path).text
    accountant.post(f"{path}/prise-en-compte", {"reason": "La banque confirme ses soldes"})
    assert "Un approbateur des paiements doit encore contresigner" in accountant.get(path).text
    assert accountant.post(f"{path}/visa").status_code == 403
    approver = sign_in(app, books, Role.PAYMENT_APPROVER, email="visa@normandie.fr")
    assert "La banque confirme ses soldes" in approver.get(path).text
    approver.post(f"{path}/visa")
    assert "Déposez de nouveau le fichier banque-1.xml" in accountant.get(path).text
    assert "sur la signature de deux personnes" in drop(accountant, statement)
    assert accountant.get(path).status_code == 404
    assert "sur la signature de deux personnes" in accountant.get(f"{BASE}/releves").text


def test_a_statement_that_proves_nothing_says_what_to_do_and_can_only_be_put_away(
    accountant: Visitor, bank: SimulatedBank, world: World, books: Engine
) -> None:
    statement = bank.files()[1]
    drop(accountant, statement.replace(b"5000.00", b"5000.01", 1))
    with books.connect() as conn:
        number = conn.execute(text("select id from bank_statement where state = 'quarantined'")).scalar_one()
    path = f"{BASE}/points/statement/{number}"
    page = accountant.get(path).text
    assert "il remplacera celui-ci" in page
    assert "prise-en-compte" not in page
    accountant.post(f"{path}/prise-en-compte", {"reason": "Je sais"})
    assert "quelle que soit la signature" in accountant.get(path).text
    accountant.post(f"{path}/decision", {"reason": "La banque en envoie un autre"})
    assert "La banque en envoie un autre" in accountant.get(f"{BASE}/releves").text


def test_before_the_first_file_the_pages_say_what_to_do(accountant: Visitor, world: World) -> None:
    start = accountant.get(BASE).text
    assert "Aucun relevé pour l’instant" in start
    assert "Rien n’est ouvert" not in start
    assert "Aucun relevé sur cette période" in accountant.get(f"{BASE}/periode").text
    assert "Aucun relevé pour l’instant" in accountant.get(f"{BASE}/releves").text


@pytest.mark.browser
def test_the_pages_stand_on_a_phone_and_a_screen(
    page: Page, bank: SimulatedBank, books: Engine, look: Callable[[str], None]
) -> None:
    person_id = hire(books, "compta@normandie.fr", Role.ACCOUNTANT, Role.PAYMENT_APPROVER)
    secret = enrol(books, person_id)
    sign_in_with_code(page, "compta@normandie.fr", secret, f"{BASE}/fichiers")
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


def test_a_payment_refused_as_a_double_is_owed_again_only_when_the_bank_confirms_that_it_never_left(
    accountant: Visitor, world: World, books: Engine
) -> None:
    run = world.generated()
    assert run.file is not None
    told = f"<OrgnlMsgId>{run.file.message_id}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
    why = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>AM05</Cd></Rsn></StsRsnInf>"
    drop(accountant, report(f"<OrgnlGrpInfAndSts>{told}{why}</OrgnlGrpInfAndSts>"))
    assert [payment.state for payment in world.payments(run)] == ["issued"] * 4
    with books.connect() as conn:
        number = conn.execute(text("select min(id) from bank_status_conflict")).scalar_one()
    page = accountant.get(f"{BASE}/points/conflict/{number}")
    assert "Refusé comme doublon" in page.text
    assert "rien n’est dû de nouveau" in page.text
    said = accountant.post(
        f"{BASE}/points/conflict/{number}/rejet", {"reason": "Appel du 16/09"}, follow_redirects=True
    )
    assert "de nouveau dû au partenaire" in said.text
    assert [payment.state for payment in world.payments(run)] == ["rejected", "issued", "issued", "issued"]
