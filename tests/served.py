"""The portal as it is served: gunicorn's own processes, on a database and a Redis of the tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO

import httpx

from tests.conftest import Database
from tests.ledger.scheme import KEYS

STARTING_SECONDS = 60


@contextmanager
def served(database: Database, redis_url: str, *, stdout: IO[bytes] | None = None, **settings: str) -> Iterator[str]:
    """The address of a portal on this database, with these ATOUTS_ settings; its processes are gone afterwards."""
    servers = database.environment | {"ATOUTS_REDIS_URL": redis_url}
    with served_from(servers, stdout=stdout, **settings) as url:
        yield url


@contextmanager
def served_from(environment: Mapping[str, str], *, stdout: IO[bytes] | None = None, **settings: str) -> Iterator[str]:
    """The address of a portal under `atouts serve` in this environment, on the embedded servers if it names none."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    url = f"http://{address}"
    ours = {
        "BIND": address,
        "PUBLIC_URL": url,
        "SECRET_KEY": "a secret of the tests",
        "CARD_KEY": KEYS.keys[1].decode(),
        "RATE_LIMIT": "1000000 per minute",
        "RATE_LIMIT_UNKNOWN": "1000000 per minute",
        "LOG_LEVEL": "WARNING",
    }
    environment = {**environment, **{f"ATOUTS_{name}": value for name, value in (ours | settings).items()}}
    command = [sys.executable, "-m", "partner_portal.cli", "serve"]
    with subprocess.Popen(command, env=environment, process_group=0, stdout=stdout) as process:
        try:
            _wait_until_ready(process, url)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        assert process.poll() is None, f"the portal ended with {process.returncode}"
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        assert time.monotonic() < deadline, "the portal does not get ready"
        time.sleep(0.1)
