"""Where a clerk cannot go on: each such page says why, what to do, and where help is."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from tests.partner_portal.conftest import Visitor
from tests.partner_portal.counter.conftest import School, scan

Look = Callable[[str], None]
HELP = ("aide@example.org", "02 00 00 00 00", "tous les jours")


def set_status(school: School, status: str) -> None:
    """What the Region has decided about the school."""
    with school.engine.begin() as conn:
        conn.execute(
            text("update partner set status = cast(:status as partner_status) where id = :id"),
            {"status": status, "id": school.partner_id},
        )


@pytest.mark.parametrize(
    ("status", "sentence"), [("suspended", "partenariat est suspendu"), ("submitted", "n’a pas encore validé")]
)
def test_a_school_that_cannot_sell_is_told_why(
    cashier_client: Visitor, school: School, status: str, sentence: str
) -> None:
    set_status(school, status)
    for path in ("/partenaire/caisse", "/partenaire/groupes"):
        page = cashier_client.get(path).text
        assert sentence in page
        for part in HELP:
            assert part.replace("9 h", "9\u00a0h") in page


@pytest.mark.parametrize("path", ["/partenaire", "/partenaire/versements"])
def test_a_suspended_school_reads_on_arriving_what_that_means_and_why(
    manager_client: Visitor, school: School, path: str
) -> None:
    assert "suspendu" not in manager_client.get(path).text
    set_status(school, "suspended")
    with school.engine.begin() as conn:
        conn.execute(text("update partner set status_reason = 'Prix au-dessus du coût réel.'"))
    page = manager_client.get(path).text
    assert "Le partenariat est suspendu" in page
    assert "Prix au-dessus du coût réel." in page
    assert all(part.replace("9 h", "9\u00a0h") in page for part in HELP)
    assert "Ouvrir la caisse" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/partenaire/ventes/999",
        "/partenaire/versements/999",
        "/partenaire/groupes/018f0000-0000-7000-8000-000000000000",
        "/partenaire/catalogue/9782010000004",
    ],
)
def test_what_does_not_exist_says_so_and_where_help_is(manager_client: Visitor, path: str) -> None:
    answer = manager_client.get(path)
    assert answer.status_code == 404
    assert all(part in answer.text for part in HELP)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/partenaire/ventes/99999999999999999999", 404),
        ("/partenaire/versements/99999999999999999999", 404),
        ("/partenaire/ventes?avant=99999999999999999999&jour=0000-00-00", 200),
        ("/partenaire/versements?avant=-1", 200),
        ("/partenaire/versements/releve?apres=99999999999999999999&du=0001-01-01&au=9999-12-31&type=x", 200),
        ("/partenaire/catalogue?apres=99999999999999999999&q=%25_%5C", 200),
    ],
)
def test_numbers_that_are_none_do_no_harm(manager_client: Visitor, path: str, status: int) -> None:
    assert manager_client.get(path).status_code == status


@pytest.mark.browser
def test_the_pages_of_a_school_that_begins_are_clean(cashier: Page, school: School, look: Look) -> None:
    with school.engine.begin() as conn:
        conn.execute(text("update offer set withdrawn_at = now()"))
        conn.execute(text("update partner set uai = '0760540Z' where id = :id"), {"id": school.partner_id})
    for path, name in {
        "/partenaire/caisse": "caisse-catalogue-vide",
        "/partenaire/catalogue": "catalogue-vide",
        "/partenaire/groupes": "groupes-sans-classe",
        "/partenaire/ventes?jour=2026-09-01": "ventes-ce-jour-la",
        "/partenaire/ventes/999": "vente-introuvable",
    }.items():
        cashier.goto(path)
        look(name)
    cashier.goto("/partenaire/groupes")
    cashier.get_by_role("button", name="Commencer avec les cartes").click()
    cashier.wait_for_load_state()
    scan(cashier, "A" * 32)
    expect(cashier.locator("#said .alert-danger")).to_be_visible()
    look("groupe-carte-inconnue")
    set_status(school, "suspended")
    cashier.goto("/partenaire/caisse")
    look("caisse-suspendue")
