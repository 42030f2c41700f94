"""What people order on the payout pages: put into the queue under the number of the form that ordered it, so once.

An order that the rules refuse has still been carried out: its answer is the French sentence that says why. Only what
nobody foresaw makes a job fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import wraps
from uuid import UUID

import structlog
from redis import Redis
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus
from rq.worker import Worker

from batch import payout_jobs, payouts
from batch.queue import queue
from batch.sepa.profile import ProfileError
from ledger.data_folder import Unusable
from ledger.database import working_engine
from ledger.payouts import calendar
from ledger.payouts.approval import Altered, NotAllowed
from ledger.payouts.freeze import NotYet
from ledger.payouts.runs import UnknownRun
from ledger.settled import StillPosting

log = structlog.get_logger(__name__)

REFUSALS = (NotAllowed, Altered, UnknownRun, NotYet, StillPosting, ProfileError, payouts.FileRefused)
NOT_SET_UP = "Un réglage manque sur le serveur : l’exploitant trouve lequel dans le journal de la tâche."
_KEPT_SECONDS = 7 * 24 * 3600
_LONGEST_SECONDS = 3600
_QUEUE = "high"


class Order(StrEnum):
    """What can be ordered."""

    PREPARE_DUE = "prepare_due"
    PREPARE_NOW = "prepare_now"
    PREPARE_WEEK = "prepare_week"
    GENERATE = "generate"
    TRANSMIT = "transmit"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an order: the runs that it was about, or the sentence that refuses it."""

    run_ids: tuple[int, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """An order on its way. `done` of `total` are steps of its own: weeks, or payments; both 0 before the first."""

    order: Order
    state: str
    """waiting, running, done or failed."""
    ordered_at: datetime
    done: int
    total: int
    workers: int
    """How many processes take orders; 0 means that nothing moves until somebody starts one."""
    outcome: Outcome | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ("done", "failed")


class UnknownOrder(LookupError):
    """There is no such order, or it was forgotten after a week."""


# -- ordering ------------------------------------------------------------------------------------------------------


def place(redis: Redis, number: UUID, order: Order, *arguments: object) -> None:
    """Put an order into the queue. A form that is sent twice has one number, and so one effect."""
    try:
        queue(_QUEUE, redis).enqueue(
            _CARRIED_OUT_BY[order],
            *arguments,
            job_id=str(number),
            unique=True,
            meta={"order": order.value},
            job_timeout=_LONGEST_SECONDS,
            result_ttl=_KEPT_SECONDS,
            failure_ttl=_KEPT_SECONDS,
        )
    except DuplicateJobError:
        log.info("payouts.ordered_already", order=order.value, number=str(number))


def look_up(redis: Redis, number: UUID) -> Progress:
    """How far an order is. Raises `UnknownOrder`."""
    try:
        job = Job.fetch(str(number), connection=redis)
    except NoSuchJobError as error:
        raise UnknownOrder(str(number)) from error
    if "order" not in job.meta:
        raise UnknownOrder(str(number))
    state, outcome = _state(job)
    return Progress(
        order=Order(job.meta["order"]),
        state=state,
        ordered_at=(job.enqueued_at or job.created_at).replace(tzinfo=UTC),
        done=job.meta.get("done", 0),
        total=job.meta.get("total", 0),
        workers=len(Worker.all(queue=queue(_QUEUE, redis))) if state == "waiting" else 1,
        outcome=outcome,
    )


def _state(job: Job) -> tuple[str, Outcome | None]:
    status = job.get_status(refresh=False)
    if status is JobStatus.FINISHED:
        result = job.latest_result()
        return "done", result.return_value if result else Outcome()
    if status in (JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED):
        return "failed", None
    return "running" if status is JobStatus.STARTED else "waiting", None


# -- carrying out --------------------------------------------------------------------------------------------------


def _told(job: Callable[..., list[int]]) -> Callable[..., Outcome]:
    """Have a job answer with its runs, or with the sentence of the rule that refused."""

    @wraps(job)
    def carry_out(*arguments: object) -> Outcome:
        try:
            return Outcome(tuple(job(*arguments)))
        except REFUSALS as refused:
            return Outcome(refusal=str(refused))
        except Unusable as error:
            # Its sentence names settings and folders: that is for the operator, not for a page.
            log.error("payouts.not_set_up", order=job.__name__, reason=str(error))
            return Outcome(refusal=NOT_SET_UP)

    return carry_out


@_told
def prepare_due(actor: str) -> list[int]:
    """Freeze a run for each week that is due, one after the other."""
    with working_engine() as engine:
        with engine.connect() as conn:
            weeks = calendar.due(conn, datetime.now(UTC))
        prepared = []
        for number, week in enumerate(weeks):
            payout_jobs.tell(number, len(weeks))
            prepared.append(payouts.prepare(engine, cutoff=week.ends_at, actor=actor, weekly=True))
        return prepared


@_told
def prepare_now(cutoff: str, actor: str) -> list[int]:
    """Freeze a run out of turn, of all that was owed at the instant of the order."""
    with working_engine() as engine:
        return [payouts.prepare(engine, cutoff=datetime.fromisoformat(cutoff), actor=actor)]


@_told
def prepare_week(week: str, actor: str) -> list[int]:
    """Freeze the run of a week anew after its run was refused."""
    return [payout_jobs.prepare_week(week, actor)]


@_told
def generate(run_id: int, actor: str) -> list[int]:
    """Make the file of an approved run."""
    payout_jobs.generate_file(run_id, actor)
    return [run_id]


@_told
def transmit(run_id: int, actor: str) -> list[int]:
    """Put the file where the bank's software takes it, and have the advices mailed."""
    payout_jobs.transmit_file(run_id, actor)
    return [run_id]


_CARRIED_OUT_BY: dict[Order, Callable[..., Outcome]] = {
    Order.PREPARE_DUE: prepare_due,
    Order.PREPARE_NOW: prepare_now,
    Order.PREPARE_WEEK: prepare_week,
    Order.GENERATE: generate,
    Order.TRANSMIT: transmit,
}
