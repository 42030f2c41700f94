"""What a school sees of its money: the week so far, virements with their advices, the statement, and exports."""

import html
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from uuid import uuid4

import pypdfium2
import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from sqlalchemy import text

from batch import payouts
from ledger import cancellations, partner_activity
from ledger.calendar import Week, paris_date, week_of
from ledger.payouts import outcomes, runs
from partner_portal.money import pages
from partner_portal.money.period import period_asked
from tests.conftest import Database
from tests.ledger.scheme import ACTOR, BOOK, OTHER_BOOK
from tests.partner_portal.conftest import Visitor
from tests.partner_portal.counter.conftest import School
from tests.payout_world import PAYER, World

Look = Callable[[str], None]
MONEY = "/partenaire/versements"
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
_TODAY = paris_date(datetime.now(UTC))
LAST_MONTH = f"du={_TODAY - timedelta(days=30)}&au={_TODAY}"


def sell(school: School, student: int, *lines: tuple[int, int]) -> int:
    """A sale, and its number."""
    with school.engine.begin() as conn:
        (sale,) = school.scheme.till.sell(conn, (school.scheme.cards[student], list(lines)))
    return sale.sale_id


def give_back(school: School, sale_id: int, line: int) -> None:
    """Cancel one line."""
    with school.engine.begin() as conn:
        cancellations.cancel(
            conn,
            sale_id,
            partner_id=school.partner_id,
            origin=ACTOR,
            key=uuid4(),
            request_hash=b"1",
            lines=[line],
        )


@pytest.fixture
def paid(school: School, fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> runs.Payment:
    """Three sales and a refund of last week, paid by a run whose file is at the bank; one sale of this week."""
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    for student in (0, 1, 2):
        sale = sell(school, student, (BOOK, 3000), (OTHER_BOOK, 2550))
    give_back(school, sale, 2)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    world.tamper("update transfer set posted_at = posted_at - interval '7 days' where kind in ('sale', 'refund')")
    run = world.generated(week_of(datetime.now(UTC)).starts_at)
    sell(school, 3, (BOOK, 3000))
    (payment,) = world.payments(run)
    return payment


# -- deciding --------------------------------------------------------------------------------------------------------


def test_a_statement_is_of_this_month_unless_asked_otherwise() -> None:
    assert (period_asked("", "", NOW).first, period_asked("", "", NOW).last) == (date(2026, 11, 1), date(2026, 11, 24))
    assert period_asked("2026-09-01", "2026-09-30", NOW).ends_at == datetime(2026, 9, 30, 22, tzinfo=UTC)
    for wrong in (("hier", ""), ("2026-10-02", "2026-10-01"), ("2025-01-01", "2026-11-01"), ("1999-01-01", "")):
        period = period_asked(*wrong, NOW)
        assert period.fault
        assert period.first == date(2026, 11, 1)


# -- reading ---------------------------------------------------------------------------------------------------------


def test_weeks_are_those_of_paris_and_none_is_left_out(school: School, paid: runs.Payment) -> None:
    this_week = week_of(datetime.now(UTC))
    first = Week(this_week.monday - timedelta(weeks=2))
    with school.engine.connect() as conn:
        weeks = partner_activity.sales_by_week(conn, school.partner_id, first, this_week)
    assert [(week.sales, week.refunds, week.sold_lines) for week in weeks] == [
        (0, 0, 0),
        (16650, 2550, 6),
        (3000, 0, 1),
    ]
    assert weeks[1].net == paid.frozen.amount


def test_movements_end_at_the_balance(school: School, paid: runs.Payment) -> None:
    start = datetime.now(UTC) - timedelta(days=30)
    with school.engine.connect() as conn:
        found = partner_activity.movements(conn, school.partner_id, start, datetime.now(UTC), opening=0)
        page = partner_activity.movements(
            conn, school.partner_id, start, datetime.now(UTC), opening=0, after=found[3].transfer_id, limit=2
        )
    assert [one.kind for one in found] == ["sale"] * 6 + ["refund", "payout", "sale"]
    assert found[-1].balance == 3000
    assert found[-2].payment_id == paid.id
    assert (found[6].title, found[6].first_name, found[6].amount) == (
        "Physique-chimie 2de, licence élève 1 an",
        "Inès",
        -2550,
    )
    assert page == found[4:6]


# -- showing ---------------------------------------------------------------------------------------------------------


def test_the_advice_explains_the_payment(cashier_client: Visitor, school: School, paid: runs.Payment) -> None:
    page = cashier_client.get(f"{MONEY}/{paid.id}").text
    assert paid.end_to_end_id is not None
    assert paid.end_to_end_id in page
    assert "FR7630006000011234567890189" not in page
    assert "0189" in page
    pdf = pypdfium2.PdfDocument(BytesIO(cashier_client.get(f"{MONEY}/{paid.id}/avis.pdf").data))
    assert paid.end_to_end_id in pdf[0].get_textpage().get_text_range()
    csv = cashier_client.get(f"{MONEY}/{paid.id}/avis?format=csv").data.decode("utf-8-sig")
    assert csv.count("\r\n") == 8
    assert "Inès L." in csv
    sheet = load_workbook(BytesIO(cashier_client.get(f"{MONEY}/{paid.id}/avis?format=xlsx").data)).active
    amounts = [row[-1].value for row in sheet.iter_rows(min_row=2)]
    assert round(sum(amounts) * 100) == paid.frozen.amount


def test_payment_and_statement_are_read_page_by_page(
    cashier_client: Visitor, paid: runs.Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "LINES", 5)
    for where in (f"{MONEY}/{paid.id}", f"{MONEY}/releve?{LAST_MONTH}"):
        first = cashier_client.get(where).text
        assert first.count("/ventes/") == 5
        assert "Début" not in first
        onwards = re.search(r'href="([^"]+)" rel="next">Suite', first)
        assert onwards is not None
        last = cashier_client.get(html.unescape(onwards[1])).text
        assert "Annulation" in last
        assert f'href="{html.escape(where)}" rel="prev">Début' in last
        assert "Suite" not in last


def test_the_statement_is_exported_whole(cashier_client: Visitor, school: School, paid: runs.Payment) -> None:
    page = cashier_client.get(f"{MONEY}/releve?{LAST_MONTH}").text
    assert "Inès L." in page
    refunds = cashier_client.get(f"{MONEY}/releve?{LAST_MONTH}&type=annulations").text
    assert refunds.count("Annulation</a>") == 1
    assert "Vente</a>" not in refunds
    csv = cashier_client.get(f"{MONEY}/releve/export?{LAST_MONTH}&format=csv").data.decode("utf-8-sig")
    assert csv.splitlines()[-1].endswith("30,00;30,00")
    sheet = load_workbook(BytesIO(cashier_client.get(f"{MONEY}/releve/export?{LAST_MONTH}&format=xlsx").data)).active
    assert sheet.max_row == 10
    weeks = cashier_client.get(f"{MONEY}/semaines?format=csv").data.decode("utf-8-sig")
    assert "166,50;-25,50;141,00;6" in weeks


def test_another_schools_payment_does_not_exist(
    cashier_client: Visitor, school: School, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    world.sale(world.partner(), 5000)
    (payment,) = world.payments(world.generated())
    for path in ("", "/avis.pdf", "/avis"):
        assert cashier_client.get(f"{MONEY}/{payment.id}{path}").status_code == 404


def test_a_payment_without_its_file_has_no_advice_yet(
    cashier_client: Visitor, school: School, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    sell(school, 0, (BOOK, 3000))
    world = World(fresh_database.engine, fresh_database.owner_engine)
    world.tamper("update transfer set posted_at = posted_at - interval '7 days' where kind = 'sale'")
    cutoff = week_of(datetime.now(UTC)).starts_at
    run = world.run(payouts.prepare(world.engine, cutoff=cutoff, actor="job:payouts", weekly=True))
    (payment,) = world.payments(run)
    assert "en préparation à la Région" in cashier_client.get(f"{MONEY}/{payment.id}").text
    assert cashier_client.get(f"{MONEY}/{payment.id}/avis.pdf").status_code == 404


def test_a_payment_out_of_turn_is_called_so(
    cashier_client: Visitor, school: School, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    sell(school, 0, (BOOK, 50))
    payouts.prepare(world.engine, cutoff=datetime.now(UTC), actor="job:payouts")
    assert "-X1, exceptionnelle" in cashier_client.get(MONEY).text
    sell(school, 1, (BOOK, 3000))
    (payment,) = world.payments(world.generated(datetime.now(UTC), weekly=False))
    assert "versement exceptionnel" in cashier_client.get(MONEY).text
    assert "Versement exceptionnel, ventes jusqu’au" in cashier_client.get(f"{MONEY}/{payment.id}").text
    pdf = pypdfium2.PdfDocument(BytesIO(cashier_client.get(f"{MONEY}/{payment.id}/avis.pdf").data))
    assert "exceptionnel 2" in pdf[0].get_textpage().get_text_range()


def test_what_a_run_left_out_is_told_with_its_reason(
    cashier_client: Visitor, school: School, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    sell(school, 0, (BOOK, 50))
    world = World(fresh_database.engine, fresh_database.owner_engine)
    world.tamper("update transfer set posted_at = posted_at - interval '7 days' where kind = 'sale'")
    cutoff = week_of(datetime.now(UTC)).starts_at
    payouts.prepare(world.engine, cutoff=cutoff, actor="job:payouts", weekly=True)
    for where in (MONEY, f"{MONEY}/releve?{LAST_MONTH}"):
        page = cashier_client.get(where).text
        assert "Reports" in page
        assert "inférieur au minimum" in page
        assert "s’ajoute à votre prochain virement" in page
    closed = paris_date(cutoff)
    for days in (f"du={closed}&au={closed}", f"du={closed - timedelta(days=30)}&au={closed - timedelta(days=2)}"):
        assert "Reports" not in cashier_client.get(f"{MONEY}/releve?{days}").text
    with school.engine.connect() as conn:
        assert conn.execute(text("select count(*) from payout_held")).scalar_one() == 1


@pytest.mark.browser
def test_the_pages_of_money_are_clean(
    cashier: Page, school: School, look: Look, request: pytest.FixtureRequest
) -> None:
    cashier.goto(MONEY)
    look("versements-vide")
    cashier.goto(f"{MONEY}/releve")
    look("releve-vide")
    paid: runs.Payment = request.getfixturevalue("paid")
    cashier.goto(MONEY)
    look("versements")
    cashier.get_by_role("link", name="novembre 2026").click()
    expect(cashier.get_by_role("heading", name=re.compile("Virement du"))).to_be_visible()
    look("virement")
    cashier.goto(f"{MONEY}/releve?{LAST_MONTH}")
    look("releve")
    with school.engine.begin() as conn:
        outcomes.send_back(conn, paid.id, "returned", reason="AC04", block=True, actor=ACTOR)
    cashier.goto(f"{MONEY}/{paid.id}")
    look("virement-retourne")


@pytest.mark.browser
def test_the_pages_of_what_was_left_out_are_clean(
    cashier: Page, school: School, look: Look, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    sell(school, 0, (BOOK, 3000))
    world = World(fresh_database.engine, fresh_database.owner_engine)
    world.tamper("update transfer set posted_at = posted_at - interval '7 days' where kind = 'sale'")
    with school.engine.begin() as conn:
        conn.execute(text("update partner set status = 'suspended' where id = :id"), {"id": school.partner_id})
    payouts.prepare(world.engine, cutoff=week_of(datetime.now(UTC)).starts_at, actor="job:payouts", weekly=True)
    cashier.goto(MONEY)
    look("versements-report")
    cashier.goto(f"{MONEY}/releve?{LAST_MONTH}")
    look("releve-report")
