"""What the ledger expects of the bank: the payments it has sent, and what is known of each so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from ledger.bank_messages import Direction, MessageKind
from ledger.calendar import paris_date


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPayment:
    """One payment of a run that went to the bank.

    Three facts are kept apart, because a bank may tell them in any order: that it rejected the payment, that it debited
    us for it, and that the money came back. `debited_by` and `returned_by` say which message told it; a statement
    counts for more than a notification, since only statements move the bank account in the books.
    """

    end_to_end_id: str
    """Unique among all payments ever sent; a re-issue has another."""
    instruction_id: str
    message_id: str
    payment_information_id: str
    cents: int
    iban: str
    uetr: str | None = None
    not_before: date | None = None
    """The execution date that was asked for: no debit comes earlier."""
    rejected_at: datetime | None = None
    """When the report that rejects it was made, UTC."""
    debited_by: MessageKind | None = None
    returned_by: MessageKind | None = None
    doubled: bool = False
    """The bank debited it once more than it should, under its id, and that debit is not made good yet."""
    replaced_by: str | None = None
    """End-to-end id of the payment that was issued in its place."""
    bank_references: frozenset[str] = frozenset()
    """Identifiers that the bank itself gave to this payment when it told of it before."""

    @property
    def rejected(self) -> bool:
        """Whether the bank said that it will not execute it."""
        return self.rejected_at is not None

    def told(self, direction: Direction) -> MessageKind | None:
        """Which message told the debit, or the return, if any did."""
        return self.debited_by if direction is Direction.DEBIT else self.returned_by

    def awaits(self, direction: Direction, told_by: MessageKind, day: date | None) -> bool:
        """Whether a movement that such a message tells, without our references, may be this payment's, rejected or not.

        A bank may debit a payment and reject it only then.
        """
        if day and self.not_before and day < self.not_before:
            return False
        told = self.told(direction)
        return told is None or (told is MessageKind.NOTIFICATION and told_by is MessageKind.STATEMENT)

    def open_for(self, direction: Direction, told_by: MessageKind, day: date | None) -> bool:
        """Whether it awaits the movement, as a payment does that the bank has not rejected."""
        return not self.rejected and self.awaits(direction, told_by, day)

    def rejected_before(self, day: date | None) -> bool:
        """Whether it was rejected on an earlier day than this one, in Paris."""
        return self.rejected_at is not None and day is not None and paris_date(self.rejected_at) < day


class Expected:
    """The payments by everything that a bank may call them. All payments of a run must be there, or none.

    `own_accounts` are the IBANs we pay from: a bank may name them in a detail, where they lead to no payee.
    """

    def __init__(self, payments: Iterable[ExpectedPayment], own_accounts: Iterable[str] = ()) -> None:
        self.own_accounts = frozenset(own_accounts)
        self._payments: dict[str, ExpectedPayment] = {}
        self._by_reference: defaultdict[str, set[str]] = defaultdict(set)
        self._runs: defaultdict[str, list[str]] = defaultdict(list)
        self._by_account: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        self._by_run: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        self._open_cents: defaultdict[str, dict[tuple[Direction, MessageKind], int]] = defaultdict(dict)
        for payment in payments:
            self._add(payment)
        self._messages = tuple(dict.fromkeys(payment.message_id for payment in self._payments.values()))

    def _add(self, payment: ExpectedPayment) -> None:
        key = payment.end_to_end_id
        if key in self._payments:
            raise ValueError(f"two payments have the end-to-end id {key}")
        self._payments[key] = payment
        for run in {payment.message_id, payment.payment_information_id}:
            self._runs[run].append(key)
            self._by_run[run, payment.cents].append(key)
        self._by_account[payment.iban, payment.cents].append(key)
        self._index_references(payment)

    def _index_references(self, payment: ExpectedPayment) -> None:
        own = {payment.instruction_id, payment.end_to_end_id, (payment.uetr or "").lower()} - {""}
        for reference in own | payment.bank_references:
            self._by_reference[reference].add(payment.end_to_end_id)

    def payment(self, end_to_end_id: str | None) -> ExpectedPayment | None:
        """The payment with this end-to-end id."""
        return self._payments.get(end_to_end_id or "")

    def referred_to(self, reference: str | None) -> ExpectedPayment | None:
        """The one payment that is known by this reference, ours or the bank's; None where several are."""
        keys = self._by_reference.get(reference or "") or self._by_reference.get((reference or "").lower()) or set()
        return self._payments[next(iter(keys))] if len(keys) == 1 else None

    def run(self, *identifiers: str | None) -> list[ExpectedPayment]:
        """All payments of the run that has the first known of these message or payment information ids."""
        known = self.known_run(*identifiers)
        return [] if known is None else [self._payments[key] for key in self._runs[known]]

    def known_run(self, *identifiers: str | None) -> str | None:
        """The first of these message or payment information ids that is a run's."""
        return next((one for one in identifiers if one is not None and one in self._runs), None)

    def in_run(self, identifier: str, cents: int) -> list[ExpectedPayment]:
        """The payments of an amount in the run with this id, in the order they were given."""
        return [self._payments[key] for key in self._by_run.get((identifier, cents), [])]

    def open_in_runs(self, cents: int, direction: Direction, told_by: MessageKind) -> list[list[ExpectedPayment]]:
        """Of each run that such a message may still move as a whole, if that comes to this amount: what is open of it.

        What is open of each run is summed up once and kept up to date, for a statement may hold many entries that name
        nothing.
        """
        way = (direction, told_by)
        for message in self._messages:
            if way not in self._open_cents[message]:
                self._open_cents[message][way] = worth(self._open_of(message, way))
        return [self._open_of(message, way) for message in self._messages if self._open_cents[message][way] == cents]

    def _open_of(self, message: str, way: tuple[Direction, MessageKind]) -> list[ExpectedPayment]:
        return [payment for payment in self.run(message) if payment.open_for(*way, None)]

    def to_account(self, iban: str, cents: int) -> list[ExpectedPayment]:
        """The payments of an amount to an account, in the order they were given."""
        return [self._payments[key] for key in self._by_account.get((iban, cents), [])]

    def moved(
        self, payment: ExpectedPayment, direction: Direction, told_by: MessageKind, references: frozenset[str]
    ) -> None:
        """Record that a message told the debit or the return of a payment, and what the bank called it."""
        known = self._payments[payment.end_to_end_id]
        witness = MessageKind.STATEMENT if MessageKind.STATEMENT in (told_by, known.told(direction)) else told_by
        known = replace(known, bank_references=known.bank_references | references)
        if direction is Direction.DEBIT:
            known = replace(known, debited_by=witness)
        else:
            known = replace(known, returned_by=witness)
        self._now(known)
        self._index_references(known)

    def debited_twice(self, payment: ExpectedPayment, *, still: bool) -> None:
        """Record that the bank debited a payment once too often, or that this is made good."""
        self._now(replace(self._payments[payment.end_to_end_id], doubled=still))

    def refused(self, payment: ExpectedPayment, reported_at: datetime) -> None:
        """Record that the bank rejected a payment."""
        self._now(replace(self._payments[payment.end_to_end_id], rejected_at=reported_at))

    def _now(self, payment: ExpectedPayment) -> None:
        before = self._payments[payment.end_to_end_id]
        self._payments[payment.end_to_end_id] = payment
        for way, cents in self._open_cents[payment.message_id].items():
            change = payment.open_for(*way, None) - before.open_for(*way, None)
            self._open_cents[payment.message_id][way] = cents + change * payment.cents


def worth(payments: Iterable[ExpectedPayment]) -> int:
    """What payments come to, in cents."""
    return sum(payment.cents for payment in payments)
