"""What status reports mean for our payments: cases 13 to 18 of the payment brief."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.bank_messages import InstructionStatus, MessageKind, Reason, StatusReport, TransactionStatus
from ledger.expected import Expected, ExpectedPayment
from ledger.payment_statuses import (
    Outcome,
    StatusConflict,
    StatusConflictKind,
    StatusDecision,
    decide,
    learn_statuses,
)

MONDAY = datetime(2026, 9, 14, 8, tzinfo=UTC)
AC04 = (Reason(code="AC04"),)


def payment(line: int, run: str = "AN-37", **facts: object) -> ExpectedPayment:
    """A payment of 10,00 € per line number."""
    return ExpectedPayment(
        end_to_end_id=f"{run}-{line:03}",
        instruction_id=f"{run}-{line:03}",
        message_id=run,
        payment_information_id=f"{run}-1",
        cents=line * 10_00,
        iban="FR7630001007941234567890185",
        **facts,  # type: ignore[arg-type]
    )


THREE = (payment(1), payment(2), payment(3))


def report(status: str | None = None, message_id: str | None = "AN-37", **said: object) -> StatusReport:
    """A report on one of our messages."""
    return StatusReport(
        original_message_id=message_id,
        original_message_name=str(said.pop("name", "pain.001.001.09")),
        status=status,
        **said,  # type: ignore[arg-type]
    )


def batch(
    status: str | None, *transactions: TransactionStatus, name: str | None = "AN-37-1", **said: object
) -> InstructionStatus:
    """What the report says of the batch."""
    return InstructionStatus(payment_information_id=name, status=status, transactions=transactions, **said)  # type: ignore[arg-type]


def transaction(line: int, status: str | None, *reasons: Reason, **said: object) -> TransactionStatus:
    """What the report says of a payment."""
    return TransactionStatus(end_to_end_id=f"AN-37-{line:03}", status=status, reasons=reasons, **said)  # type: ignore[arg-type]


def decided(
    told: StatusReport,
    *instructions: InstructionStatus,
    payments: tuple[ExpectedPayment, ...] = THREE,
    at: datetime = MONDAY,
) -> list[StatusDecision | StatusConflict]:
    """What follows from a report."""
    return list(decide(told, instructions, at, Expected(payments)))


def outcomes(decisions: list[StatusDecision | StatusConflict]) -> dict[str, Outcome]:
    """The outcome of each payment; no conflict among them."""
    assert all(isinstance(decision, StatusDecision) for decision in decisions), decisions
    return {d.payment.end_to_end_id: d.outcome for d in decisions if isinstance(d, StatusDecision)}


def conflict(decisions: list[StatusDecision | StatusConflict]) -> StatusConflict:
    """The only conflict."""
    (found,) = [decision for decision in decisions if isinstance(decision, StatusConflict)]
    return found


REJECTED, ACCEPTED, PENDING = Outcome.REJECTED, Outcome.ACCEPTED, Outcome.PENDING
ALL_REJECTED = {"AN-37-001": REJECTED, "AN-37-002": REJECTED, "AN-37-003": REJECTED}


def test_13_a_rejected_batch_that_lists_nothing_rejects_all_its_payments() -> None:
    decisions = decided(report(), batch("RJCT", reasons=AC04))
    assert outcomes(decisions) == ALL_REJECTED
    assert all("compte clos (AC04)" in decision.sentence for decision in decisions)
    assert {d.level for d in decisions if isinstance(d, StatusDecision)} == {"PmtInfSts"}


def test_13_a_rejected_message_that_lists_nothing_rejects_all_its_payments() -> None:
    assert outcomes(decided(report("RJCT", reasons=(Reason(code="FF01"),)))) == ALL_REJECTED


def test_13_a_rejected_batch_rejects_those_it_does_not_list_too() -> None:
    assert outcomes(decided(report(), batch("RJCT", transaction(2, "RJCT", *AC04)))) == ALL_REJECTED


def test_14_a_rejected_batch_in_an_accepted_message_is_rejected() -> None:
    assert outcomes(decided(report("ACTC"), batch("RJCT", reasons=AC04))) == ALL_REJECTED


def test_14_a_rejected_payment_in_an_accepted_batch_is_rejected_alone() -> None:
    decisions = decided(report("ACTC"), batch("ACCP", transaction(2, "RJCT", *AC04)))
    assert outcomes(decisions) == {"AN-37-001": ACCEPTED, "AN-37-002": REJECTED, "AN-37-003": ACCEPTED}


def test_15_a_part_says_nothing_of_those_it_does_not_list() -> None:
    decisions = decided(report("PART"), batch("PART", transaction(2, "RJCT", *AC04)))
    assert outcomes(decisions) == {"AN-37-001": PENDING, "AN-37-002": REJECTED, "AN-37-003": PENDING}


def test_15_a_report_without_any_status_decides_nothing() -> None:
    assert decided(report()) == []
    assert decided(report(), batch(None)) == []


def test_16_without_the_message_id_the_batch_id_leads_to_the_message() -> None:
    assert outcomes(decided(report(message_id=None), batch("RJCT", reasons=AC04))) == ALL_REJECTED


def test_16_a_message_that_is_not_ours_decides_nothing() -> None:
    decisions = decided(report("RJCT", message_id="OTHER-1"), batch("RJCT"))
    assert conflict(decisions).kind is StatusConflictKind.UNKNOWN_MESSAGE
    assert len(decisions) == 1


def test_16_a_message_without_any_id_is_for_a_person_with_its_reason() -> None:
    told = report("RJCT", message_id=None, reasons=(Reason(code="NARR", texts=("Fichier illisible",)),))
    assert "Fichier illisible" in conflict(decided(told)).sentence


def test_16_our_batch_under_another_message_of_ours_decides_nothing() -> None:
    decisions = decided(report(), batch("RJCT", name="AN-38-1"), payments=(*THREE, payment(1, "AN-38")))
    assert conflict(decisions).kind is StatusConflictKind.UNKNOWN_MESSAGE


def test_16_a_report_on_direct_debits_is_not_about_our_payments() -> None:
    assert conflict(decided(report("RJCT", name="pain.008.001.02"))).kind is StatusConflictKind.UNKNOWN_MESSAGE


def test_16_a_payment_of_another_batch_decides_nothing() -> None:
    decisions = decided(report(), batch(None, TransactionStatus(end_to_end_id="AN-99-001", status="RJCT")))
    assert conflict(decisions).kind is StatusConflictKind.UNKNOWN_PAYMENT


@pytest.mark.parametrize("name", ["instruction_id", "uetr"])
def test_16_a_payment_is_known_by_its_other_references(name: str) -> None:
    value = {"instruction_id": "AN-37-002", "uetr": "255AE394-9965-4438-AC86-F406FEADA396"}[name]
    told = TransactionStatus(status="RJCT", reasons=AC04, **{name: value})
    payments = (THREE[0], replace(THREE[1], uetr="255ae394-9965-4438-ac86-f406feada396"))
    assert outcomes(decided(report(), batch(None, told), payments=payments)) == {"AN-37-002": REJECTED}


def test_17_a_report_repeated_changes_nothing() -> None:
    expected = Expected(THREE)
    first = list(decide(report(), [batch("RJCT")], MONDAY, expected))
    learn_statuses(first, MONDAY, expected)
    again = list(decide(report(), [batch("RJCT")], MONDAY, expected))
    assert [d.told_before for d in first if isinstance(d, StatusDecision)] == [False] * 3
    assert [d.told_before for d in again if isinstance(d, StatusDecision)] == [True] * 3


def test_17_an_older_acceptance_that_comes_late_changes_nothing() -> None:
    payments = tuple(replace(paid, rejected_at=MONDAY) for paid in THREE)
    decisions = decided(report("ACTC"), payments=payments, at=MONDAY - timedelta(hours=1))
    assert all(decision.told_before for decision in decisions if isinstance(decision, StatusDecision))
    assert set(outcomes(decisions).values()) == {ACCEPTED}


def test_17_a_later_acceptance_of_a_rejected_payment_is_a_conflict() -> None:
    decisions = decided(
        report(),
        batch(None, transaction(1, "ACSP")),
        payments=(replace(THREE[0], rejected_at=MONDAY),),
        at=MONDAY + timedelta(hours=1),
    )
    assert conflict(decisions).kind is StatusConflictKind.ACCEPTED_AFTER_REJECTION


def test_17_a_payment_accepted_inside_a_rejected_batch_is_a_conflict() -> None:
    decisions = decided(report("RJCT"), batch("RJCT", transaction(1, "ACSP")))
    assert conflict(decisions).kind is StatusConflictKind.CONTRADICTORY
    assert sum(isinstance(d, StatusDecision) and d.outcome is REJECTED for d in decisions) == 2


@pytest.mark.parametrize("witness", [MessageKind.STATEMENT, MessageKind.NOTIFICATION])
def test_17_a_rejection_after_booking_is_a_conflict(witness: MessageKind) -> None:
    debited = replace(THREE[0], debited_by=witness)
    decisions = decided(report(), batch(None, transaction(1, "RJCT", *AC04)), payments=(debited,))
    assert conflict(decisions).kind is StatusConflictKind.REJECTED_AFTER_BOOKING


def test_17_a_rejection_of_a_payment_that_came_back_changes_nothing() -> None:
    returned = replace(THREE[0], debited_by=MessageKind.STATEMENT, returned_by=MessageKind.STATEMENT)
    (decision,) = decided(report(), batch(None, transaction(1, "RJCT")), payments=(returned,))
    assert isinstance(decision, StatusDecision)
    assert decision.told_before


def test_18_a_narrative_is_told_with_its_text() -> None:
    reason = Reason(code="NARR", texts=("CAP Invalid code",))
    (decision, *_) = decided(report(), batch("PART", transaction(1, "RJCT", reason)))
    assert decision.sentence == (
        "Virement AN-37-001 de 10,00\u00a0€ rejeté (TxSts RJCT), "
        "motif : motif donné en texte libre (NARR) : « CAP Invalid code »."
    )


def test_18_an_unknown_status_is_a_conflict() -> None:
    assert conflict(decided(report(), batch(None, transaction(1, "XXXX")))).kind is StatusConflictKind.UNKNOWN_CODE


def test_18_an_unknown_reason_still_rejects() -> None:
    decisions = decided(report(), batch(None, transaction(1, "RJCT", Reason(code="ZZ99"))))
    assert outcomes(decisions) == {"AN-37-001": REJECTED}
    assert "motif ZZ99 inconnu" in decisions[0].sentence


def test_the_reason_of_the_batch_serves_payments_that_have_none() -> None:
    (decision, *_) = decided(report(), batch("RJCT", transaction(1, "RJCT"), reasons=AC04))
    assert "compte clos" in decision.sentence


def test_another_amount_than_ours_decides_nothing() -> None:
    told = transaction(1, "RJCT", cents=99_99, currency="EUR")
    assert conflict(decided(report(), batch(None, told))).kind is StatusConflictKind.AMOUNT_DIFFERS


def test_a_bank_that_accepts_another_total_is_a_conflict() -> None:
    decisions = decided(report("ACTC", total_cents=60_01))
    assert conflict(decisions).kind is StatusConflictKind.AMOUNT_DIFFERS
    assert outcomes([d for d in decisions if isinstance(d, StatusDecision)])["AN-37-001"] is ACCEPTED
