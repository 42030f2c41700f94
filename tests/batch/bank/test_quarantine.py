"""Statements that are kept aside: which take care of themselves, which two people may have taken, which nobody may."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from ledger.accounts import BANK, SUSPENSE
from ledger.reconciliation import items, quarantine
from ledger.reconciliation.decisions import CannotSettle
from tests.batch.bank.simulated_bank import amount
from tests.batch.bank.test_import_cases import Story, story
from tests.payout_world import PAYER

__all__ = ["story"]

ANNOUNCES = b"<TxsSummry><TtlNtries><NbOfNtries>%d</NbOfNtries></TtlNtries></TxsSummry>"


def announcing(content: bytes, entries: int) -> bytes:
    """The statement with the number of entries that it says to have."""
    head, found, rest = content.rpartition(b"</Bal>")
    return head + found + ANNOUNCES % entries + rest


def aside(story: Story) -> list[int]:
    """The statements that are kept aside."""
    with story.world.engine.connect() as conn:
        return [item.number for item in items.open_items(conn) if item.subject == "statement"]


def ask(story: Story, number: int, actor: str = "person:1", reason: str = "Vu avec la banque") -> None:
    """Ask that a statement be taken."""
    with story.world.engine.begin() as conn:
        quarantine.ask(conn, number, reason=reason, actor=actor)


def grant(story: Story, number: int, actor: str = "person:2") -> None:
    """Countersign."""
    with story.world.engine.begin() as conn:
        quarantine.grant(conn, number, actor=actor)


def test_a_statement_that_only_announces_other_totals_is_taken_once_two_people_have_signed(story: Story) -> None:
    content = announcing(story.statement(story.debit(0, 1, 2)), 4)
    assert story.take(content).aside
    (number,) = aside(story)
    with pytest.raises(CannotSettle, match="Personne n’a encore demandé"):
        grant(story, number)
    with pytest.raises(CannotSettle, match="en une phrase"):
        ask(story, number, reason=" ")
    ask(story, number)
    assert story.take(content).aside, "one signature is none"
    (number,) = aside(story)
    ask(story, number)
    with pytest.raises(CannotSettle, match="une autre personne"):
        grant(story, number, "person:1")
    with pytest.raises(CannotSettle, match="déjà signé"):
        ask(story, number, "person:3")
    grant(story, number)
    assert (story.states, story.world.balance(BANK)) == (["issued"] * 3, 0), "nothing moves before the file is dropped"
    said = story.take(content)
    assert not said.aside
    assert "Pris en compte sur la signature de deux personnes : Vu avec la banque" in said.sentences()
    assert (story.states, story.open()) == (["booked"] * 3, [])
    assert story.take(content).seen is not None
    with story.world.engine.connect() as conn:
        signed = conn.execute(
            text("select actor, action from audit_event where action like 'bank.release%' order by id desc limit 2")
        ).all()
    assert signed == [("person:2", "bank.release_granted"), ("person:1", "bank.release_asked")]


def test_what_was_signed_is_that_content_and_no_other(story: Story) -> None:
    day, balance = story.day, story.balance
    first = announcing(story.statement((-10_00, "")), 4)
    story.day, story.balance, story.told = day, balance, story.told - 1
    other = announcing(story.statement((-20_00, "")), 4)
    story.take(first)
    (number,) = aside(story)
    ask(story, number)
    grant(story, number)
    assert story.take(other).aside


@pytest.mark.parametrize("fault", ["unbalanced", "account", "currency", "repeated", "no balance"])
def test_no_signature_has_a_statement_taken_that_proves_nothing_or_is_not_ours(story: Story, fault: str) -> None:
    cents, inside = story.debit(0, 1, 2)
    movement = (cents, f"<AcctSvcrRef>B-1</AcctSvcrRef>{inside}")
    content = story.statement(movement)
    if fault == "repeated":
        story.take(content)
        story.day -= timedelta(days=1)
        content = story.statement(movement)
    wrong = {
        "unbalanced": content.replace(amount(story.balance).encode(), b"999.99"),
        "account": content.replace(b"FR7610071140000000100000176", b"FR7630001007941234567890185"),
        "currency": content.replace(b"Ccy='EUR'", b"Ccy='CHF'"),
        "no balance": content.replace(b"CLBD", b"XPCD"),
        "repeated": content,
    }[fault]
    assert story.take(wrong).aside
    (number,) = aside(story)
    with pytest.raises(CannotSettle, match="quelle que soit la signature"):
        ask(story, number)
    with story.world.engine.connect() as conn:
        found = quarantine.find(conn, number)
    assert found is not None
    assert found.remedies, "each finding says what to do about it"


def test_the_corrected_statement_replaces_what_was_kept_aside_and_closes_the_gap_it_left(story: Story) -> None:
    content = story.statement(story.debit(0, 1, 2))
    story.take(story.statement((-10_00, "")))
    story.take(content.replace(b"1000.00", b"1000.01"))
    assert sorted(story.open()) == ["quarantined", "unknown"]
    story.take(story.statement((-5_00, "")))
    story.take(content)
    assert story.states == ["booked"] * 3
    assert sorted(story.open()) == ["unknown", "unknown"], "nothing is kept aside, and no statement is missing"
    assert story.world.balance(SUSPENSE) == -15_00


def test_a_statement_kept_aside_between_two_others_is_a_gap_until_it_is_mended(story: Story) -> None:
    first, second, third = (story.statement((-10_00, "")) for _ in range(3))
    story.take(first)
    story.take(second.replace(b"10.00", b"10.01"))
    story.take(third)
    assert sorted(story.open()) == ["gap", "quarantined", "unknown", "unknown"]
    story.take(second)
    assert story.open() == ["unknown"] * 3


def test_an_account_that_is_entered_among_ours_later_has_its_file_taken(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "FR7630001007941234567890185"
    content = story.statement((-10_00, "")).replace(PAYER.iban.encode(), other.encode())
    assert story.take(content).aside
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", other)
    assert not story.take(content).aside
    assert aside(story) == []


def test_a_bank_may_number_its_statements_anew_each_year(story: Story) -> None:
    story.day = date(2026, 12, 29)
    last_year = story.statement((-10_00, ""))
    story.day, story.told = date(2027, 1, 1), story.told - 1
    this_year = story.statement((-20_00, ""))
    assert [verdict.statement.statement_id for verdict in story.take(last_year).statements] == ["R-1"]
    story.told -= 1
    taken = story.take(this_year)
    assert [verdict.statement.statement_id for verdict in taken.statements] == ["R-1"]
    assert not taken.aside
    assert -story.world.balance(BANK) == 970_00
