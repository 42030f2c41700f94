"""The queue of what runs by itself, in Redis, and the worker that takes from it."""

from collections.abc import Sequence

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from rq import Queue, Worker

from batch import settings
from batch.embedded import embedded_redis
from batch.lifetime import have_forks_end_with_us
from ledger.data_folder import Unusable

# One queue per patience: what somebody waits for is never behind a night's work.
QUEUES = ("high", "default", "low")


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


def queue(name: str = "default", connection: Redis | None = None) -> Queue:
    """The queue `name`, one of `QUEUES`."""
    return Queue(name, connection=connection or redis_connection())
