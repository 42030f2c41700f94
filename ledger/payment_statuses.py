"""What a status report (pain.002) means for the payments it is about.

The most specific word wins: the payment's own status, else its batch's, else the whole message's. Only a rejection has
an effect on the books; an acceptance of whatever degree promises something and proves nothing, the debit on a statement
does. A payment that was debited is not rejected by a report any more: that is a conflict for a person. So is one that
the bank refuses because it has had it before: a file whose arrival was uncertain is sent again as it is, and the first
copy may well be carried out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ledger.bank_messages import CURRENCY, InstructionStatus, Reason, StatusReport, TransactionStatus
from ledger.expected import Expected, ExpectedPayment, worth
from ledger.money import euros
from ledger.return_reasons import DOUBLES, iso_code, words


class Outcome(StrEnum):
    """What a status code comes to."""

    REJECTED = "rejected"
    ACCEPTED = "accepted"
    PENDING = "pending"


_OUTCOMES = {
    **dict.fromkeys(("RJCT", "CANC"), Outcome.REJECTED),
    **dict.fromkeys(("ACTC", "ACCP", "ACFC", "ACSP", "ACSC", "ACCC", "ACWC", "ACWP"), Outcome.ACCEPTED),
    **dict.fromkeys(("RCVD", "PDNG", "PATC", "PART", "PRES", "ACPD"), Outcome.PENDING),
}
"""ISO 20022 external payment status codes. PART says that some payments are rejected, and nothing of any one."""


class StatusConflictKind(StrEnum):
    """Why a report, or a part of it, is for a person to look at. It has no effect."""

    UNKNOWN_MESSAGE = "unknown_message"
    UNKNOWN_PAYMENT = "unknown_payment"
    UNKNOWN_CODE = "unknown_code"
    CONTRADICTORY = "contradictory"
    REJECTED_AFTER_BOOKING = "rejected_after_booking"
    ACCEPTED_AFTER_REJECTION = "accepted_after_rejection"
    SAID_TO_BE_DOUBLE = "said_to_be_double"
    AMOUNT_DIFFERS = "amount_differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusDecision:
    """What the report says of one payment. `level` is the element that decided: TxSts, PmtInfSts or GrpSts."""

    payment: ExpectedPayment
    outcome: Outcome
    status: str
    level: str
    reasons: tuple[Reason, ...]
    told_before: bool
    """It changes nothing: a repeat, or an older report that came late."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusConflict:
    """A part of the report that does not fit what we know."""

    kind: StatusConflictKind
    sentence: str
    payment: ExpectedPayment | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class _Word:
    """A status at one level, with its reasons."""

    level: str
    status: str | None
    reasons: tuple[Reason, ...]

    @property
    def outcome(self) -> Outcome | None:
        return _OUTCOMES.get(self.status or "")


def decide(
    report: StatusReport, instructions: Iterable[InstructionStatus], reported_at: datetime, expected: Expected
) -> Iterator[StatusDecision | StatusConflict]:
    """What follows from a report made at `reported_at` (UTC), payment by payment.

    A report on a message that is not ours, or that contradicts itself, decides nothing there.
    """
    if report.original_message_name and not report.original_message_name.startswith("pain.001"):
        yield _unknown_message(report, f"il répond à un message {report.original_message_name}, pas à des virements")
        return
    if report.original_message_id and not expected.run(report.original_message_id):
        yield _unknown_message(report, "ce fichier n'est pas de nous")
        return
    group = _Word("GrpSts", report.status, report.reasons)
    run = expected.run(report.original_message_id)
    batches = 0
    for instruction in instructions:
        batches += 1
        batch_id = instruction.payment_information_id
        named = expected.run(batch_id) if batch_id else run
        if not named or (run and named[0].message_id != run[0].message_id):
            yield _unknown_message(report, f"son lot {batch_id or 'sans identifiant'} n'est pas de ce fichier")
        else:
            yield from _of_batch(named, instruction, group, reported_at, expected)
    if batches == 0 and not run:
        yield _unknown_message(report, "il ne dit pas à quel fichier il répond")
    elif batches == 0:
        yield from _total_remarks(run, report.total_cents, group)
        for payment in run:
            yield from _of_payment(payment, (group,), reported_at)


def learn_statuses(
    decisions: Iterable[StatusDecision | StatusConflict], reported_at: datetime, expected: Expected
) -> None:
    """Record in `expected` the rejections that were decided."""
    for decision in decisions:
        if isinstance(decision, StatusDecision) and decision.outcome is Outcome.REJECTED and not decision.told_before:
            expected.refused(decision.payment, reported_at)


def _of_batch(
    run: list[ExpectedPayment],
    instruction: InstructionStatus,
    group: _Word,
    reported_at: datetime,
    expected: Expected,
) -> Iterator[StatusDecision | StatusConflict]:
    batch = _Word("PmtInfSts", instruction.status, instruction.reasons)
    yield from _total_remarks(run, instruction.total_cents, batch if batch.status else group)
    in_run = {payment.end_to_end_id: payment for payment in run}
    listed: dict[str, list[TransactionStatus]] = {}
    for transaction in instruction.transactions:
        known = _named(transaction, expected)
        payment = in_run.get(known.end_to_end_id) if known else None
        if payment is None:
            yield _unknown_payment(run, transaction)
            continue
        listed.setdefault(payment.end_to_end_id, []).append(transaction)
    for key, told in listed.items():
        yield from _of_listed(in_run[key], told, (batch, group), reported_at)
    for key, payment in in_run.items():
        if key not in listed:
            yield from _of_payment(payment, (batch, group), reported_at)


def _of_listed(
    payment: ExpectedPayment, told: list[TransactionStatus], general: tuple[_Word, ...], reported_at: datetime
) -> Iterator[StatusDecision | StatusConflict]:
    """What the report says of a payment that it lists: once, however often it says the same."""
    for transaction in told:
        if transaction.cents is not None and (transaction.cents, transaction.currency) != (payment.cents, CURRENCY):
            yield StatusConflict(
                kind=StatusConflictKind.AMOUNT_DIFFERS,
                payment=payment,
                reasons=transaction.reasons,
                sentence=f"Le compte rendu attribue un autre montant que {euros(payment.cents)} au virement "
                f"{payment.end_to_end_id}.",
            )
            return
    words_told = [_Word("TxSts", transaction.status, transaction.reasons) for transaction in told]
    outcomes = {word.outcome for word in words_told}
    if Outcome.REJECTED in outcomes and len(outcomes) > 1:
        statuses = ", ".join(word.status or "aucun" for word in words_told)
        yield StatusConflict(
            kind=StatusConflictKind.CONTRADICTORY,
            payment=payment,
            sentence=f"Virement {payment.end_to_end_id} de {euros(payment.cents)} : plusieurs statuts ({statuses}).",
        )
        return
    yield from _of_payment(payment, (words_told[0], *general), reported_at)


def _named(transaction: TransactionStatus, expected: Expected) -> ExpectedPayment | None:
    return (
        expected.payment(transaction.end_to_end_id)
        or expected.referred_to(transaction.instruction_id)
        or expected.referred_to(transaction.uetr)
    )


def _of_payment(
    payment: ExpectedPayment, words_told: tuple[_Word, ...], reported_at: datetime
) -> Iterator[StatusDecision | StatusConflict]:
    """The decision on one payment from what is said of it, the most specific word first."""
    told = [word for word in words_told if word.status]
    if not told:
        return
    word, *general = told
    reasons = next((told_word.reasons for told_word in told if told_word.reasons), ())
    name = f"Virement {payment.end_to_end_id} de {euros(payment.cents)}"
    outcome = word.outcome
    if outcome is None:
        sentence = f"{name} : statut {word.status} inconnu."
        yield StatusConflict(kind=StatusConflictKind.UNKNOWN_CODE, payment=payment, reasons=reasons, sentence=sentence)
        return
    double = outcome is Outcome.REJECTED and iso_code(reasons) in DOUBLES
    against = _against(payment, outcome, general, reported_at, double=double)
    if against is not None:
        kind, why = against
        yield StatusConflict(kind=kind, payment=payment, reasons=reasons, sentence=f"{name} : {why}.")
        return
    known = payment.returned_by or (payment.debited_by if double else None)
    told_before = payment.rejected or (outcome is Outcome.REJECTED and known is not None)
    yield StatusDecision(
        payment=payment,
        outcome=outcome,
        status=word.status or "",
        level=word.level,
        reasons=reasons,
        told_before=told_before,
        sentence=f"{name} {_verb(outcome)} ({word.level} {word.status})"
        f"{f', motif : {words(reasons)}' if outcome is Outcome.REJECTED else ''}"
        f"{', déjà connu' if told_before else ''}.",
    )


def _against(
    payment: ExpectedPayment, outcome: Outcome, general: list[_Word], reported_at: datetime, *, double: bool
) -> tuple[StatusConflictKind, str] | None:
    """What speaks against an outcome: the report itself, or what is known of the payment."""
    if outcome is Outcome.ACCEPTED:
        if any(word.outcome is Outcome.REJECTED for word in general):
            return StatusConflictKind.CONTRADICTORY, "accepté dans un lot rejeté"
        # An older report that comes late says nothing new.
        if payment.rejected_at is not None and reported_at > payment.rejected_at:
            return StatusConflictKind.ACCEPTED_AFTER_REJECTION, "accepté après avoir été rejeté"
    elif outcome is Outcome.REJECTED and not (payment.returned_by or payment.rejected):
        if double and not payment.debited_by:
            return StatusConflictKind.SAID_TO_BE_DOUBLE, "refusé comme doublon, le premier envoi a pu être exécuté"
        if payment.debited_by and not double:
            return StatusConflictKind.REJECTED_AFTER_BOOKING, "rejeté après avoir été débité, un retour doit suivre"
    return None


def _verb(outcome: Outcome) -> str:
    return {Outcome.REJECTED: "rejeté", Outcome.ACCEPTED: "accepté", Outcome.PENDING: "en cours"}[outcome]


def _total_remarks(run: list[ExpectedPayment], told_cents: int | None, word: _Word) -> Iterator[StatusConflict]:
    """A bank that accepts another total than we sent has not read our file."""
    if told_cents is not None and told_cents != worth(run) and word.outcome is not Outcome.REJECTED:
        yield StatusConflict(
            kind=StatusConflictKind.AMOUNT_DIFFERS,
            sentence=f"La banque a reçu {euros(told_cents)} pour le lot {run[0].message_id} de {euros(worth(run))}.",
        )


def _unknown_payment(run: list[ExpectedPayment], transaction: TransactionStatus) -> StatusConflict:
    told = transaction.end_to_end_id or transaction.instruction_id or transaction.uetr or "sans référence"
    return StatusConflict(
        kind=StatusConflictKind.UNKNOWN_PAYMENT,
        reasons=transaction.reasons,
        sentence=f"Le compte rendu parle d'un virement ({told}) qui n'est pas dans le lot {run[0].message_id}.",
    )


def _unknown_message(report: StatusReport, why: str) -> StatusConflict:
    told = report.original_message_id or "sans identifiant"
    reasons = f" Motif donné : {words(report.reasons)}." if report.reasons else ""
    return StatusConflict(
        kind=StatusConflictKind.UNKNOWN_MESSAGE,
        reasons=report.reasons,
        sentence=f"Compte rendu sur le fichier {told} : {why}.{reasons}",
    )
