"""What becomes of an amount that is owed, decided on values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.payouts.rules import Account, Due, Flag, History, Hold, Terms, flags, hold, run_flags
from tests.payout_world import PAYER, iban

NOW = datetime(2026, 9, 7, 6, tzinfo=UTC)
TERMS = Terms(payer=PAYER, bank_profile={}, minimum=100, payment_limit=10_000, weekly_limit=15_000, run_limit=50_000)
ACCOUNT = Account(1, "Lycée Victor Hugo", iban(1), None, NOW - timedelta(days=90), False, False, None)
DUE = Due(1, "211401187", "validated", 5000, 2, "0" * 64, 0, ACCOUNT, History(iban(1), 4000, 0))


def account(**changes: object) -> Due:
    return replace(DUE, account=replace(ACCOUNT, **changes))


@pytest.mark.parametrize(
    ("due", "reason"),
    [
        (DUE, None),
        (replace(DUE, amount=0), Hold.NOTHING_DUE),
        (replace(DUE, amount=-1), Hold.NOTHING_DUE),
        (replace(DUE, amount=99), Hold.BELOW_MINIMUM),
        (replace(DUE, amount=100), None),
        (replace(DUE, status="suspended"), Hold.PARTNER_SUSPENDED),
        (replace(DUE, status="refused"), Hold.PARTNER_NOT_VALIDATED),
        (replace(DUE, account=None), Hold.NO_BANK_ACCOUNT),
        (account(blocked=True), Hold.BANK_ACCOUNT_BLOCKED),
        (account(usable_from=NOW + timedelta(seconds=1)), Hold.BANK_ACCOUNT_COOLING_OFF),
        (account(usable_from=NOW), None),
        (account(iban=PAYER.iban), Hold.PAYEE_IS_PAYER),
        (account(iban="FR7630006000011234567890188"), Hold.IBAN_WRONG),
        (account(iban="FR76 3000 6000 0112 3456 7890 189"), Hold.IBAN_WRONG),
        (account(holder="🎓"), Hold.NAME_UNWRITABLE),
        (account(holder="Œuvre"), None),
        (replace(DUE, amount=10_000), None),
        (replace(DUE, amount=10_001), Hold.ABOVE_PAYMENT_LIMIT),
        (replace(DUE, history=History(None, None, 10_000)), None),
        (replace(DUE, history=History(None, None, 10_001)), Hold.ABOVE_WEEKLY_LIMIT),
    ],
)
def test_an_amount_is_paid_unless_there_is_a_reason(due: Due, reason: Hold | None) -> None:
    assert hold(due, TERMS, NOW) is reason


def test_a_wrong_rib_key_is_held_where_the_check_digits_of_the_iban_are_right() -> None:
    assert hold(account(iban="FR0630006000011234567890188"), TERMS, NOW) is Hold.IBAN_WRONG


@pytest.mark.parametrize(
    ("due", "told"),
    [
        (DUE, ()),
        (replace(DUE, history=History(None, None, 0)), (Flag.FIRST_PAYMENT,)),
        (replace(DUE, history=History(iban(2), None, 0)), (Flag.IBAN_CHANGED,)),
        (account(shared=True), (Flag.IBAN_SHARED,)),
        (account(iban="DE89370400440532013000"), (Flag.IBAN_CHANGED, Flag.FOREIGN_IBAN)),
        (account(check="no_match"), (Flag.PAYEE_DIFFERS,)),
        (account(check="match"), ()),
        (replace(DUE, amount=12_000), (Flag.ABOVE_USUAL,)),
        (replace(DUE, amount=11_999), ()),
        (replace(DUE, reissue=1), (Flag.REISSUE,)),
    ],
)
def test_the_approvers_are_told_what_is_particular(due: Due, told: tuple[Flag, ...]) -> None:
    assert due.account is not None
    assert flags(due, due.account, TERMS) == told


def test_a_run_of_one_payment_and_one_above_its_limit_are_told() -> None:
    assert run_flags(2, 50_000, TERMS) == ()
    assert run_flags(1, 50_001, TERMS) == (Flag.SINGLE_PAYMENT, Flag.ABOVE_RUN_LIMIT)


def test_every_reason_and_flag_has_french_words() -> None:
    assert all(one.words for one in (*Hold, *Flag))
    assert [one for one in Hold if one.carried] == [Hold.NOTHING_DUE, Hold.BELOW_MINIMUM]
