"""The payouts' entry points for the queue. Each may run twice, or be killed anywhere: see `batch.payouts`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from rq import get_current_job

from batch import payout_documents, payouts, settings
from batch.queue import queue
from ledger.database import working_engine
from ledger.payouts import calendar, files, runs
from ledger.settled import StillPosting

log = structlog.get_logger(__name__)

ACTOR = "job:payouts"
_HOUR = 3600
_LOOK_BACK = timedelta(days=30)
"""How far back a nudge looks for runs whose partners were not all written to."""


def nudge() -> list[str]:
    """Look into the database for what is due or was left half done, put it into the queue, and say what that was.

    The calendar calls this every few minutes. What it puts into the queue twice is done once.
    """
    with working_engine() as engine, engine.connect() as conn:
        due: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        weeks = calendar.due(conn, datetime.now(UTC))
        if weeks and settings.PAYER_IBAN.is_set:
            due.append((prepare_due_weeks, ()))
        elif weeks:
            log.warning("payouts.no_payer", missing=settings.PAYER_IBAN.variable, weeks=[week.name for week in weeks])
        due += [(transmit_file, (run_id, ACTOR, folder)) for run_id, folder in files.left_open(conn)]
        since = datetime.now(UTC) - _LOOK_BACK
        due += [(mail_advices, (run_id,)) for run_id in payout_documents.runs_not_all_told(conn, since)]
    for job, arguments in due:
        queue("low").enqueue(job, *arguments, job_timeout=_HOUR, result_ttl=_HOUR, failure_ttl=30 * 24 * _HOUR)
    return [f"{job.__name__}{arguments}" for job, arguments in due]


def prepare_due_weeks() -> list[int]:
    """Freeze a run for each week that is due. Postings under way are no failure: the next nudge finds them ended."""
    with working_engine() as engine:
        try:
            return payouts.prepare_due(engine, actor=ACTOR)
        except StillPosting as error:
            log.warning("payouts.still_posting", reason=str(error))
            return []


def prepare_week(week: str, actor: str) -> int:
    """Freeze the run of a week anew, such as "2026-W36", after its run was refused."""
    with working_engine() as engine:
        return payouts.prepare_week(engine, calendar.week_named(week), actor=actor)


def generate_file(run_id: int, actor: str) -> str:
    """Make the file of an approved run, and return its name. The job tells how many payments are written."""
    with working_engine() as engine:
        with engine.connect() as conn:
            total = runs.get(conn, run_id).payments
        run = payouts.generate(engine, run_id, actor=actor, progress=lambda done: tell(done, total))
        return run.file.name if run.file else ""


def transmit_file(run_id: int, actor: str, folder: str | None = None) -> str:
    """Put the file where the bank's software takes it, have the advices mailed, and return its path."""
    with working_engine() as engine:
        path = payouts.transmit(engine, run_id, actor=actor, folder=Path(folder) if folder else None)
        payout_documents.mail_advices(engine, run_id)
        return str(path)


def mail_advices(run_id: int) -> int:
    """Write the mails that a transmitted or empty run still owes to its partners."""
    with working_engine() as engine:
        return payout_documents.mail_advices(engine, run_id)


def tell(done: int, total: int) -> None:
    """Note on the job under way, if there is one, that `done` of its `total` steps are done."""
    job = get_current_job()
    if job is not None:
        job.meta.update(done=done, total=total)
        job.save_meta()  # type: ignore[no-untyped-call]
