"""The queue of what runs by itself, in Redis, and the worker that takes from it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from rq import Queue, Worker
from rq.job import Job

from batch import settings
from batch.embedded import embedded_redis
from batch.lifetime import have_forks_end_with_us
from batch.logs import scrubbed
from ledger.data_folder import Unusable

# One queue per patience: what somebody waits for is never behind a night's work.
QUEUES = ("high", "default", "low")
FAILURES_DAYS = 7
FAILURES_READ = 200


def redis_url() -> str:
    """The Redis set from outside, else the embedded one, started if need be. Raises `Unusable`."""
    outside = settings.REDIS_URL.value
    if outside:
        return outside
    server = embedded_redis()
    server.use()
    return server.url()


def redis_connection(url: str | None = None) -> Redis:
    """A pool of connections to Redis which reconnects by itself after a restart. Raises `Unusable` for no such URL."""
    try:
        return Redis.from_url(
            url or redis_url(),
            health_check_interval=30,
            retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries=3),
            retry_on_error=[RedisConnectionError, RedisTimeoutError],
        )
    except ValueError as error:
        raise Unusable(
            f"{settings.REDIS_URL.variable} must read redis://host:6379/0, or unix:// with a path."
        ) from error


def work(names: Sequence[str] = QUEUES, *, burst: bool = False) -> None:
    """Take jobs from the queues `names`, the first one first, until SIGTERM or Ctrl-C, or with `burst` until empty.

    Runs in the main thread: each job gets a process of its own, and another one brings in the jobs set for later. Both
    end with this one, however it ends.
    """
    have_forks_end_with_us()
    connection = redis_connection()
    Worker([queue(name, connection) for name in names], connection=connection).work(burst=burst, with_scheduler=True)


@dataclass(frozen=True, slots=True)
class Failures:
    """A kind of job that failed lately: the function's name, how often, when last (UTC), and its last words then."""

    function: str
    times: int
    last_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How the queues stand: workers at work, jobs that wait, and what failed in the last days."""

    workers: int
    waiting: int
    failures: tuple[Failures, ...]


def standing(connection: Redis) -> Standing:
    """How the queues stand now."""
    queues = [queue(name, connection) for name in QUEUES]
    since = datetime.now(UTC) - timedelta(days=FAILURES_DAYS)
    failed: defaultdict[str, list[tuple[datetime, Job]]] = defaultdict(list)
    for one in queues:
        # The latest, and no more than a page can tell: a nudge may have failed all night.
        for job in Job.fetch_many(one.failed_job_registry.get_job_ids(end=FAILURES_READ - 1, desc=True), connection):
            # RQ leaves out that it counts in UTC.
            ended_at = job and job.ended_at and job.ended_at.replace(tzinfo=UTC)
            if job and ended_at and ended_at >= since:
                failed[str(job.func_name)].append((ended_at, job))
    failures = []
    for function, jobs in failed.items():
        last_at, last = max(jobs, key=itemgetter(0))
        failures.append(Failures(function, len(jobs), last_at, _last_words(last)))
    failures.sort(key=attrgetter("last_at"), reverse=True)
    return Standing(Worker.count(connection), sum(one.count for one in queues), tuple(failures))


def _last_words(job: Job) -> str:
    result = job.latest_result()
    lines = ((result.exc_string if result else None) or "").strip().splitlines()
    return scrubbed(lines[-1]) if lines else ""


def queue(name: str = "default", connection: Redis | None = None) -> Queue:
    """The queue `name`, one of `QUEUES`."""
    return Queue(name, connection=connection or redis_connection())
