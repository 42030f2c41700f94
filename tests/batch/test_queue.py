"""The queue's Redis."""

from pathlib import Path

from batch.embedded import EmbeddedRedis
from batch.queue import redis_connection
from ledger.shared_server import ended


def test_a_test_finds_an_empty_redis_of_its_own(redis_url: str) -> None:
    with redis_connection(redis_url) as connection:
        assert connection.keys("*") == []
        connection.set("left", "behind")


def test_a_test_finds_nothing_of_the_one_before(redis_url: str) -> None:
    with redis_connection(redis_url) as connection:
        assert connection.get("left") is None


def test_the_embedded_redis_keeps_what_it_was_told_under_a_folder_of_any_name(data: Path) -> None:
    data.mkdir(mode=0o711)
    server = EmbeddedRedis(data / "l'été & 100% $HOME?")
    server.use()
    with redis_connection(server.url()) as connection:
        connection.set("kept", "yes")
    process = server.process()
    process.kill()
    assert ended(process, seconds=10)
    server.use()
    with redis_connection(server.url()) as connection:
        assert connection.get("kept") == b"yes"
    server.leave()
    assert server.process() is None
