"""The students whom our mails do not reach, listed for the managers of their own school and for nobody else."""

from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook
from playwright.sync_api import Page
from sqlalchemy import text

from ledger import students
from ledger.rights import Role
from partner_portal.establishment import students as pages
from tests.ledger.scheme import ACTOR, Line
from tests.ledger.scheme import School as Listed
from tests.partner_portal.conftest import Visitor, add_partner, hire
from tests.partner_portal.counter.conftest import CASHIER, School

PAGE = "/partenaire/etablissement/eleves-injoignables"
ELSEWHERE = "0760540Z"


@pytest.fixture
def refused(school: School) -> School:
    """Léa's address was refused, Noé has none; and in another school so it is with Ambre and with Basile."""
    with school.engine.begin() as conn:
        students.import_schools(conn, [Listed(ELSEWHERE, "Lycée Corneille", "Rouen")])
        others = (("100000001AB", "Ambre", "ambre@autre.example"), ("100000002AB", "Basile", None))
        lines = [
            Line(number, first_name=name, last_name="Voisin", school_uai=ELSEWHERE, class_name="1re 2", email=email)
            for number, name, email in others
        ]
        students.import_roster(conn, lines, actor=ACTOR)
        conn.execute(
            text("""
                insert into mail_outbox (recipient, subject, body_text, body_html, purpose, dedup_key)
                select email, 's', 't', 'h', 'receipt', email from student_identity
                 where email in ('eleve0@lycee.example', 'ambre@autre.example')
            """)
        )
        conn.execute(text("update mail_outbox set refused_at = now()"))
    return school


def test_a_manager_reads_who_has_no_address_and_whose_was_refused(manager_client: Visitor, refused: School) -> None:
    page = manager_client.get(PAGE).text
    assert "eleve0@lycee.example" in page
    assert "Martin Léa" in page
    assert "Bénard Noé" in page
    assert "Lefebvre" not in page
    csv = manager_client.get(f"{PAGE}/export?format=csv").data.decode("utf-8-sig")
    assert csv == (
        "classe;nom;prénom;adresse refusée\r\n2de 4;Bénard;Noé;\r\n2de 4;Martin;Léa;eleve0@lycee.example\r\n"
    )
    sheet = load_workbook(BytesIO(manager_client.get(f"{PAGE}/export?format=xlsx").data)).active
    assert sheet.max_row == 3
    with refused.engine.connect() as conn:
        noted = conn.execute(text("select details from audit_event where action = 'partner.students_exported'"))
        assert [row.details for row in noted] == [{"students": 2}] * 2


def test_another_schools_students_are_never_shown(app: Flask, manager_client: Visitor, refused: School) -> None:
    answers = [manager_client.get(path) for path in (PAGE, f"{PAGE}?uai={ELSEWHERE}", f"{PAGE}/export?uai={ELSEWHERE}")]
    for answer in answers:
        assert answer.status_code == 200
        assert "Voisin" not in answer.text
        assert "autre.example" not in answer.text
    # A partner that no student of the roster attends has none, and a manager of two schools sees one at a time.
    hire(refused.engine, "ailleurs@lycee.example", Role.PARTNER_MANAGER, partner_id=add_partner(refused.engine))
    elsewhere = Visitor(app)
    elsewhere.sign_in("ailleurs@lycee.example")
    assert "Tous vos élèves sont joignables" in elsewhere.get(PAGE).text
    assert elsewhere.get(f"{PAGE}/export").data.decode("utf-8-sig").count("\r\n") == 1


def test_a_cashier_and_a_suspended_school_read_no_list(app: Flask, manager_client: Visitor, refused: School) -> None:
    cashier = Visitor(app)
    cashier.sign_in(CASHIER)
    assert "Élèves injoignables" not in cashier.get("/partenaire/etablissement").text
    for path in (PAGE, f"{PAGE}/export"):
        assert cashier.get(path).status_code == 403
    with refused.engine.begin() as conn:
        conn.execute(text("update partner set status = 'suspended' where id = :id"), {"id": refused.partner_id})
    page = manager_client.get(PAGE).text
    assert "n’est pas en vigueur" in page
    assert "Martin" not in page
    assert manager_client.get(f"{PAGE}/export").status_code == 403


def test_a_long_list_is_read_page_by_page(
    manager_client: Visitor, refused: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "LINES", 1)
    first, last = manager_client.get(PAGE).text, manager_client.get(f"{PAGE}?apres=1").text
    assert "Bénard" in first
    assert "Martin" not in first
    assert f'href="{PAGE}?apres=1" rel="next">Suite' in first
    assert "Martin" in last
    assert f'href="{PAGE}" rel="prev">Début' in last
    assert "La liste s’arrête avant" in manager_client.get(f"{PAGE}?apres=2").text
    for odd in ("-1", "x", "9" * 30):
        assert "Bénard" in manager_client.get(f"{PAGE}?apres={odd}").text


@pytest.mark.browser
def test_the_page_of_unreachable_students_is_clean(
    manager: Page, school: School, look: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    with school.engine.begin() as conn:
        conn.execute(text("update student_identity set email = student_id || '@lycee.example' where email is null"))
    manager.goto(PAGE)
    look("etablissement-eleves-joignables")
    request.getfixturevalue("refused")
    manager.goto(PAGE)
    look("etablissement-eleves-injoignables")
