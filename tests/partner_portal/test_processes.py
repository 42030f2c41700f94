"""The processes that stay: they start together, end together, and leave nothing behind however they are ended."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from batch.embedded import EmbeddedRedis
from batch.queue import queue, redis_connection
from ledger.data_folder import Unusable
from ledger.embedded import EmbeddedPostgres
from partner_portal.processes import Supervisor, free_to_bind, running
from tests.processes import nothing_is_left, processes_of
from tests.waiting import eventually

ATOUTS = [sys.executable, "-m", "partner_portal.cli"]
SUPERVISE = """
from batch.lifetime import end_in_order
from ledger.database import upgrade
from partner_portal.processes import Supervisor

end_in_order()
upgrade()
with Supervisor("demo") as supervisor:
    supervisor.start("worker", "worker")
    print("started", flush=True)
    supervisor.wait()
"""


def atouts(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ATOUTS, *arguments], capture_output=True, text=True, check=False, timeout=120)


@contextmanager
def supervised(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A supervisor in a process group of its own, as a shell with job control starts it, and its worker at work."""
    command = [sys.executable, "-c", SUPERVISE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as process:
        try:
            assert process.stdout.readline() == "started\n"
            wait_for_worker(data)
            yield process
        finally:
            process.kill()


def wait_for_worker(data: Path) -> None:
    deadline = time.monotonic() + 60
    while "worker" not in [one.name for one in running()] or not (data / "redis" / "redis.pid").exists():
        assert time.monotonic() < deadline, processes_of(data)
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_ended_supervisor_leaves_nothing_behind(number: signal.Signals, data: Path) -> None:
    with supervised(data) as process:
        os.killpg(process.pid, number)  # a terminal's Ctrl-C reaches the whole foreground group
        process.wait(60)
        assert processes_of(data) == []
    assert process.returncode != 0


def test_a_killed_supervisor_leaves_nothing_behind_and_the_next_start_works(data: Path) -> None:
    with supervised(data) as process:
        process.kill()
        process.wait()
        assert nothing_is_left(data)
    with supervised(data) as process:
        assert [one.name for one in running()] == ["demo", "worker"]


def test_servers_that_ran_before_are_left_running(data: Path) -> None:
    server = EmbeddedPostgres(data)
    server.use()
    before = server.process()
    with supervised(data) as process:
        process.terminate()
        process.wait(60)
    assert server.process() == before
    server.leave()


def test_a_child_that_ends_is_reported_with_its_last_words(data: Path) -> None:
    with Supervisor("demo") as supervisor:
        supervisor.start("portal", "serve", "--bind", "nowhere:0x")
        with pytest.raises(Unusable, match=r"^“portal” has ended \(atouts: ATOUTS_BIND must read host:port"):
            supervisor.wait()


def test_stop_ends_what_runs_in_this_folder_and_nothing_else(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = EmbeddedRedis(data.with_name("elsewhere-" + data.name))
    monkeypatch.setenv("ATOUTS_DATA_DIR", str(elsewhere.data))
    elsewhere.use()
    monkeypatch.setenv("ATOUTS_DATA_DIR", str(data))
    with supervised(data) as process:
        told = atouts("stop")
        assert (told.returncode, told.stdout) == (0, "Stopped: demo, worker.\n")
        assert process.wait(10) != 0
        assert nothing_is_left(data)
    assert elsewhere.process() is not None
    elsewhere.leave()
    assert atouts("stop").stdout == "Nothing was running here.\n"


def test_stop_ends_servers_whose_users_and_keeper_were_all_killed(data: Path) -> None:
    with supervised(data) as process:
        servers = ("bin/postgres", "'postgres: ", "bin/redis-server")
        ours = [line for line in processes_of(data) if not any(server in line for server in servers)]
        for line in sorted(ours, key=lambda line: ".embedded" not in line):  # the keepers first
            with suppress(psutil.NoSuchProcess):
                psutil.Process(int(line.split()[0])).kill()
        process.wait()
        assert atouts("stop").stdout == "Stopped: postgresql, redis.\n"
        assert nothing_is_left(data)


def test_status_tells_what_runs_and_starts_nothing(data: Path) -> None:
    assert "embedded, not running" in atouts("status").stdout
    assert not data.exists()
    with supervised(data):
        upgraded = atouts("db", "upgrade")
        assert upgraded.returncode == 0, upgraded.stderr
        told = re.sub(r"\s+", " ", atouts("status").stdout)
        assert re.search(
            r"PostgreSQL embedded, process \d+, of this release Redis embedded, process \d+, answers", told
        )
        assert re.search(r"demo process \d+, since .* worker process \d+, since ", told)


def test_a_killed_worker_takes_its_job_with_it(data: Path) -> None:
    with supervised(data):
        connection = redis_connection(EmbeddedRedis(data).url())
        queue("default", connection).enqueue(time.sleep, 300)
        worker = next(one.process for one in running() if one.name == "worker")
        deadline = time.monotonic() + 30
        while len(worker.children()) < 2:  # the scheduler, and the job
            assert time.monotonic() < deadline
            time.sleep(0.05)
        children = worker.children()
        worker.kill()
        _, alive = psutil.wait_procs(children, timeout=10)
        assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []


def test_a_job_that_fails_is_logged_in_json_without_what_is_private(data: Path) -> None:
    log, iban = data / "log" / "worker.log", "FR7630006000011234567890189"
    with supervised(data):
        queue("default", redis_connection(EmbeddedRedis(data).url())).enqueue("builtins.int", iban)
        assert eventually(lambda: "ValueError" in log.read_text())
    told = log.read_text()
    assert "rq.worker" in {json.loads(line)["logger"] for line in told.splitlines()}
    assert iban not in told


def test_a_port_in_use_is_told_in_one_sentence_before_anything_is_started(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = atouts("serve", "--bind", f"127.0.0.1:{port}")
    assert told.returncode == 2
    assert told.stderr == (
        f"atouts: The portal cannot listen on port {port} of 127.0.0.1 (Address already in use): stop what uses it, or "
        f"choose another with --bind or ATOUTS_BIND.\n"
    )
    assert not data.exists()


def test_a_free_port_is_no_trouble() -> None:
    free_to_bind("127.0.0.1:0")


@pytest.mark.parametrize("arguments", [("serve", "--bind", "127.0.0.1:0"), ("worker",), ("calendar",)])
def test_nothing_that_stays_starts_without_its_tables(data: Path, arguments: tuple[str, ...]) -> None:
    told = atouts(*arguments)
    assert told.returncode == 2
    assert told.stderr == "atouts: The database is not of this release: run `atouts db upgrade`.\n"
    assert nothing_is_left(data)
