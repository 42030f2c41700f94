"""What a bank may tell in two ways, twice, or not at all, and what must not come of it."""

from __future__ import annotations

import pytest

from ledger.reconciliation import position
from tests.batch.bank.messages import ACCOUNT, balance, entry, statements
from tests.batch.bank.simulated_bank import amount
from tests.batch.bank.test_import_cases import Story, story
from tests.payout_world import PAYER

__all__ = ["story"]

NATIONAL_NUMBER = f"<Acct><Id><Othr><Id>{PAYER.iban[4:]}</Id></Othr></Id><Ccy>EUR</Ccy></Acct>"
SPACED = ACCOUNT.replace(PAYER.iban, f"{PAYER.iban[:4]} {PAYER.iban[4:]}")


def credited(account: str, number: int, opening: int, closing: int, *, booked: bool = True) -> bytes:
    """A statement with one credit, of an account as it is written there."""
    day = f"2026-09-{14 + number}"
    balances = balance("OPBD", amount(opening), day=day) + balance("CLBD", amount(closing), day=day)
    when = f"<BookgDt><Dt>{day}</Dt></BookgDt>" if booked else ""
    moved = entry(amount(closing - opening), when, "CRDT")
    return statements(f"<Stmt><Id>R-{number}</Id>{account}{balances}{moved}</Stmt>")


@pytest.mark.parametrize("written", [NATIONAL_NUMBER, SPACED], ids=["national number", "spaces"])
def test_an_account_that_a_bank_writes_in_two_ways_has_one_balance(story: Story, written: str) -> None:
    story.take(credited(ACCOUNT, 1, 1_000_00, 1_500_00))
    story.take(credited(written, 2, 1_500_00, 1_600_00))
    with story.world.engine.connect() as conn:
        assert position.balance(conn).books == 1_600_00
    repeated = story.take(credited(written, 1, 1_000_00, 1_500_00).replace(b"BANK-1", b"BANK-2"))
    assert repeated.aside
    assert repeated.entries == 0
