"""A school's own matters: its staff, its tills, its sheet and its bank account."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from ledger import people, terminals
from ledger import staff as staff_of
from ledger.rights import Role
from ledger.staff import StaffRefused
from tests.partner_portal.conftest import Visitor, add_partner, hire
from tests.partner_portal.counter.conftest import sign_in
from tests.partner_portal.sign_ups import mails

ROOT = "/partenaire/etablissement"
MANAGER, CASHIER = "gestion@lycee.example", "caisse@lycee.example"
IBAN = "FR7630006000011234567890189"


@pytest.fixture
def school(books: Engine) -> int:
    """A school with a bank account, a manager and a cashier."""
    partner_id = add_partner(books)
    hire(books, MANAGER, Role.PARTNER_MANAGER, name="Claire Le Goff", partner_id=partner_id)
    hire(books, CASHIER, Role.PARTNER_CASHIER, name="Alix Martin", partner_id=partner_id)
    with books.begin() as conn:
        conn.execute(
            text("""
                insert into partner_bank_account (partner_id, iban, holder, asked_by)
                values (:partner, :iban, 'Lycée Jeanne d’Arc', 'test:1')
            """),
            {"partner": partner_id, "iban": IBAN},
        )
        conn.execute(
            text("update partner_bank_account set accepted_by = 'test:2', accepted_at = now(), usable_from = now()")
        )
    return partner_id


@pytest.fixture
def manager(app: Flask, school: int) -> Visitor:
    """The manager, signed in."""
    visitor = Visitor(app)
    visitor.sign_in(MANAGER)
    visitor.get(f"{ROOT}/equipe")
    return visitor


def invite(manager: Visitor, email: str, role: Role = Role.PARTNER_CASHIER, name: str = "Noé Bénard") -> str:
    """Send an invitation, and read the page that follows."""
    manager.get(f"{ROOT}/equipe/inviter")
    answer = manager.post(f"{ROOT}/equipe/inviter", {"name": name, "email": email, "role": role.value})
    return manager.get(answer.location).text if answer.status_code == 302 else answer.text


def role_of(books: Engine, email: str, partner_id: int) -> Role | None:
    with books.connect() as conn:
        person = people.by_email(conn, email)
        return None if person is None else staff_of.role_at(person, partner_id)


def test_a_cashier_is_invited_made_a_manager_and_removed(manager: Visitor, books: Engine, school: int) -> None:
    page = invite(manager, "noe@lycee.example")
    assert "L’invitation part par courriel" in page
    assert "jamais" in page
    assert (mails(books)[-1].purpose, mails(books)[-1].recipient) == ("invitation", "noe@lycee.example")
    with books.connect() as conn:
        noe = people.by_email(conn, "noe@lycee.example")
    assert noe is not None
    manager.post(f"{ROOT}/equipe/{noe.id}/inviter")
    assert len(mails(books)) == 2
    manager.post(f"{ROOT}/equipe/{noe.id}/role", {"role": "partner_manager"})
    assert role_of(books, noe.email, school) is Role.PARTNER_MANAGER
    assert manager.post(f"{ROOT}/equipe/{noe.id}/role", {"role": "administrator"}).status_code == 400
    manager.post(f"{ROOT}/equipe/{noe.id}/retirer")
    assert role_of(books, noe.email, school) is None
    assert "noe@lycee.example" not in manager.get(f"{ROOT}/equipe").text.partition("<main")[2].partition("<table")[2]


def test_somebody_with_an_account_joins_with_it(manager: Visitor, books: Engine, school: int) -> None:
    elsewhere = add_partner(books, "Lycée Corneille")
    hire(books, "deux@lycee.example", Role.PARTNER_CASHIER, name="Inès Lefebvre", partner_id=elsewhere)
    invite(manager, "DEUX@lycee.example")
    assert role_of(books, "deux@lycee.example", school) is Role.PARTNER_CASHIER
    assert mails(books)[-1].purpose == "partner_joined"
    assert "fait déjà partie de l’équipe" in invite(manager, "deux@lycee.example")


def test_the_regions_people_are_not_invited(manager: Visitor, books: Engine, school: int) -> None:
    hire(books, "compta@region.example", Role.ACCOUNTANT)
    assert "ne peut pas être invitée" in invite(manager, "compta@region.example")
    assert role_of(books, "compta@region.example", school) is None


def test_nobody_changes_their_own_role_or_anothers_staff(manager: Visitor, books: Engine, school: int) -> None:
    with books.connect() as conn:
        me = people.by_email(conn, MANAGER)
    assert me is not None
    assert manager.post(f"{ROOT}/equipe/{me.id}/retirer").status_code == 403
    stranger = hire(books, "autre@lycee.example", Role.PARTNER_CASHIER, partner_id=add_partner(books, "Autre"))
    manager.get(f"{ROOT}/equipe")
    for change in ("role", "retirer", "inviter"):
        assert manager.post(f"{ROOT}/equipe/{stranger}/{change}", {"role": "partner_cashier"}).status_code == 404
        manager.get(f"{ROOT}/equipe")


def test_a_school_keeps_a_manager_whoever_asks(books: Engine, school: int) -> None:
    with books.connect() as conn:
        me = people.by_email(conn, MANAGER)
        assert me is not None
        with pytest.raises(StaffRefused, match="au moins un responsable"):
            staff_of.change_role(conn, school, me.id, Role.PARTNER_CASHIER, actor="test:1")
        conn.rollback()
        with pytest.raises(StaffRefused, match="au moins un responsable"):
            staff_of.remove(conn, school, me.id, actor="test:1")


def test_a_pairing_code_is_shown_once_and_pairs_one_till(manager: Visitor, books: Engine, school: int) -> None:
    manager.get(f"{ROOT}/caisses")
    manager.post(f"{ROOT}/caisses/code")
    shown = re.search(r'class="pairing-code">([A-Z0-9-]+)<', manager.get(f"{ROOT}/caisses").text)
    assert shown is not None
    assert "pairing-code" not in manager.get(f"{ROOT}/caisses").text
    with books.begin() as conn:
        assert terminals.pair_terminal(conn, shown[1], name="Guichet 1") is not None
        assert terminals.pair_terminal(conn, shown[1], name="Guichet 2") is None
    page = manager.get(f"{ROOT}/caisses").text
    assert "Guichet 1" in page
    assert "jamais" in page


def test_a_till_is_revoked_by_its_own_school_only(manager: Visitor, books: Engine, school: int) -> None:
    with books.begin() as conn:
        own, foreign = (
            terminals.pair_terminal(conn, terminals.make_pairing_code(conn, partner, actor="t")[0], name="Guichet")
            for partner in (school, add_partner(books, "Autre"))
        )
    assert own is not None
    assert foreign is not None
    manager.get(f"{ROOT}/caisses")
    assert manager.post(f"{ROOT}/caisses/{foreign.terminal_id}/revoquer").status_code == 404
    manager.get(f"{ROOT}/caisses")
    manager.post(f"{ROOT}/caisses/{own.terminal_id}/revoquer")
    assert "Révoquée" in manager.get(f"{ROOT}/caisses").text
    with books.connect() as conn:
        assert not terminals.get(conn, foreign.terminal_id).revoked


def test_the_contact_is_changed_and_the_number_before_stays_known(manager: Visitor, books: Engine, school: int) -> None:
    manager.get(f"{ROOT}/contact")
    wrong = {"contact": "Noé Bénard", "email": "noe@lycee.example", "phone": "12"}
    assert "dix chiffres" in manager.post(f"{ROOT}/contact", wrong).text
    assert manager.post(f"{ROOT}/contact", wrong | {"phone": "02 33 00 00 00"}).location == ROOT
    assert "02 33 00 00 00" in manager.get(ROOT).text
    with books.connect() as conn:
        assert list(conn.scalars(text("select phone from partner_contact order by id"))) == [
            "0231000000",
            "02 33 00 00 00",
        ]


def test_the_bank_account_is_masked_and_changed_for_another_only(manager: Visitor, school: int) -> None:
    page = manager.get(f"{ROOT}/compte-bancaire").text
    assert "FR76 •••• •••• 0189" in page
    assert IBAN not in page
    manager.get(f"{ROOT}/compte-bancaire/changer")
    same = manager.post(f"{ROOT}/compte-bancaire/changer", {"iban": IBAN, "holder": "Lycée"})
    assert "déjà celui qui est en vigueur" in same.text
    wrong = manager.post(f"{ROOT}/compte-bancaire/changer", {"iban": "FR76", "holder": "Lycée"})
    assert wrong.status_code == 422


def test_a_cashier_reads_the_sheet_and_changes_nothing(app: Flask, school: int) -> None:
    cashier = Visitor(app)
    cashier.sign_in(CASHIER)
    assert "Modifier le contact" not in cashier.get(ROOT).text
    page = cashier.get(f"{ROOT}/compte-bancaire").text
    assert "Demandez à un responsable" in page
    for path in ("equipe", "equipe/inviter", "caisses", "contact", "compte-bancaire/changer"):
        assert cashier.get(f"{ROOT}/{path}").status_code == 403
    for path in ("equipe/1/retirer", "equipe/1/role", "caisses/code", "caisses/1/revoquer"):
        cashier.get(ROOT)
        assert cashier.post(f"{ROOT}/{path}").status_code == 403


def test_forms_without_their_token_change_nothing(manager: Visitor, books: Engine, school: int) -> None:
    for path in ("equipe/inviter", "caisses/code", "contact", "compte-bancaire/changer"):
        manager.token = "forged"
        assert manager.post(f"{ROOT}/{path}", {"email": "x@y.fr"}).status_code == 400
    with books.connect() as conn:
        assert conn.scalar(text("select count(*) from pairing_code")) == 0


@pytest.mark.browser
def test_the_pages_of_the_school_are_clean(page: Page, books: Engine, school: int, look: Callable[[str], None]) -> None:
    sign_in(page, MANAGER)
    page.goto(ROOT)
    look("etablissement-fiche")
    page.goto(f"{ROOT}/equipe")
    look("etablissement-equipe")
    page.get_by_role("link", name="Inviter une personne").click()
    page.get_by_role("button", name="Envoyer l’invitation").click()
    expect(page.get_by_role("alert")).to_be_focused()
    look("etablissement-inviter-erreurs")
    page.goto(f"{ROOT}/caisses")
    look("etablissement-caisses-vide")
    page.get_by_role("button", name="Créer un code d’association").click()
    expect(page.locator(".pairing-code")).to_be_visible()
    with books.begin() as conn:
        for name in ("Guichet 1", "Portable du CDI"):
            code, _ = terminals.make_pairing_code(conn, school, actor="t")
            terminals.pair_terminal(conn, code, name=name)
    look("etablissement-code")
    page.goto(f"{ROOT}/caisses")
    page.get_by_role("row", name="Guichet 1").get_by_role("button", name="Révoquer").click()
    page.get_by_role("dialog").get_by_role("button", name="Révoquer").click()
    expect(page.get_by_text("Guichet 1 est révoquée")).to_be_visible()
    look("etablissement-caisses")
    page.goto(f"{ROOT}/compte-bancaire/changer")
    page.get_by_label("IBAN").fill("FR14 2004 1010 0505 0001 3M02 606")
    expect(page.get_by_text("LA BANQUE POSTALE")).to_be_visible()
    page.get_by_label("Titulaire").fill("Lycée Jeanne d’Arc")
    look("etablissement-changer-compte")
    page.keyboard.press("Enter")
    expect(page.get_by_text("La demande est transmise")).to_be_visible()
    look("etablissement-compte")
    page.goto(f"{ROOT}/contact")
    look("etablissement-contact")
