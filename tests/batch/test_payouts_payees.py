"""Payout cases 7 to 12 of the payout protocol, by their numbers: dates, names, accounts, payees."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from lxml import etree
from sqlalchemy import text

from batch import account_letters, payouts
from batch.sepa.check import check_file
from ledger import partner_accounts
from ledger.payouts import approval, files
from ledger.payouts.approval import NotAllowed
from ledger.payouts.rules import Flag
from ledger.rights import Role
from tests.payout_world import AFTER, MONDAY, PAYER, World, iban


def values(document: bytes, name: str) -> list[str]:
    """The texts of every element of that name."""
    return [str(found) for found in etree.fromstring(document).xpath(f"//*[local-name()='{name}']/text()")]


# -- 7: Christmas and Easter dates; cut-off --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "execution"),
    [
        (datetime(2026, 12, 24, 13, 59, tzinfo=UTC), date(2026, 12, 28)),  # before 15 h in Paris; 25 and 26 closed
        (datetime(2026, 12, 24, 14, 0, tzinfo=UTC), date(2026, 12, 29)),
        (datetime(2027, 3, 25, 13, 0, tzinfo=UTC), date(2027, 3, 30)),  # Maundy Thursday; Friday and Monday closed
        (datetime(2027, 3, 26, 9, 0, tzinfo=UTC), date(2027, 3, 31)),
        (datetime(2026, 7, 13, 9, 0, tzinfo=UTC), date(2026, 7, 14)),  # open to payments, though a holiday in France
        (datetime(2026, 9, 4, 12, 59, tzinfo=UTC), date(2026, 9, 7)),
        (datetime(2026, 9, 4, 13, 0, tzinfo=UTC), date(2026, 9, 8)),
    ],
)
def test_case_7_the_file_asks_for_a_day_on_which_payments_settle(
    world: World, made: datetime, execution: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sale(world.partner(), 7000)
    run = world.approved()
    monkeypatch.setattr(files, "_NEXT_NUMBER", text(f"select 1, timestamptz '{made.isoformat()}'"))
    run = payouts.generate(world.engine, run.id, actor="person:1")
    assert run.file is not None
    assert run.file.execution_date == execution
    document = world.content(run)
    assert values(document, "Dt") == [execution.isoformat()]
    assert check_file(io.BytesIO(document)) == []


# -- 8: accents, œ, &, emoji, control characters, 71-character names -------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Lycée Sacré-Cœur & Fils", "Lycee Sacre-Coeur + Fils"),
        ("Maison\u00a0familiale 🎓 rurale", "Maison familiale rurale"),
        ("L’Aigle\u0007 «\u202fÉtoile\u202f»", "L'Aigle ' Etoile '"),
        ("Lycée " + "x" * 65, "Lycee " + "x" * 64),
        ("Ĳsselmeer (n° 4)", "IJsselmeer (no 4)"),
    ],
)
def test_case_8_names_are_written_in_the_characters_that_every_bank_takes(
    world: World, name: str, written: str
) -> None:
    world.sale(world.partner(name=name), 7000)
    document = world.content(world.generated())
    assert values(document, "Nm")[-1] == written
    assert check_file(io.BytesIO(document)) == []


def test_case_8_a_name_of_which_nothing_could_be_written_is_held(world: World) -> None:
    partner = world.partner(name="🎓🎓")
    world.sale(partner, 7000)
    assert world.held(world.freeze()) == {partner: (7000, "name_unwritable")}


# -- 9: wrong RIB key; no-break spaces; unknown bank -----------------------------------------------------------------


def test_case_9_an_account_with_a_wrong_rib_key_is_held_whoever_wrote_it(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 7000)
    wrong = "FR0630006000011234567890188"
    world.tamper("update partner_bank_account set iban = :iban where partner_id = :id", iban=wrong, id=partner)
    assert world.held(world.freeze()) == {partner: (7000, "iban_wrong")}


def test_case_9_spaces_of_every_kind_in_an_iban_are_typing_and_not_a_fault(world: World) -> None:
    world.sale(world.partner(account="FR76\u00a03000\u202f6000 0112\u00a03456 7890 189"), 7000)
    assert "FR7630006000011234567890189" in values(world.content(world.generated()), "IBAN")


def test_case_9_a_bank_that_no_register_knows_is_paid_without_its_bic(world: World) -> None:
    from schwifty import IBAN

    unknown = str(IBAN.generate("FR", bank_code="99998", account_code="00000000001", branch_code="00001"))
    world.sale(world.partner(account=unknown), 7000)
    run = world.generated()
    (payment,) = world.payments(run)
    assert payment.frozen.bic is None
    assert check_file(io.BytesIO(world.content(run))) == []


# -- 10: payee = payer; IBAN shared ----------------------------------------------------------------------------------


def test_case_10_the_payer_does_not_pay_itself(world: World) -> None:
    partner = world.partner(account=PAYER.iban)
    world.sale(partner, 7000)
    assert world.held(world.freeze()) == {partner: (7000, "payee_is_payer")}


def test_case_10_an_iban_that_partners_share_is_told_and_paid(world: World) -> None:
    for _ in range(2):
        world.sale(world.partner(account=iban(4711)), 7000)
    run = world.generated()
    assert all(Flag.IBAN_SHARED in one.frozen.flags for one in world.payments(run))
    assert values(world.content(run), "IBAN").count(iban(4711)) == 2


# -- 11: IBAN changed after freeze; approver = maker (the latter in tests/ledger/test_payouts_promises.py) -----------


def change_account(world: World, partner: int, new: str) -> None:
    """A change by the rules: asked, called, accepted by another."""
    with world.engine.begin() as conn:
        asked = partner_accounts.ask_change(
            conn, partner, iban=new, holder="Lycée", actor="person:71", tell=account_letters.tell
        )
        partner_accounts.record_call(
            conn, asked.id, phone="02 31 00 00 00", spoke_with="Mme Le Goff", actor="person:72"
        )
        partner_accounts.accept_change(conn, asked.id, actor="person:72", tell=account_letters.tell)


@pytest.mark.parametrize("step", ["approval", "generation"])
def test_case_11_a_run_is_stopped_when_an_account_in_it_has_changed(world: World, step: str) -> None:
    partner = world.partner()
    world.sale(partner, 7000)
    run = world.approved() if step == "generation" else world.freeze()
    change_account(world, partner, iban(991))
    person = world.person(Role.PAYMENT_APPROVER)
    if step == "approval":
        with world.engine.begin() as conn, pytest.raises(NotAllowed) as refusal:
            approval.approve(conn, run.id, person_id=person, content_hash=run.content_hash)
    else:
        with pytest.raises(NotAllowed) as refusal:
            payouts.generate(world.engine, run.id, actor="person:1")
    assert refusal.value.rule == "payees_are_current"
    assert world.in_transit == 0
    with world.engine.begin() as conn:
        approval.refuse(conn, run.id, actor="person:1", reason="compte modifié")
    assert world.held(world.freeze()) == {partner: (7000, "bank_account_cooling_off")}


def test_case_11_a_run_is_stopped_when_a_partner_in_it_was_suspended(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 7000)
    run = world.approved()
    with world.owner.begin() as conn:
        conn.execute(text("update partner set status = 'suspended' where id = :id"), {"id": partner})
    with pytest.raises(NotAllowed):
        payouts.generate(world.engine, run.id, actor="person:1")


def test_case_11_the_new_account_is_paid_after_the_cool_off_with_a_flag(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 7000)
    world.generated()
    change_account(world, partner, iban(992))
    world.sale(partner, 500, AFTER)
    assert world.held(world.freeze(MONDAY + timedelta(days=7))) == {partner: (500, "bank_account_cooling_off")}
    world.tamper("update partner_bank_account set usable_from = now() where ended_at is null")
    run = world.freeze(MONDAY + timedelta(days=14))
    (payment,) = world.payments(run)
    assert payment.frozen.iban == iban(992)
    assert Flag.IBAN_CHANGED in payment.frozen.flags


# -- 12: same amount and payee in two runs ---------------------------------------------------------------------------


def test_case_12_the_same_amount_to_the_same_payee_twice_is_two_payments_with_two_ids(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 7000)
    first = world.generated()
    world.sale(partner, 7000, AFTER)
    second = world.generated(MONDAY + timedelta(days=7))
    ids = [one.end_to_end_id for run in (first, second) for one in world.payments(run)]
    assert ids == ["ATOUTS-000001-000001", "ATOUTS-000002-000001"]
    assert world.in_transit == 14_000
    assert world.content(first) != world.content(second)
