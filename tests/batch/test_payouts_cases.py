"""Payout cases 1 to 6 of the payout protocol, by their numbers, on the real books."""

import io
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import text

from batch import payouts
from ledger.accounts import partner_account
from ledger.payouts import approval, files, runs
from ledger.payouts.approval import Altered, NotAllowed
from ledger.payouts.rules import Flag
from ledger.payouts.runs import Run
from ledger.rights import Role
from tests.payout_world import AFTER, MONDAY, World


def values(document: bytes, name: str) -> list[str]:
    """The texts of every element of that name."""
    return [str(found) for found in etree.fromstring(document).xpath(f"//*[local-name()='{name}']/text()")]


# -- 1: generation repeated, or by two workers at once: same bytes, one run ------------------------------------------


def test_case_1_generating_again_gives_the_same_bytes(world: World) -> None:
    world.sale(world.partner(), 7000)
    run = world.generated()
    again = payouts.generate(world.engine, run.id, actor="person:2")
    assert again == run
    assert world.in_transit == 7000


def test_case_1_writing_the_file_anew_gives_the_same_bytes(world: World) -> None:
    for amount in (7000, 4000, 1234):
        world.sale(world.partner(), amount)
    run = world.generated()
    stream = io.BytesIO()
    with world.engine.connect() as conn:
        written = payouts.rewrite(conn, run, stream)
    assert run.file is not None
    assert stream.getvalue() == world.content(run)
    assert (bytes.fromhex(written.sha256), written.size) == (run.file.sha256, run.file.size)


def test_case_1_two_workers_at_once_make_one_file(world: World) -> None:
    for _ in range(20):
        world.sale(world.partner(), 1000)
    run = world.approved()
    made: list[Run] = []
    workers = [
        threading.Thread(target=lambda: made.append(payouts.generate(world.engine, run.id, actor="person:1")))
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(made) == 3
    assert {one.file for one in made} == {made[0].file}
    assert world.in_transit == 20_000
    with world.engine.connect() as conn:
        assert [step.state for step in runs.steps(conn, run.id)].count("generated") == 1


def test_case_1_messages_are_numbered_without_a_gap_by_the_order_of_their_files(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 1000)
    refused = world.approved()
    with world.engine.begin() as conn:
        approval.refuse(conn, refused.id, actor="person:1", reason="à refaire")
    first = payouts.generate(
        world.engine,
        world.approve(world.run(payouts.prepare(world.engine, cutoff=MONDAY, actor="job:payouts", weekly=True))).id,
        actor="person:1",
    )
    world.sale(partner, 500, AFTER)
    second = world.generated(MONDAY + timedelta(days=7))
    assert first.file is not None
    assert second.file is not None
    assert [first.file.message_id, second.file.message_id] == ["ATOUTS-000001", "ATOUTS-000002"]


# -- 2: crash between file and status; file sent twice ---------------------------------------------------------------


def test_case_2_after_a_crash_between_file_and_status_the_same_bytes_go_again(world: World, tmp_path: Path) -> None:
    world.sale(world.partner(), 7000)
    run = world.generated()
    with world.engine.begin() as conn:
        files.begin_transmission(conn, run, channel="directory", destination=str(tmp_path), actor="person:1")
    # The crash: the file lies there, or was taken by the bank already, and nobody noted it.
    (tmp_path / "ATOUTS-000001.xml").write_bytes(world.content(run))
    path = payouts.transmit(world.engine, run.id, actor="person:1", folder=tmp_path)
    assert path.read_bytes() == world.content(run)
    with world.engine.connect() as conn:
        assert len(files.transmissions(conn, run.id)) == 1
    assert world.run(run.id).state == "transmitted"


def test_case_2_a_file_that_the_bank_has_is_not_sent_again_by_itself(world: World, tmp_path: Path) -> None:
    world.sale(world.partner(), 7000)
    run = world.generated()
    path = payouts.transmit(world.engine, run.id, actor="person:1", folder=tmp_path)
    path.unlink()  # the bank's software took it
    assert payouts.transmit(world.engine, run.id, actor="person:1", folder=tmp_path) == path
    assert not path.exists()
    with world.engine.connect() as conn:
        assert len(files.transmissions(conn, run.id)) == 1


# -- 3: file tampered with -------------------------------------------------------------------------------------------


def test_case_3_a_file_that_was_changed_outside_is_of_no_consequence(world: World, tmp_path: Path) -> None:
    world.sale(world.partner(), 7000)
    run = world.generated()
    (tmp_path / "ATOUTS-000001.xml").write_bytes(world.content(run).replace(b"70.00", b"99.00"))
    path = payouts.transmit(world.engine, run.id, actor="person:1", folder=tmp_path)
    assert path.read_bytes() == world.content(run)


def test_case_3_stored_bytes_that_were_changed_do_not_leave(world: World, tmp_path: Path) -> None:
    world.sale(world.partner(), 7000)
    run = world.generated()
    forged = world.content(run).replace(b"70.00", b"99.00")
    world.tamper("update payout_file_part set content = :content where run_id = :run", content=forged, run=run.id)
    with pytest.raises(Altered):
        payouts.transmit(world.engine, run.id, actor="person:1", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Altered):
        payouts.download(world.engine, run.id, io.BytesIO(), actor="person:1")


@pytest.mark.parametrize(
    "forgery",
    [
        "update payout_payment set iban = 'FR7630006000011234567890189' where line = 1",
        "update payout_payment set amount = amount + 1 where line = 1",
        "update payout_line set amount = amount + 1",
        "update payout_line set transfer_id = transfer_id + 1000000",
        "update payout_run set cutoff = cutoff + interval '1 second'",
        "update payout_run set payer = jsonb_set(payer, '{iban}', '\"FR7630006000011234567890189\"')",
    ],
)
def test_case_3_a_frozen_run_that_was_changed_is_not_approved_and_has_no_file(world: World, forgery: str) -> None:
    world.sale(world.partner(), 7000)
    run = world.approved()
    undo = (
        "payout_payment" if "payout_payment" in forgery else "payout_line" if "payout_line" in forgery else "payout_run"
    )
    with world.owner.connect() as conn:
        before = conn.execute(text(f"select * from {undo}")).mappings().all()
    world.tamper(forgery)
    with pytest.raises(Altered):
        payouts.generate(world.engine, run.id, actor="person:1")
    person = world.person(Role.PAYMENT_APPROVER)
    with world.engine.begin() as conn, pytest.raises(Altered):
        approval.approve(conn, run.id, person_id=person, content_hash=run.content_hash)
    assert world.in_transit == 0
    for name in ("iban", "amount", "transfer_id", "cutoff"):
        if name in before[0]:
            world.tamper(f"update {undo} set {name} = :value", value=before[0][name])


# -- 4: net zero, negative -------------------------------------------------------------------------------------------


def test_case_4_a_net_of_zero_or_less_is_carried_shown_and_netted_later(world: World) -> None:
    zero, negative = world.partner(), world.partner()
    world.refund(zero, world.sale(zero, 4000))
    earlier = world.sale(negative, 5000)
    assert world.generated().amount == 5000
    world.refund(negative, earlier, AFTER)
    second = world.freeze(MONDAY + timedelta(days=7))
    assert second.state == "empty"
    assert world.held(second) == {zero: (0, "nothing_due"), negative: (-5000, "nothing_due")}
    assert world.balance(partner_account(negative)) == -5000
    world.sale(negative, 8000, AFTER + timedelta(days=7))
    world.sale(zero, 1000, AFTER + timedelta(days=7))
    third = world.generated(MONDAY + timedelta(days=14))
    assert {one.frozen.partner_id: one.frozen.amount for one in world.payments(third)} == {negative: 3000, zero: 1000}
    assert world.balance(partner_account(negative)) == 0


# -- 5: single-payment run -------------------------------------------------------------------------------------------


def test_case_5_a_run_of_one_payment_is_told_to_its_approvers(world: World) -> None:
    world.sale(world.partner(), 7000)
    run = world.generated()
    assert run.flags == (Flag.SINGLE_PAYMENT,)
    assert values(world.content(run), "NbOfTxs") == ["1", "1"]


# -- 6: empty run (the run of 100 000 payments is in tests/bench) ----------------------------------------------------


def test_case_6_a_week_without_anything_to_pay_is_an_empty_run_without_a_file(world: World) -> None:
    small = world.partner()
    world.sale(small, 99)
    run = world.run(payouts.prepare(world.engine, cutoff=MONDAY, actor="job:payouts", weekly=True))
    assert (run.state, run.payments, run.carried) == ("empty", 0, 99)
    with pytest.raises(NotAllowed):
        payouts.generate(world.engine, run.id, actor="person:1")
    person = world.person(Role.PAYMENT_APPROVER)
    with world.engine.begin() as conn, pytest.raises(NotAllowed):
        approval.approve(conn, run.id, person_id=person, content_hash=run.content_hash)
    world.sale(small, 2, AFTER)
    following = world.generated(MONDAY + timedelta(days=7))
    assert following.amount == 101
    assert following.file is not None
    assert following.file.message_id == "ATOUTS-000001"
