"""Status reports (pain.002) in the books: what is rejected is owed again; what does not fit waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from ledger.bank_messages import InstructionStatus, Reason, StatusReport
from ledger.payment_statuses import (
    Outcome,
    StatusConflict,
    StatusConflictKind,
    decide,
    learn_statuses,
)
from ledger.reconciliation.effects import NO_CODE, owe_again
from ledger.reconciliation.expectations import Known
from ledger.reconciliation.notices import Tell

_REJECTION = text("""
    insert into bank_rejection (payment_id, import_id, reported_at, code, sentence)
    values (:payment, :import_id, :reported_at, :code, :sentence)
""")
_CONFLICT = text("""
    insert into bank_status_conflict (import_id, payment_id, kind, sentence)
    values (:import_id, :payment, :kind, :sentence)
""")
_REPORT = text("""
    insert into bank_report (import_id, run_id, original, status, accepted, pending, rejected, conflicts)
    values (:import_id, :run, :original, :status, :accepted, :pending, :rejected, :conflicts)
""")
_RETURNED_SINCE = text("""
    update bank_status_conflict c set settled_by = :actor, settled_at = now(),
                                      decision = 'Le virement rejeté est revenu.'
     where c.settled_at is null and c.kind = :kind
       and exists (select from bank_told t where t.payment_id = c.payment_id and t.direction = 'CRDT')
""")
_TOLD_SINCE = text("""
    update bank_status_conflict c set settled_by = :actor, settled_at = now(),
                                      decision = 'La banque a dit depuis ce que le virement est devenu.'
     where c.settled_at is null and c.kind = :kind
       and exists (select from payout_payment p where p.id = c.payment_id and p.state <> 'issued')
""")
_DOUBLE = text("""
    select c.payment_id, c.import_id, c.sentence, i.created_at, p.run_id
      from bank_status_conflict c
      join bank_import i on i.id = c.import_id
      join payout_payment p on p.id = c.payment_id and p.state = 'issued'
     where c.id = :id and c.settled_at is null and c.kind = :kind
       and not exists (select from bank_told t where t.payment_id = c.payment_id)
""")


@dataclass(frozen=True, slots=True)
class ReportCounts:
    """How many payments a report accepts, leaves pending and rejects anew, and the conflicts it brings."""

    accepted: int
    pending: int
    rejected: int
    conflicts: int
    sentences: tuple[str, ...]
    """The first rejections and conflicts, in words."""


_SENTENCES = 50
_DOUBLE_CODE = "AM05"


def take_report(
    conn: Connection,
    import_id: int,
    report: StatusReport,
    instructions: Iterable[InstructionStatus],
    reported_at: datetime,
    known: Known,
    *,
    tell: Tell,
    actor: str,
) -> ReportCounts:
    """Put a report made at `reported_at` (UTC) into the books."""
    counts: Counter[str] = Counter()
    sentences: list[str] = []
    run_ids: set[int] = set()
    for one in decide(report, instructions, reported_at, known.expected):
        if one.payment is not None:
            run_ids.add(known.run_ids[known.id_of(one.payment)])
        if isinstance(one, StatusConflict):
            counts["conflicts"] += 1
            sentences.append(one.sentence)
            payment = known.id_of(one.payment) if one.payment else None
            row = {"import_id": import_id, "payment": payment, "kind": one.kind, "sentence": one.sentence}
            conn.execute(_CONFLICT, row)
        elif one.outcome is not Outcome.REJECTED:
            counts[one.outcome] += 1
        elif not one.told_before:
            counts["rejected"] += 1
            sentences.append(one.sentence)
            payment_id = known.id_of(one.payment)
            _reject(conn, payment_id, import_id, one.reasons, one.sentence, reported_at, tell=tell, actor=actor)
            learn_statuses([one], reported_at, known.expected)
    told = ReportCounts(
        counts["accepted"], counts["pending"], counts["rejected"], counts["conflicts"], tuple(sentences[:_SENTENCES])
    )
    conn.execute(
        _REPORT,
        {
            "import_id": import_id,
            "run": run_ids.pop() if len(run_ids) == 1 else None,
            "original": report.original_message_id,
            "status": report.status,
            "accepted": told.accepted,
            "pending": told.pending,
            "rejected": told.rejected,
            "conflicts": told.conflicts,
        },
    )
    return told


def _reject(
    conn: Connection,
    payment_id: int,
    import_id: int,
    reasons: Sequence[Reason],
    sentence: str,
    reported_at: datetime,
    *,
    tell: Tell,
    actor: str,
) -> None:
    what = owe_again(conn, payment_id, "rejected", reasons, tell=tell, actor=actor)
    row = {"payment": payment_id, "import_id": import_id, "reported_at": reported_at, "sentence": sentence}
    conn.execute(_REJECTION, row | {"code": what.code or NO_CODE})


def reject_after_all(conn: Connection, conflict_id: int, *, tell: Tell, actor: str) -> int | None:
    """A payment that the bank refused as a double never left before either: owe it again.

    Returns the number of its run; None if there is no such conflict, or the bank has told since what became of it.
    """
    row = conn.execute(_DOUBLE, {"id": conflict_id, "kind": StatusConflictKind.SAID_TO_BE_DOUBLE}).one_or_none()
    if row is None:
        return None
    told = (Reason(_DOUBLE_CODE),)
    _reject(conn, row.payment_id, row.import_id, told, row.sentence, row.created_at, tell=tell, actor=actor)
    return int(row.run_id)


def close_answered(conn: Connection, *, actor: str) -> None:
    """Close the conflicts that what came since has answered.

    A payment rejected after its booking has come back, as was awaited; one that was refused as a double was debited, or
    rejected for another reason.
    """
    conn.execute(_RETURNED_SINCE, {"actor": actor, "kind": StatusConflictKind.REJECTED_AFTER_BOOKING})
    conn.execute(_TOLD_SINCE, {"actor": actor, "kind": StatusConflictKind.SAID_TO_BE_DOUBLE})
