"""The Region's partner officer: the queue, the checks, questions, decisions, and changes of bank accounts."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from ledger import partner_accounts, partner_checks, partner_sheets, partners, people
from ledger.partner_checks import Verdict, names_agree
from ledger.rights import Role
from tests.partner_portal.conftest import Visitor, enrol, hire, sign_in_with_code
from tests.partner_portal.sign_ups import ACCOUNT, link_of, mails, make_directory, send

DESK = "/region/partenaires"
OFFICER = "officier@region.example"
OTHER = {"siret": "21760540100017", "uai": "0760540Z", "name": "Lycée Corneille", "town": "Rouen"}
OTHER_IBAN = "FR1420041010050500013M02606"


@pytest.fixture
def officer(app: Flask, books: Engine) -> Visitor:
    """The officer, signed in, with a second factor."""
    return sign_in(app, books, OFFICER, Role.REGION_OFFICER)


def sign_in(app: Flask, books: Engine, email: str, *roles: Role) -> Visitor:
    """One of the Region's people, in a browser of their own."""
    visitor = Visitor(app, "192.0.2.9")
    secret = enrol(books, hire(books, email, *roles, name="Dominique Faure"))
    visitor.sign_in(email, secret=secret)
    visitor.get(DESK)
    return visitor


@pytest.fixture
def sent(app: Flask, books: Engine) -> Visitor:
    """A school whose file has just been sent."""
    visitor = Visitor(app)
    make_directory(books)
    send(visitor)
    return visitor


def decide(officer: Visitor, decision: str, words: str = "", partner_id: int = 1) -> str:
    """Send a decision, or a question, and read the page that follows."""
    officer.get(f"{DESK}/{partner_id}")
    answer = officer.post(
        f"{DESK}/{partner_id}/{decision}", {"question" if decision == "question" else "reason": words}
    )
    assert answer.status_code == 302, answer.text
    return officer.get(answer.location).text


def status(books: Engine, partner_id: int = 1) -> str:
    with books.connect() as conn:
        return partners.get(conn, partner_id).status


def test_the_queue_shows_what_was_sent_and_finds_it_by_words(officer: Visitor, sent: Visitor) -> None:
    assert "Lycée Malherbe" in officer.get(DESK).text
    assert "Lycée Malherbe" in officer.get(f"{DESK}?q=malherbe").text
    assert "Aucun partenaire ne correspond" in officer.get(f"{DESK}?q=corneille").text
    assert "Aucun dossier dans cet état" in officer.get(f"{DESK}?etat=refused").text
    assert officer.get(f"{DESK}?etat=inconnu").status_code == 200


def test_the_file_shows_the_checks_done(officer: Visitor, sent: Visitor) -> None:
    page = officer.get(f"{DESK}/1").text.replace("\u00a0", " ")
    for said in (
        "L’annuaire dit : Lycée Malherbe, Caen",
        "CREDIT AGRICOLE",
        "ressemble au nom de l’établissement",
        "jamais confirmée",
        "FR76 3000 6000 0112 3456 7890 189",
        "Acceptés, version 2026-09",
    ):
        assert said in page


def test_an_account_given_by_two_schools_is_told(app: Flask, books: Engine, sent: Visitor) -> None:
    send(Visitor(app), **OTHER)
    with books.connect() as conn:
        sheet = partner_sheets.get(conn, 2)
        assert sheet is not None
        found = {one.title: one for one in partner_checks.check(conn, sheet)}
    assert found["Compte en double"].verdict is Verdict.BAD
    assert "Lycée Malherbe" in found["Compte en double"].sentence
    assert found["Titulaire du compte"].verdict is Verdict.LOOK
    assert found["Annuaire des établissements"].verdict is Verdict.LOOK


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("Agent comptable lycée Malherbe", "Lycée MALHERBE", True),
        ("OGEC Jeanne d’Arc", "Lycée privé Jeanne-d'Arc", True),
        ("Lycée général de la Côte", "Lycée professionnel de l’Eure", False),
        ("", "Lycée", False),
    ],
)
def test_names_agree_by_the_words_that_tell_a_school(one: str, other: str, agree: bool) -> None:
    assert names_agree(one, other) is agree


def test_accepting_puts_the_account_in_force_and_invites_whoever_signs(
    officer: Visitor, sent: Visitor, books: Engine
) -> None:
    officer.get(f"{DESK}/1")
    assert officer.post(f"{DESK}/1/accepter").location == f"{DESK}/1"
    assert "est partenaire" in officer.get(f"{DESK}/1").text
    assert status(books) == "validated"
    purposes = {(mail.purpose, mail.recipient) for mail in mails(books)}
    assert ("invitation", "h.vasseur@lycee.example") in purposes
    assert ("partner_decided", "vie.scolaire@lycee.example") in purposes
    with books.connect() as conn:
        assert conn.scalar(text("select accepted_by like 'person:%' from partner_bank_account"))
        granted = conn.execute(text("select role::text, partner_id from role_grant where partner_id is not null")).one()
    assert tuple(granted) == ("partner_manager", 1)
    assert "Votre établissement est partenaire" in sent.get("/inscription/suivi").text
    # A second officer who has the page still open decides nothing.
    officer.post(f"{DESK}/1/accepter")
    assert "n’est plus possible" in officer.get(f"{DESK}/1").text


def test_a_signer_from_the_region_stops_the_acceptance(officer: Visitor, sent: Visitor, books: Engine) -> None:
    hire(books, "h.vasseur@lycee.example", Role.ACCOUNTANT)
    officer.get(f"{DESK}/1")
    officer.post(f"{DESK}/1/accepter")
    assert "ne peut pas être invitée" in officer.get(f"{DESK}/1").text
    assert status(books) == "submitted"


def test_a_question_is_answered_in_one_thread(officer: Visitor, sent: Visitor, books: Engine, app: Flask) -> None:
    assert "Écrivez d’abord" in decide(officer, "question", "  ")
    assert "La question part" in decide(officer, "question", "Qui est le titulaire ?")
    mail = mails(books)[-1]
    assert (mail.purpose, mail.recipient) == ("sign_up_asked", "vie.scolaire@lycee.example")
    elsewhere = Visitor(app, "192.0.2.7")
    assert elsewhere.get(link_of(mail)).location == "/inscription/suivi"
    assert "Qui est le titulaire ?" in elsewhere.get("/inscription/suivi").text
    elsewhere.post("/inscription/suivi", {"body": "C’est l’agent comptable."})
    assert "Message à lire" in officer.get(DESK).text
    assert "C’est l’agent comptable." in officer.get(f"{DESK}/1").text


def test_every_officer_at_work_is_told_once_of_a_new_file_an_answer_and_a_corrected_file(
    officer: Visitor, app: Flask, books: Engine
) -> None:
    hire(books, "collegue@region.example", Role.REGION_OFFICER, Role.AUDITOR)
    hire(books, "compta@region.example", Role.ACCOUNTANT)
    gone = hire(books, "ancien@region.example", Role.REGION_OFFICER)
    with books.begin() as conn:
        people.disable(conn, gone, by="tests")

    def told() -> list[tuple[str, str, str]]:
        return [
            (mail.purpose, mail.recipient, link_of(mail))
            for mail in mails(books)
            if mail.recipient.endswith("@region.example")
        ]

    def to_both(purpose: str) -> list[tuple[str, str, str]]:
        return [(purpose, to, f"{DESK}/1") for to in (OFFICER, "collegue@region.example")]

    sent = Visitor(app)
    make_directory(books)
    send(sent)
    sent.post("/inscription/envoi")
    arrived = to_both("sign_up_arrived")
    assert sorted(told()) == sorted(arrived)
    sent.get("/inscription/suivi")
    sent.post("/inscription/suivi", {"body": "Voyez http://ailleurs.example"})
    assert sent.post("/inscription/suivi", {"body": " "}).status_code == 422
    answered = to_both("sign_up_answered")
    assert sorted(told()) == sorted(arrived + answered)
    assert "ailleurs.example" not in "".join(mail.body_text for mail in mails(books))
    decide(officer, "correction", "Le RIB est illisible.")
    sent.get("/inscription/envoi")
    for _ in range(2):
        sent.post("/inscription/envoi")
    assert sorted(told()) == sorted(arrived + answered + to_both("sign_up_corrected"))
    assert officer.get(told()[0][2]).status_code == 200


def test_a_file_given_back_is_corrected_and_sent_again(officer: Visitor, sent: Visitor, books: Engine) -> None:
    decide(officer, "correction", "L’IBAN n’est pas celui du RIB.")
    assert "L’IBAN n’est pas celui du RIB." in sent.get("/inscription/suivi").text
    sent.get("/inscription/compte")
    assert sent.post("/inscription/compte", ACCOUNT | {"iban": OTHER_IBAN}).status_code == 302
    sent.post("/inscription/pieces/1/retirer")
    sent.get("/inscription/envoi")
    assert sent.post("/inscription/envoi").location == "/inscription/suivi"
    with books.connect() as conn:
        partner = partners.get(conn, 1)
        # The paper that was sent before stays as evidence; the account asked for first is closed.
        assert conn.scalar(text("select count(*) from sign_up_document")) == 1
        live = conn.scalars(text("select ended_at is null from partner_bank_account order by id"))
        assert list(live) == [False, True]
    assert (partner.status, partner.iban) == ("submitted", OTHER_IBAN)


def test_refused_suspended_and_reinstated_with_a_reason_the_school_reads(
    officer: Visitor, sent: Visitor, books: Engine
) -> None:
    decide(officer, "refus", "Établissement hors de Normandie.")
    assert status(books) == "refused"
    assert "hors de Normandie" in sent.get("/inscription/suivi").text
    assert "hors de Normandie" in mails(books)[-1].body_text
    officer.get(f"{DESK}/1")
    officer.post(f"{DESK}/1/accepter")
    decide(officer, "suspension", "Prix au-dessus du coût réel.")
    assert status(books) == "suspended"
    assert "n’est plus possible" in decide(officer, "refus", "Trop tard.")
    page = decide(officer, "retablir")
    assert status(books) == "validated"
    for said in ("Partenariat suspendu", "Prix au-dessus du coût réel.", "Dominique Faure", "Dossier envoyé"):
        assert said in page
    assert officer.post(f"{DESK}/1/effacer").status_code == 404


@pytest.mark.parametrize(
    ("address", "title", "effect"),
    [
        ("correction", "Rendre le dossier pour correction", "Il peut tout corriger"),
        ("refus", "Refuser la demande", "Vous pourrez encore revenir sur ce refus"),
    ],
)
def test_a_decision_against_a_school_says_first_what_will_happen_and_wants_a_reason(
    officer: Visitor, sent: Visitor, books: Engine, address: str, title: str, effect: str
) -> None:
    assert f'href="{DESK}/1/{address}"' in officer.get(f"{DESK}/1").text
    page = officer.get(f"{DESK}/1/{address}").text
    assert title in page
    assert effect in page
    answer = officer.post(f"{DESK}/1/{address}", {"reason": "  "})
    assert answer.status_code == 422
    assert "Écrivez le motif" in answer.text
    assert status(books) == "submitted"


def test_a_decision_that_is_not_open_leads_back_to_the_file(officer: Visitor, sent: Visitor) -> None:
    officer.get(f"{DESK}/1/suspension")
    assert "n’est pas possible" in officer.get(f"{DESK}/1").text
    assert officer.get(f"{DESK}/99/refus").status_code == 404
    officer.post(f"{DESK}/1/accepter")
    page = officer.get(f"{DESK}/1/suspension").text
    assert "Dès maintenant, l’établissement ne peut plus faire aucune vente." in page
    assert officer.get(f"{DESK}/1/refus").status_code == 302


def test_papers_are_saved_never_shown_inside_our_pages(officer: Visitor, sent: Visitor, app: Flask) -> None:
    answer = officer.get(f"{DESK}/1/pieces/1")
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"] == "attachment; filename=rib.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.mimetype == "application/pdf"
    send(Visitor(app), **OTHER)
    assert officer.get(f"{DESK}/2/pieces/1").status_code == 404


def test_only_officers_decide_and_only_the_region_reads(app: Flask, books: Engine, sent: Visitor) -> None:
    auditor = sign_in(app, books, "audit@region.example", Role.AUDITOR)
    page = auditor.get(f"{DESK}/1").text
    assert "FR76 •••• •••• 0189" in page
    assert "FR76 3000" not in page
    assert "Accepter le partenariat" not in page
    for path in ("accepter", "question", "correction", "refus", "suspension", "retablir"):
        assert auditor.post(f"{DESK}/1/{path}", {"question": "x", "reason": "x"}).status_code == 403
    hire(books, "caisse@lycee.example", Role.PARTNER_CASHIER, partner_id=1)
    cashier = Visitor(app)
    cashier.sign_in("caisse@lycee.example")
    for path in ("", "/1", "/1/pieces/1", "/comptes", "/comptes/1"):
        assert cashier.get(DESK + path).status_code == 403
    assert cashier.get("/partenaire").status_code == 200


def test_a_form_without_its_token_decides_nothing(officer: Visitor, sent: Visitor, books: Engine) -> None:
    for path in ("refus", "accepter"):
        officer.token = "forged"
        assert officer.post(f"{DESK}/1/{path}", {"reason": "x"}).status_code == 400
    assert status(books) == "submitted"


def ask_for_another_account(app: Flask, books: Engine, officer: Visitor) -> Visitor:
    """The school is accepted, and its manager asks to be paid elsewhere."""
    officer.get(f"{DESK}/1")
    officer.post(f"{DESK}/1/accepter")
    hire(books, "gestion@lycee.example", Role.PARTNER_MANAGER, name="Claire Le Goff", partner_id=1)
    manager = Visitor(app)
    manager.sign_in("gestion@lycee.example")
    manager.get("/partenaire/etablissement/compte-bancaire/changer")
    form = {"iban": OTHER_IBAN, "holder": "Lycée Malherbe"}
    assert manager.post("/partenaire/etablissement/compte-bancaire/changer", form).status_code == 302
    return manager


def test_a_change_of_account_takes_a_call_and_an_officer(
    app: Flask, books: Engine, officer: Visitor, sent: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_BANK_ACCOUNT_COOL_OFF_DAYS", "21")
    manager = ask_for_another_account(app, books, officer)
    assert "21 jours plus tard" in manager.get("/partenaire/etablissement/compte-bancaire").text
    assert "Une demande est déjà à l’étude" in manager.get("/partenaire/etablissement/compte-bancaire").text
    again = manager.post("/partenaire/etablissement/compte-bancaire/changer", {"iban": OTHER_IBAN, "holder": "x"})
    assert "déjà à l’étude" in again.text
    assert "FR14 •••• •••• 2606" in officer.get(f"{DESK}/comptes").text
    account = f"{DESK}/comptes/2"
    officer.get(account)
    officer.post(f"{account}/accepter")
    assert "Appelez d’abord" in officer.get(account).text
    officer.post(f"{account}/appel", {"phone": "06 00 00 00 00", "spoke_with": "quelqu’un"})
    assert "pas connu avant la demande" in officer.get(account).text
    officer.post(f"{account}/appel", {"phone": "02 31 00 00 00", "spoke_with": " "})
    assert "Indiquez qui a confirmé" in officer.get(account).text
    officer.post(f"{account}/appel", {"phone": "02 31 00 00 00", "spoke_with": "Mme Vasseur, proviseure"})
    officer.post(f"{account}/verification", {"result": "close_match", "found_name": "LYCEE MALHERBE CAEN"})
    page = officer.get(account).text
    assert "Mme Vasseur, proviseure" in page
    assert "LYCEE MALHERBE CAEN" in page
    assert re.search(r"Appel noté le [^<]+, par Dominique Faure\.", page)
    assert re.search(r"notée le [^<]+, par Dominique Faure<", page)
    assert re.search(r"Demandé le</dt><dd>[^<]+, par Claire Le Goff<", page)
    assert re.search(r"le [^<]+, par Dominique Faure<", officer.get(f"{DESK}/comptes").text)
    officer.post(f"{account}/accepter")
    page = officer.get(account).text
    assert "délai de sûreté" in page
    assert re.search(r"Accepté le</dt><dd>[^<]+, par Dominique Faure<", page)
    with books.connect() as conn:
        accepted = partner_accounts.get(conn, 2)
    assert accepted.accepted_at is not None
    assert accepted.usable_from is not None
    assert round((accepted.usable_from - accepted.accepted_at) / timedelta(days=1)) == 21
    page = manager.get("/partenaire/etablissement/compte-bancaire").text
    assert "versements sont retenus" in page
    assert OTHER_IBAN not in page
    assert {mail.purpose for mail in mails(books)} >= {"bank_account_asked", "bank_account_accepted"}


def test_a_change_of_account_is_refused_with_a_reason(
    app: Flask, books: Engine, officer: Visitor, sent: Visitor
) -> None:
    ask_for_another_account(app, books, officer)
    officer.get(f"{DESK}/comptes/2")
    officer.post(f"{DESK}/comptes/2/refuser", {"reason": "L’établissement n’a rien demandé"})
    assert "Aucun changement n’attend" in officer.get(f"{DESK}/comptes").text
    assert "L’établissement n’a rien demandé" in mails(books)[-1].body_text
    assert officer.get(f"{DESK}/comptes/99").status_code == 404
    assert officer.get(f"{DESK}/99").status_code == 404


@pytest.mark.browser
def test_the_officers_pages_are_clean(page: Page, app: Flask, books: Engine, look: Callable[[str], None]) -> None:
    make_directory(books)
    school = Visitor(app)
    send(school)
    school.post("/inscription/suivi", {"body": "Bonjour, le compte est celui de l’agent comptable."})
    send(Visitor(app), **OTHER)
    secret = enrol(books, hire(books, OFFICER, Role.REGION_OFFICER, name="Dominique Faure"))
    sign_in_with_code(page, OFFICER, secret, DESK)
    expect(page.get_by_role("link", name="Partenaires", exact=True)).to_be_visible()
    page.goto(DESK)
    look("region-partenaires")
    page.get_by_role("link", name="Lycée Malherbe").click()
    expect(page.get_by_role("heading", name="Vérifications")).to_be_visible()
    page.get_by_label("Question à l’établissement").fill("Le RIB est-il récent ?")
    page.get_by_role("button", name="Poser la question").click()
    expect(page.get_by_text("La question part par courriel")).to_be_visible()
    look("region-dossier")
    page.get_by_role("link", name="Refuser la demande").click()
    page.get_by_role("button", name="Refuser la demande").click()
    expect(page.get_by_role("alert")).to_contain_text("Écrivez le motif")
    look("region-dossier-refuser")
    page.get_by_role("link", name="Revenir sans rien décider").click()
    page.get_by_role("button", name="Accepter le partenariat").click()
    page.get_by_role("dialog").get_by_role("button", name="Accepter le partenariat").click()
    expect(page.get_by_text("est partenaire")).to_be_visible()
    look("region-dossier-valide")
    page.goto(f"{DESK}/comptes")
    look("region-comptes-vide")
    with books.begin() as conn:
        conn.execute(
            text("""
                insert into partner_bank_account (partner_id, iban, holder, asked_by)
                values (1, :iban, 'Lycée Malherbe', 'person:0')
            """),
            {"iban": OTHER_IBAN},
        )
    page.goto(f"{DESK}/comptes")
    look("region-comptes")
    page.get_by_role("link", name="Lycée Malherbe").click()
    expect(page.get_by_role("heading", name="Compte demandé")).to_be_visible()
    look("region-compte")
    page.get_by_label("Qui a confirmé, nom et fonction").fill("Mme Vasseur, proviseure")
    page.get_by_role("button", name="Noter l’appel").click()
    expect(page.get_by_text("par Dominique Faure.")).to_be_visible()
    look("region-compte-appele")
    page.goto(f"{DESK}/comptes")
    expect(page.get_by_text("par Dominique Faure")).to_be_visible()
    look("region-comptes-appeles")
