"""A batch of three payments that no bank would refuse, to vary from."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from batch.sepa.pain001 import Address, Debtor, Payment, PaymentBatch, end_to_end_id, message_id, write_pain001
from batch.sepa.profile import BankProfile

REGION = Debtor(
    name="Région Normandie",
    iban="FR7610071140000000100000176",
    bic="TRPUFRP1XXX",
    address=Address("Abbaye-aux-Dames, place Reine Mathilde", None, "14035", "Caen", "FR"),
)
MESSAGE = message_id(37)
PAYMENTS = (
    Payment(
        end_to_end_id(MESSAGE, 1),
        1_234_56,
        "Lycée Malherbe",
        "FR7630003001200002000123405",
        "SOGEFRPP",
        "Atouts Normandie 2026-W37",
        Address("Avenue Albert Sorel", "14", "14000", "Caen", "FR"),
    ),
    Payment(
        end_to_end_id(MESSAGE, 2), 70_00, "MFR de Balleroy", "FR7610278021400004567890122", None, "Atouts Normandie"
    ),
    Payment(end_to_end_id(MESSAGE, 3), 1, "Lycée Jean Rostand", "DE89370400440532013000", None, "Atouts Normandie"),
)

BatchOf = Callable[..., PaymentBatch]


@pytest.fixture
def batch_of() -> BatchOf:
    """Makes a batch of the payments given (by default the usual three), its count and total right unless told."""

    def make(*payments: Payment, profile: BankProfile | None = None, **changes: object) -> PaymentBatch:
        chosen = payments or PAYMENTS
        batch = PaymentBatch(
            message_id=MESSAGE,
            created_at=datetime(2026, 9, 14, 6, 30, tzinfo=UTC),
            debtor=REGION,
            requested_date=date(2026, 9, 15),
            profile=profile or BankProfile(),
            payments=chosen,
            count=len(chosen),
            total_cents=sum(payment.amount_cents for payment in chosen),
        )
        return replace(batch, **changes)

    return make


@pytest.fixture
def payment() -> Payment:
    """The first of the three payments."""
    return PAYMENTS[0]


@pytest.fixture
def written() -> Callable[[PaymentBatch], bytes]:
    """The bytes of a batch's file."""

    def write(batch: PaymentBatch) -> bytes:
        stream = io.BytesIO()
        write_pain001(batch, stream)
        return stream.getvalue()

    return write
