"""What the printed documents say, as values: amounts in cents, instants in UTC, names and labels ready to read."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal


class UnbalancedDocument(ValueError):
    """The lines do not add up to the amount the document announces; such a document must not leave the house."""


@dataclass(frozen=True, slots=True)
class Assistance:
    """Where a reader gets help; settings, printed wherever somebody may be stuck."""

    email: str
    phone: str
    hours: str


@dataclass(frozen=True, slots=True)
class Seal:
    """The latest seal over the books: printed, so that a copy exists outside the database."""

    number: int
    digest: str
    """SHA-256, 64 hexadecimal digits."""
    sealed_at: datetime


# Cards


@dataclass(frozen=True, slots=True)
class StudentCard:
    code: str
    """The QR code's text."""
    first_name: str
    last_name: str
    class_name: str
    school: str
    school_year: int
    benefits: tuple[str, ...]
    """What the card pays for, as users read it."""
    usable_until: date
    """Last day."""
    student_space: str
    """Address where a lost card is replaced, as one types it."""


# Receipts


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    title: str
    ean: str
    benefit: str
    price_cents: int
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptBalance:
    benefit: str
    balance_cents: int
    usable_until: date


@dataclass(frozen=True, slots=True)
class SaleReceipt:
    reference: str
    sold_at: datetime
    partner: str
    partner_town: str
    partner_uai: str
    student: str
    """First name and initial, as the till showed it."""
    class_name: str
    lines: tuple[ReceiptLine, ...]
    balances: tuple[ReceiptBalance, ...]
    assistance: Assistance

    @property
    def debited_cents(self) -> int:
        return sum(line.price_cents for line in self.lines if not line.cancelled)


# Remittance advices


@dataclass(frozen=True, slots=True)
class Payee:
    name: str
    town: str
    uai: str
    siret: str
    iban_masked: str


AdviceKind = Literal["sale", "refund", "carry_over"]


@dataclass(frozen=True, slots=True)
class AdviceLine:
    """One movement that the transfer pays: a sale above zero, a refund below, a carry-over either way."""

    kind: AdviceKind
    at: datetime
    reference: str
    student: str
    title: str
    benefit: str
    amount_cents: int
    ean: str = ""


@dataclass(frozen=True, slots=True)
class RemittanceAdvice:
    """Every cent of one partner's transfer, or of what is carried to the next run for want of one.

    Raises `UnbalancedDocument` unless the lines add up to the transfer and what is carried forward.
    """

    run: str
    payer: str
    payee: Payee
    first_day: date
    last_day: date
    out_of_turn: datetime | None
    """The instant up to which a run out of turn pays; None for the run of a week."""
    lines: tuple[AdviceLine, ...]
    transfer_cents: int
    """0 where nothing is paid."""
    carried_forward_cents: int
    """What the next run takes over instead; may be negative."""
    end_to_end_id: str | None
    execution_date: date | None
    seal: Seal | None
    issued_at: datetime
    assistance: Assistance

    def __post_init__(self) -> None:
        total = sum(line.amount_cents for line in self.lines)
        if total != self.transfer_cents + self.carried_forward_cents:
            raise UnbalancedDocument(
                f"advice {self.run} {self.payee.uai}: lines make {total} cents, "
                f"transfer {self.transfer_cents} and carried forward {self.carried_forward_cents}"
            )
        if self.transfer_cents < 0 or (self.transfer_cents > 0) != (self.end_to_end_id is not None):
            raise UnbalancedDocument(f"advice {self.run} {self.payee.uai}: a transfer has amount and id, or neither")

    def of_kind(self, kind: AdviceKind) -> tuple[AdviceLine, ...]:
        return tuple(line for line in self.lines if line.kind == kind)


# Payout runs


@dataclass(frozen=True, slots=True)
class RunPayment:
    end_to_end_id: str
    payee: str
    siret: str
    iban_masked: str
    amount_cents: int
    flags: tuple[str, ...] = ()
    """What the approver was told, in a few words each: 'premier virement', 'IBAN modifié' ..."""


@dataclass(frozen=True, slots=True)
class RunRemainder:
    """What is owed to a partner and not paid by this run, with the reason."""

    payee: str
    siret: str
    amount_cents: int
    reason: str


@dataclass(frozen=True, slots=True)
class Signature:
    act: str
    """'Préparé par', 'Approuvé par'."""
    name: str
    role: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentFile:
    name: str
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True, slots=True)
class PayoutRunSummary:
    """One run, for the file of the accountant.

    Raises `UnbalancedDocument` unless what is owed is what is paid, carried and held.
    """

    run: str
    payer: str
    first_day: date
    last_day: date
    out_of_turn: datetime | None
    """The instant up to which a run out of turn pays; None for the run of a week."""
    state: str
    message_id: str
    debtor_iban_masked: str
    execution_date: date
    payments: tuple[RunPayment, ...]
    carried: tuple[RunRemainder, ...]
    held: tuple[RunRemainder, ...]
    owed_cents: int
    content_sha256: str
    """The hash that was approved."""
    signatures: tuple[Signature, ...]
    file: PaymentFile | None
    seal: Seal | None
    issued_at: datetime

    def __post_init__(self) -> None:
        found = self.paid_cents + self.carried_cents + self.held_cents
        if found != self.owed_cents:
            raise UnbalancedDocument(f"run {self.run}: {self.owed_cents} cents are owed, {found} are accounted for")

    @property
    def paid_cents(self) -> int:
        return sum(payment.amount_cents for payment in self.payments)

    @property
    def carried_cents(self) -> int:
        return sum(item.amount_cents for item in self.carried)

    @property
    def held_cents(self) -> int:
        return sum(item.amount_cents for item in self.held)
