"""Counts shared between processes, which no request waits for."""

import time

import httpx
from redis import Redis

from batch.queue import redis_connection
from partner_portal.shared_counts import SharedCounts
from tests.conftest import Database
from tests.served import served
from tests.waiting import eventually

NOBODY = "redis://127.0.0.1:9/0"


# Keys differ from test to test: what one has counted may reach Redis when the next has begun.


def test_what_several_count_adds_up(redis: Redis) -> None:
    one, other = SharedCounts(redis), SharedCounts(redis)
    for _ in range(5):
        one.hit("sum", 60)
        other.hit("sum", 60)
    # A hit tells what the others have told since the one before it.
    assert eventually(lambda: redis.get("atouts:count:sum") == b"10")
    count, ends = one.hit("sum", 60)
    assert count in (6, 11)
    assert eventually(lambda: redis.get("atouts:count:sum") == b"11")
    assert eventually(lambda: other.hit("sum", 60)[0] >= 11)
    assert abs(other.hit("sum", 60)[1] - ends) < 1
    assert one.hit("another", 60)[0] == 1


def test_a_window_ends_for_all(redis: Redis) -> None:
    one, other = SharedCounts(redis), SharedCounts(redis)
    begun = time.time()
    one.hit("end", 2)
    assert eventually(lambda: redis.get("atouts:count:end") == b"1")
    other.hit("end", 60)
    assert eventually(lambda: other.hit("end", 60)[1] < begun + 3)
    assert eventually(lambda: redis.get("atouts:count:end") is None)
    assert one.hit("end", 60)[0] == 1


def test_every_key_in_redis_ends(redis: Redis) -> None:
    SharedCounts(redis).hit("ttl", 60)
    assert eventually(lambda: redis.get("atouts:count:ttl") == b"1")
    assert 0 < redis.ttl("atouts:count:ttl") <= 60


def test_without_redis_each_counts_for_itself_and_tells_it_later(redis: Redis) -> None:
    counts = SharedCounts(redis_connection(NOBODY))
    assert [counts.hit("away", 60)[0] for _ in range(3)] == [1, 2, 3]
    assert eventually(lambda: counts._is_away)
    assert counts.hit("away", 60)[0] == 4
    counts._redis = redis
    assert eventually(lambda: redis.get("atouts:count:away") == b"4")
    assert counts.hit("away", 60)[0] == 5


def test_ended_windows_are_forgotten(redis: Redis) -> None:
    counts = SharedCounts(redis)
    counts.hit("old", 1)
    assert eventually(lambda: redis.get("atouts:count:old") is None and not counts._untold)
    counts._forget_at = 0
    counts.hit("another", 60)
    assert eventually(lambda: list(counts._windows) == ["another"])


def test_two_processes_refuse_together(fresh_database: Database, redis: Redis, redis_url: str) -> None:
    with served(fresh_database, redis_url, WEB_PROCESSES="2", RATE_LIMIT_UNKNOWN="20 per minute") as url:
        # A connection each, so that both processes are asked.
        statuses = []
        for _ in range(60):
            statuses.append(httpx.get(f"{url}/api/v1/openapi.json").status_code)
            time.sleep(0.01)
    assert set(statuses) == {200, 429}
    assert 20 <= statuses.count(200) < 40
    assert set(statuses[-20:]) == {429}
