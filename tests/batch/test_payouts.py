"""The weekly run from sales to the bank's file."""

import hashlib
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import text

from batch import payouts
from batch.sepa.check import check_file
from ledger.accounts import partner_account
from ledger.payouts import files
from tests.conftest import Database
from tests.payout_world import MONDAY, PAYER, World


@pytest.fixture
def world(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty scheme, and the settings of a payer."""
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    return World(fresh_database.engine, fresh_database.owner_engine)


def test_a_run_goes_from_sales_to_the_banks_folder(world: World, tmp_path: Path) -> None:
    partner = world.partner()
    world.sale(partner, 7000)
    world.refund(partner, world.sale(partner, 4000))
    other = world.partner()
    world.sale(other, 1250)
    run_id = payouts.prepare(world.engine, cutoff=MONDAY, actor="job:payouts", weekly=True)
    run = world.run(run_id)
    assert (run.state, run.payments, run.amount, run.owed) == ("frozen", 2, 8250, 8250)
    world.approve(run)
    run = payouts.generate(world.engine, run_id, actor="person:1")
    assert run.state == "generated"
    assert run.file is not None
    assert world.in_transit == 8250
    assert world.balance(partner_account(partner)) == 0
    with world.engine.connect() as conn:
        content, again = io.BytesIO(), io.BytesIO()
        files.copy(conn, run, content)
        payouts.rewrite(conn, run, again)
    assert content.getvalue() == again.getvalue()
    assert hashlib.sha256(content.getvalue()).digest() == run.file.sha256
    content.seek(0)
    assert check_file(content) == []
    ids = etree.fromstring(content.getvalue()).xpath("//*[local-name()='EndToEndId']/text()")
    assert ids == ["ATOUTS-000001-000001", "ATOUTS-000001-000002"]
    path = payouts.transmit(world.engine, run_id, actor="person:1", folder=tmp_path)
    assert path.read_bytes() == content.getvalue()
    assert world.run(run_id).state == "transmitted"


def test_the_last_week_of_a_school_year_is_paid_in_that_year(world: World) -> None:
    first_of_september = datetime(2025, 8, 31, 22, tzinfo=UTC)  # a Monday in Paris: this week ends where the year does
    world.sale(world.partner(), 7000, first_of_september - timedelta(days=3))
    run = world.generated(first_of_september)
    assert run.last_day == date(2025, 8, 31)
    with world.engine.connect() as conn:
        assert conn.execute(text("select school_year from transfer where kind = 'payout'")).scalars().all() == [2024]
