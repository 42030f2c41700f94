"""The queue's Redis."""

from batch.queue import redis_connection


def test_a_test_finds_an_empty_redis_of_its_own(redis_url: str) -> None:
    with redis_connection(redis_url) as connection:
        assert connection.keys("*") == []
        connection.set("left", "behind")


def test_a_test_finds_nothing_of_the_one_before(redis_url: str) -> None:
    with redis_connection(redis_url) as connection:
        assert connection.get("left") is None
