"""What a bank says: statements, their entries and details, and reports on the payments we sent.

These values follow ISO 20022 (camt.053, camt.054, pain.002) in what they mean and hold nothing of its XML. They are
told as the bank told them: an amount is a positive number of hundredths beside a direction, the direction is never
turned by a reversal indicator, an absent element is `None`. What the bank *should* have said is `matching`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

CURRENCY = "EUR"
"""The only currency of the books. Other currencies are read and marked, never counted."""


class MessageKind(StrEnum):
    """The three messages a bank sends back, by their ISO name."""

    STATEMENT = "camt.053"
    NOTIFICATION = "camt.054"
    STATUS_REPORT = "pain.002"


class Direction(StrEnum):
    """Which way money moved on our account."""

    CREDIT = "CRDT"
    DEBIT = "DBIT"

    def signed(self, cents: int) -> int:
        """The amount as it changes our balance: credits positive, debits negative."""
        return cents if self is Direction.CREDIT else -cents

    @property
    def opposite(self) -> Direction:
        """The other way."""
        return Direction.DEBIT if self is Direction.CREDIT else Direction.CREDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDescription:
    """A file that was read to its end and found whole."""

    sha256: str
    size: int
    """Bytes."""
    kind: MessageKind
    version: str
    """Two digits, as in camt.053.001.08."""
    message_id: str
    created_at: datetime
    """UTC; a bank that gives no offset is taken to write Paris time."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a payment came back or was refused: the ISO code and the bank's own, kept apart; either may be absent."""

    code: str | None = None
    proprietary: str | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionCode:
    """What kind of movement it is: ISO domain, family and sub-family, and the bank's own code."""

    domain: str | None = None
    family: str | None = None
    subfamily: str | None = None
    proprietary: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """A fee taken by a bank, in cents. `included` says whether the amount beside it has it already, if known."""

    cents: int
    currency: str
    direction: Direction | None
    included: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The identifiers a bank repeats. `NOTPROVIDED` is left in place: it is what the bank said."""

    message_id: str | None = None
    payment_information_id: str | None = None
    instruction_id: str | None = None
    end_to_end_id: str | None = None
    uetr: str | None = None
    transaction_id: str | None = None
    account_servicer_ref: str | None = None
    clearing_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One transaction inside an entry. In old versions a single detail has no amount and direction of its own."""

    number: int
    """1 for the first detail of its entry."""
    references: References
    cents: int | None = None
    currency: str | None = None
    direction: Direction | None = None
    instructed_cents: int | None = None
    """What was ordered, in euro cents, where the bank says so: the amount before a foreign bank took its fee."""
    debtor_account: str | None = None
    debtor_name: str | None = None
    creditor_account: str | None = None
    creditor_name: str | None = None
    transaction_code: TransactionCode | None = None
    return_reason: Reason | None = None
    charges: tuple[Charge, ...] = ()
    remittance: str | None = None
    information: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What the bank says of the batch that an entry books: our ids, the number of payments and their total in cents."""

    message_id: str | None = None
    payment_information_id: str | None = None
    payments: int | None = None
    total_cents: int | None = None
    direction: Direction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the account."""

    number: int
    """1 for the first entry of its statement."""
    cents: int
    currency: str
    direction: Direction
    status: str
    """`BOOK` for a movement that happened; PDNG, INFO and FUTR are announcements."""
    reversal: bool | None = None
    """The reversal indicator as written. It informs; it does not turn the direction."""
    booking_date: date | None = None
    value_date: date | None = None
    reference: str | None = None
    account_servicer_ref: str | None = None
    transaction_code: TransactionCode = TransactionCode()
    charges: tuple[Charge, ...] = ()
    batches: tuple[Batch, ...] = ()
    details: tuple[Detail, ...] = ()
    information: str | None = None

    @property
    def signed_cents(self) -> int:
        """How the entry changes the balance."""
        return self.direction.signed(self.cents)

    @property
    def booked(self) -> bool:
        """Whether the movement happened. Anything else has no effect on any book."""
        return self.status == "BOOK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A balance the bank states. `code` is the ISO one (OPBD, CLBD, PRCD, ITBD ...) or the bank's own."""

    code: str
    subtype: str | None
    signed_cents: int
    currency: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedTotals:
    """The totals that a statement announces of its own entries, each absent where the bank leaves it out. Cents."""

    entries: int | None = None
    sum_cents: int | None = None
    credit_entries: int | None = None
    credit_cents: int | None = None
    debit_entries: int | None = None
    debit_cents: int | None = None


@dataclass(slots=True)
class Tally:
    """Running totals of entries, in cents of whatever currency they have."""

    credit_entries: int = 0
    credit_cents: int = 0
    debit_entries: int = 0
    debit_cents: int = 0

    def add(self, entry: Entry) -> None:
        """Count one more entry."""
        if entry.direction is Direction.CREDIT:
            self.credit_entries += 1
            self.credit_cents += entry.cents
        else:
            self.debit_entries += 1
            self.debit_cents += entry.cents

    @property
    def entries(self) -> int:
        """How many entries were counted."""
        return self.credit_entries + self.debit_entries

    @property
    def net_cents(self) -> int:
        """Credits less debits."""
        return self.credit_cents - self.debit_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement (camt.053) or notification (camt.054): its head, and the totals of the entries that were read."""

    kind: MessageKind
    number: int
    """1 for the first statement of its file."""
    statement_id: str
    account: str
    """IBAN, or the bank's own account number where it gives no IBAN."""
    currency: str | None = None
    sequence: int | None = None
    """Electronic sequence number, or the legal one where there is no other."""
    page: int | None = None
    last_page: bool | None = None
    duplicate: bool = False
    """The bank itself marks this as a duplicate of an earlier message."""
    created_at: datetime | None = None
    from_date: date | None = None
    to_date: date | None = None
    balances: tuple[Balance, ...] = ()
    announced: AnnouncedTotals = AnnouncedTotals()
    all_entries: Tally = field(default_factory=Tally)
    booked_entries: Tally = field(default_factory=Tally)
    currencies: frozenset[str] = frozenset()
    """Currencies of the booked entries."""
    fingerprint: str = ""
    """SHA-256 over what the statement says, apart from when and in which file: tells a repeat from a correction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionStatus:
    """What a status report says of one payment."""

    instruction_id: str | None = None
    end_to_end_id: str | None = None
    uetr: str | None = None
    status: str | None = None
    reasons: tuple[Reason, ...] = ()
    account_servicer_ref: str | None = None
    cents: int | None = None
    currency: str | None = None
    creditor_account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionStatus:
    """What a status report says of one batch of payments (PmtInf) and of those payments it lists."""

    payment_information_id: str | None = None
    status: str | None = None
    reasons: tuple[Reason, ...] = ()
    payments: int | None = None
    total_cents: int | None = None
    transactions: tuple[TransactionStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """The head of a status report: which message it is about, and what it says of that message as a whole.

    `original_message_id` is trimmed (banks pad it) and `None` when the bank leaves it out, as some do when they
    could not even read our file.
    """

    original_message_id: str | None
    original_message_name: str | None
    status: str | None
    reasons: tuple[Reason, ...] = ()
    payments: int | None = None
    total_cents: int | None = None
