"""Which of our payments a transaction on the bank's statement is.

Keys are tried from the strongest to the weakest: end-to-end id; the other references, ours and the bank's; the run's
ids with account and amount; account with amount; an id of ours written into a free text. A transaction that rests on
an amount alone, or that several payments would fit, is proposed and not taken. A rejected payment may still be fitted:
a bank that debits it all the same, without our ids, credits it again, and the two are paired.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ledger.bank_messages import Detail, Direction, Entry, MessageKind
from ledger.expected import Expected, ExpectedPayment

_RETURN_SUBFAMILIES = frozenset({"RRTN", "ARET", "RPCR"})
_CHARGE_SUBFAMILIES = frozenset({"CHRG", "COMM", "COME", "COMI", "COMT", "FEES"})


@dataclass(frozen=True, slots=True)
class Found:
    """A payment and the keys that led to it. Without certainty it is the likeliest of several, or rests on little."""

    payment: ExpectedPayment
    keys: tuple[str, ...]
    certain: bool = True

    @property
    def named(self) -> bool:
        """Whether an id led to it, and not its amount."""
        return "montant" not in self.keys


@dataclass(frozen=True, slots=True)
class Transaction:
    """A detail as it moved our account: the entry's word fills in what the detail leaves out."""

    entry: Entry
    detail: Detail
    signed_cents: int
    told_by: MessageKind

    @property
    def direction(self) -> Direction:
        """Credit or debit of our account."""
        return Direction.CREDIT if self.signed_cents > 0 else Direction.DEBIT

    @property
    def day(self) -> date | None:
        """When it was booked."""
        return self.entry.booking_date or self.entry.value_date

    @property
    def marked_return(self) -> bool:
        """Whether the bank says in any of its ways that money came back."""
        codes = {self.entry.transaction_code, self.detail.transaction_code} - {None}
        return bool(
            self.entry.reversal
            or self.detail.return_reason
            or any(code and code.subfamily in _RETURN_SUBFAMILIES for code in codes)
        )

    @property
    def bank_references(self) -> frozenset[str]:
        """What the bank calls it, for a return to be known by."""
        references = self.detail.references
        told = (references.uetr, references.transaction_id, references.account_servicer_ref, references.clearing_ref)
        return frozenset(reference for reference in told if reference)


def is_charge(entry: Entry) -> bool:
    """Whether the entry is a fee of the bank by its transaction code."""
    return entry.direction is Direction.DEBIT and entry.transaction_code.subfamily in _CHARGE_SUBFAMILIES


def find(transaction: Transaction, expected: Expected) -> Found | None:
    """The payment that a transaction speaks of, or None. Its amount need not agree where an id names it."""
    return _by_references(transaction, expected) or _by_amount(transaction, expected) or _by_text(transaction, expected)


def payee_accounts(transaction: Transaction, expected: Expected) -> set[str]:
    """The accounts it names, ours apart; in a return banks put the payee on either side."""
    told = {transaction.detail.creditor_account, transaction.detail.debtor_account}
    return {account for account in told if account} - expected.own_accounts


def _by_references(transaction: Transaction, expected: Expected) -> Found | None:
    references = transaction.detail.references
    payment = expected.payment(references.end_to_end_id)
    if payment is not None:
        return Found(payment, ("EndToEndId",))
    for key, reference in (("InstrId", references.instruction_id), ("UETR", references.uetr)):
        payment = expected.referred_to(reference)
        if payment is not None:
            return Found(payment, (key,))
    for key, reference in (("TxId", references.transaction_id), ("AcctSvcrRef", references.account_servicer_ref)):
        payment = expected.referred_to(reference)
        # The bank's own references are also on its fees.
        if payment is not None and payment.cents == abs(transaction.signed_cents):
            return Found(payment, (key,))
    return None


def _by_amount(transaction: Transaction, expected: Expected) -> Found | None:
    references = transaction.detail.references
    accounts = payee_accounts(transaction, expected)
    cents = abs(transaction.signed_cents)
    run = expected.known_run(references.payment_information_id, references.message_id)
    if run:
        key = "PmtInfId" if run == references.payment_information_id else "MsgId"
        in_run = expected.in_run(run, cents)
        to_account = [payment for payment in in_run if payment.iban in accounts]
        if to_account:
            return _likeliest(transaction, to_account, (key, "IBAN", "montant"), certain=True)
        # An account that is not the payee's speaks against the amount.
        return None if accounts else _likeliest(transaction, in_run, (key, "montant"), certain=False)
    to_account = [payment for iban in sorted(accounts) for payment in expected.to_account(iban, cents)]
    # A partner may well send us the amount it once got, for reasons of its own.
    certain = transaction.direction is Direction.DEBIT or transaction.marked_return
    return _likeliest(transaction, to_account, ("IBAN", "montant"), certain=certain)


def _likeliest(
    transaction: Transaction, candidates: list[ExpectedPayment], keys: tuple[str, ...], *, certain: bool
) -> Found | None:
    """The one candidate that the transaction may still be, or the likeliest of several, without certainty.

    Rejected payments are candidates too, since a bank may debit one before it rejects it. Who else a movement could
    belong to depends on what was told, never on what was told first: so every order of the files ends the same.
    """
    direction, told_by = transaction.direction, transaction.told_by
    fitting = [payment for payment in candidates if payment.awaits(direction, told_by, transaction.day)]
    if direction is Direction.DEBIT:
        # A bank that has rejected a payment hardly debits it days later, unless there is no other to debit.
        fitting = [payment for payment in fitting if not payment.rejected_before(transaction.day)] or fitting
    if told_by is MessageKind.NOTIFICATION:
        # It may also tell once more what was told before.
        fitting += [payment for payment in candidates if not payment.rejected and payment.told(direction)]
    if not fitting:
        return None
    likeliest = min(fitting, key=lambda payment: _unlikeliness(payment, direction))
    certain = certain and len(fitting) == 1
    if not certain and likeliest.rejected and not likeliest.told(direction.opposite):
        # Several were rejected, and of none the bank says that there is something to make good.
        return None
    return Found(likeliest, keys, certain)


def _unlikeliness(payment: ExpectedPayment, direction: Direction) -> int:
    if payment.told(direction) and not payment.rejected:
        # What a notification told is still to come on a statement.
        return 0
    if payment.told(direction.opposite):
        # What came back has left, and what the bank debited by mistake is to come back.
        return 1
    return 3 if payment.rejected else 2


def _by_text(transaction: Transaction, expected: Expected) -> Found | None:
    for word in _words(transaction):
        payment = expected.payment(word)
        if payment is not None:
            return Found(payment, ("texte libre",), certain=False)
    return None


def _words(transaction: Transaction) -> Iterator[str]:
    detail, entry = transaction.detail, transaction.entry
    for text in (detail.remittance, detail.information, entry.information):
        if text:
            yield from re.split(r"[\s/,;]+", text)
