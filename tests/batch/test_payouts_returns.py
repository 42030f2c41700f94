"""What comes back is paid again, and what left is read back by an independent reader."""

import importlib
import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from xsdata.formats.dataclass.parsers import XmlParser

from batch import payouts
from batch.sepa.check import check_file
from batch.sepa.profile import profile_from
from ledger import partner_accounts
from ledger.accounts import partner_account
from ledger.payouts import outcomes
from ledger.payouts.approval import NotAllowed
from ledger.payouts.rules import Flag
from tests.payout_world import AFTER, World

# -- rejects and returns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["rejected", "returned"])
def test_a_payment_that_came_back_is_paid_again_under_an_id_that_tells(world: World, outcome: str) -> None:
    partner = world.partner()
    world.sale(partner, 7000)
    (payment,) = world.payments(world.generated())
    for _ in range(2):
        with world.engine.begin() as conn:
            outcomes.send_back(conn, payment.id, outcome, reason="AC04", block=True, actor="job:bank")  # type: ignore[arg-type]
    assert world.in_transit == 0
    assert world.balance(partner_account(partner)) == 7000
    world.sale(partner, 500, AFTER)
    blocked = world.freeze(datetime.now(UTC), weekly=False)
    assert world.held(blocked) == {partner: (7500, "bank_account_blocked")}
    with world.engine.begin() as conn:
        partner_accounts.unblock(conn, payment.frozen.bank_account_id, actor="person:9")
    again = world.generated(datetime.now(UTC), weekly=False)
    (second,) = world.payments(again)
    assert (second.end_to_end_id, second.frozen.amount) == ("ATOUTS-000002-000001-R1", 7500)
    assert Flag.REISSUE in second.frozen.flags
    with world.engine.begin() as conn:
        outcomes.send_back(conn, second.id, outcome, reason="MS03", block=False, actor="job:bank")  # type: ignore[arg-type]
    (third,) = world.payments(world.generated(datetime.now(UTC), weekly=False))
    assert third.end_to_end_id == "ATOUTS-000003-000001-R2"


def test_a_payment_that_never_left_or_came_back_otherwise_does_not_come_back(world: World) -> None:
    world.sale(world.partner(), 7000)
    run = world.approved()
    (payment,) = world.payments(run)
    with world.engine.begin() as conn, pytest.raises(NotAllowed):
        outcomes.send_back(conn, payment.id, "rejected", reason="AC04", block=False, actor="job:bank")
    payouts.generate(world.engine, run.id, actor="person:1")
    with world.engine.begin() as conn:
        assert outcomes.book(conn, run.id) == 1
        with pytest.raises(NotAllowed):
            outcomes.send_back(conn, payment.id, "rejected", reason="AC04", block=False, actor="job:bank")
        outcomes.send_back(conn, payment.id, "returned", reason="AC04", block=False, actor="job:bank")


# -- the whole, by an independent reader -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["pain.001.001.03", "pain.001.001.09"])
def test_an_independent_reader_finds_every_payment_as_the_books_have_it(
    world: World, version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text(f'name = "banque"\nversion = "{version}"\ncreditor_agent = "bic"\ncategory_purpose = "GOVT"\n')
    monkeypatch.setenv("ATOUTS_BANK_PROFILE", str(profile))
    for number in range(30):
        partner = world.partner(name=f"Lycée n° {number}")
        world.refund(partner, world.sale(partner, 700 + number))
        world.sale(partner, 1000 + 37 * number)
    run = world.generated()
    document = world.content(run)
    assert check_file(io.BytesIO(document), profile_from(run.bank_profile)) == []
    with world.engine.connect() as conn:
        books = {
            (row.iban, row.end_to_end_id): Decimal(row.amount).scaleb(-2)
            for row in conn.execute(
                text("""
                    select p.iban, p.end_to_end_id, t.amount from transfer t join payout_payment p on p.id = t.document
                     where t.kind = 'payout'
                """)
            )
        }
    module = importlib.import_module(f"pyiso20022.pain.{version.replace('.', '_')}")
    message = XmlParser().from_bytes(document, module.Document).cstmr_cdt_trf_initn
    assert message.grp_hdr.ctrl_sum == sum(books.values())
    assert books == {
        (one.cdtr_acct.id.iban, one.pmt_id.end_to_end_id): one.amt.instd_amt.value
        for one in message.pmt_inf[0].cdt_trf_tx_inf
    }
    assert sum(books.values()) * 100 == run.amount == world.in_transit


def test_the_profile_is_the_one_of_the_instant_of_the_freeze(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text('version = "pain.001.001.03"\n')
    monkeypatch.setenv("ATOUTS_BANK_PROFILE", str(profile))
    world.sale(world.partner(), 7000)
    run = world.approved()
    monkeypatch.delenv("ATOUTS_BANK_PROFILE")
    assert b"pain.001.001.03" in world.content(payouts.generate(world.engine, run.id, actor="person:1"))
