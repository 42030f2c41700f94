"""What partners read of an amount that a run did not pay: once, and again only when something has moved."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Row, text

from batch import payout_documents, payouts
from batch.left_out_letters import WHAT_NEXT, letter
from ledger import partners
from ledger.payouts import approval, runs
from ledger.payouts.rules import Hold
from tests.conftest import Database
from tests.payout_world import AFTER, MONDAY, PAYER, World

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NEXT_MONDAY = MONDAY + timedelta(days=7)


@pytest.fixture
def world(fresh_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A payer, and a folder that the bank looks into."""
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    monkeypatch.setenv("ATOUTS_PAYOUT_FOLDER", str(tmp_path))
    return World(fresh_database.engine, fresh_database.owner_engine)


def told(world: World) -> list[Row[tuple[str, str, str, str]]]:
    """The mails about what was left out, in order."""
    with world.engine.connect() as conn:
        return list(
            conn.execute(
                text("""
                    select recipient, subject, body_text, body_html from mail_outbox
                     where purpose = 'payout_left_out' order by id
                """)
            )
        )


def owing_mails(world: World) -> list[int]:
    """The runs that a nudge would find."""
    with world.engine.connect() as conn:
        return payout_documents.runs_not_all_told(conn, LONG_AGO)


def sent(world: World, cutoff: datetime) -> runs.Run:
    """The run of a week, at the bank, with its mails."""
    run = world.generated(cutoff)
    payouts.transmit(world.engine, run.id, actor="person:1")
    assert owing_mails(world) == [run.id]
    for _ in range(2):
        payout_documents.mail_advices(world.engine, run.id)
    assert owing_mails(world) == []
    return run


def test_what_was_held_and_what_was_carried_is_told_with_its_reason_and_without_a_link(world: World) -> None:
    world.sale(world.partner(), 9000)
    suspended = world.partner(name="Lycée suspendu")
    world.sale(suspended, 4000)
    with world.engine.begin() as conn:
        partners.suspend(conn, suspended, reason="Prix trop hauts.", actor="person:1")
    small = world.partner(name="Lycée Petit")
    world.sale(small, 99)
    run = sent(world, MONDAY)
    held, carried = told(world)
    assert held.subject == f"Pas de virement pour la semaine {run.reference} : Lycée suspendu"
    for mail, words in ((held, ("40,00", "partenaire suspendu", "Retenu")), (carried, ("0,99", "minimum", "Reporté"))):
        for said in (*words, "6\N{NO-BREAK SPACE}septembre\N{NO-BREAK SPACE}2026"):
            assert said in mail.body_text
        assert "http" not in mail.body_text
        assert "Versements" in mail.body_html
    with world.engine.connect() as conn:
        advices = conn.execute(text("select count(*) from mail_outbox where purpose = 'remittance_advice'"))
        assert advices.scalar_one() == 1


def test_nobody_is_told_the_same_every_week(world: World) -> None:
    seller, small = world.partner(), world.partner()
    world.sale(seller, 9000)
    world.sale(small, 60)
    sent(world, MONDAY)
    assert len(told(world)) == 1
    world.sale(seller, 9000, MONDAY + timedelta(days=1))
    sent(world, NEXT_MONDAY)
    assert len(told(world)) == 1
    world.sale(seller, 9000, NEXT_MONDAY + timedelta(days=1))
    world.sale(small, 10, NEXT_MONDAY + timedelta(days=1))
    sent(world, NEXT_MONDAY + timedelta(days=7))
    assert ["0,60" in mail.body_text for mail in told(world)] == [True, False]
    assert "0,70" in told(world)[1].body_text


def test_a_run_that_pays_nobody_is_told_at_once_and_a_refused_one_never(world: World) -> None:
    partner = world.partner()
    sale = world.sale(partner, 5000)
    refused = world.freeze()
    assert owing_mails(world) == []
    with world.engine.begin() as conn:
        approval.refuse(conn, refused.id, actor="person:1", reason="Trop tôt.")
    world.refund(partner, sale)
    run = world.freeze()
    assert run.state == "empty"
    assert owing_mails(world) == [run.id]
    payout_documents.mail_advices(world.engine, run.id)
    (mail,) = told(world)
    assert run.reference in mail.subject
    assert "se déduit de vos prochaines ventes" in mail.body_text
    assert owing_mails(world) == []


def test_a_run_out_of_turn_is_not_called_a_week(world: World) -> None:
    paid, small = world.partner(), world.partner(name="Lycée Petit")
    world.sale(paid, 9000)
    world.sale(small, 99)
    run = world.generated(AFTER, weekly=False)
    payouts.transmit(world.engine, run.id, actor="person:1")
    assert payout_documents.mail_advices(world.engine, run.id) == 2
    (left_out,) = told(world)
    assert left_out.subject == f"Pas de virement dans le versement exceptionnel {run.reference} : Lycée Petit"
    with world.engine.connect() as conn:
        wanted = text("select body_text from mail_outbox where purpose = 'remittance_advice'")
        sent = conn.execute(wanted).scalar_one()
    assert "C’est un versement exceptionnel" in " ".join(sent.split())
    for said in (left_out.body_text, sent):
        assert "8\N{NO-BREAK SPACE}septembre\N{NO-BREAK SPACE}2026 à 12\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}00" in said


def test_every_reason_says_what_becomes_of_the_amount(world: World) -> None:
    run = world.freeze()
    for reason in Hold:
        said = letter(run, "Lycée Malherbe", -1250, 2, reason).as_text()
        assert WHAT_NEXT[reason] in said
        assert reason.words in said
        assert "−12,50" in said
