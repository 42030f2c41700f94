"""The embedded PostgreSQL: shared, stopped by the last, and no worse for any process being killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, text

from ledger.data_folder import SOCKET_PATH_BYTES, Unusable, socket_folder
from ledger.embedded import EmbeddedPostgres
from ledger.shared_server import ended
from tests.processes import nothing_is_left, processes_of
from tests.small_disk import mounted

USE = """
import sys
from pathlib import Path
from ledger.embedded import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]))
server.use()
print(server.process().pid, flush=True)
sys.stdin.read()
"""


@contextmanager
def another_user(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server until its input is closed."""
    command = [sys.executable, "-c", USE, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def connected(server: EmbeddedPostgres) -> "psycopg.Connection[tuple[int]]":
    """A connection of the test's own, as the owner."""
    return psycopg.connect(host=str(socket_folder(server.data)), user="atouts_owner", dbname="atouts", autocommit=True)


def pid_of(server: EmbeddedPostgres) -> int | None:
    process = server.process()
    return None if process is None else process.pid


@pytest.fixture
def server(data: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data)
    yield server
    server.leave()


def test_a_second_process_finds_the_server_running_and_does_not_stop_it(server: EmbeddedPostgres) -> None:
    server.use()
    with another_user(server.data) as other:
        assert int(other.stdout.readline()) == pid_of(server)
        other.communicate()
    assert other.returncode == 0
    with connected(server) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_first_may_leave_before_the_last(server: EmbeddedPostgres) -> None:
    server.use()
    with another_user(server.data) as other:
        assert int(other.stdout.readline()) == pid_of(server)
        server.leave()
        assert pid_of(server) is not None
        other.communicate()
    assert nothing_is_left(server.data)


def test_leaving_last_stops_the_server_at_once_and_its_keeper_goes_too(server: EmbeddedPostgres) -> None:
    server.use()
    server.leave()
    assert pid_of(server) is None
    assert nothing_is_left(server.data)


def test_a_killed_user_leaves_no_server_behind(data: Path) -> None:
    with another_user(data) as other:
        other.stdout.readline()
        other.kill()
        other.wait()
        assert nothing_is_left(data)


def test_a_server_whose_folder_was_removed_ends_with_its_last_user(server: EmbeddedPostgres) -> None:
    server.use()
    shutil.rmtree(server.data)
    server.leave()
    assert nothing_is_left(server.data)


def test_a_killed_keeper_is_replaced_by_the_next_user(server: EmbeddedPostgres) -> None:
    server.use()
    keepers = [process for process in processes_of(server.data) if "ledger.embedded" in process]
    assert len(keepers) == 1
    os.kill(int(keepers[0].split()[0]), signal.SIGKILL)
    with another_user(server.data) as other:
        other.stdout.readline()
        server.leave()
        other.kill()
        other.wait()
        assert nothing_is_left(server.data)


def test_a_killed_server_starts_again_with_what_was_committed(server: EmbeddedPostgres) -> None:
    server.use()
    with connected(server) as connection:
        connection.execute("create table kept as select 42 as answer")
    first = server.process()
    first.kill()
    assert ended(first, seconds=10)
    server.use()
    assert pid_of(server) != first.pid
    with connected(server) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_a_pid_file_that_names_a_stranger_harms_neither_the_start_nor_the_stranger(server: EmbeddedPostgres) -> None:
    server.use()
    noted = server.pid_file.read_text()
    server.leave()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        server.pid_file.write_text(noted.replace(noted.split()[0], str(stranger.pid), 1))
        assert pid_of(server) is None
        assert server.stop() is False
        server.use()
        assert pid_of(server) not in (None, stranger.pid)
        server.leave()
        assert stranger.poll() is None
        stranger.kill()


def test_two_first_starts_at_once_make_one_server(data: Path) -> None:
    with another_user(data) as one, another_user(data) as two:
        assert one.stdout.readline() == two.stdout.readline() != ""


@pytest.mark.parametrize("after", [0.3, 0.8, 1.3])
def test_a_start_killed_at_any_point_leaves_nothing_and_the_next_one_works(
    after: float, server: EmbeddedPostgres
) -> None:
    with another_user(server.data) as other:
        time.sleep(after)
        other.kill()
        other.wait()
    assert nothing_is_left(server.data)
    server.use()
    with connected(server) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_only_the_owner_reaches_the_socket(server: EmbeddedPostgres) -> None:
    server.use()
    assert (server.data / "run").stat().st_mode & 0o077 == 0
    assert server.folder.stat().st_mode & 0o077 == 0


def test_a_folder_too_deep_for_a_socket_gets_a_short_one(data: Path) -> None:
    deep = data / ("a-very-long-name-for-a-folder/" * 4) / "data"
    assert len(str(deep)) > SOCKET_PATH_BYTES
    for parent in reversed(deep.parents):
        parent.mkdir(mode=0o711, exist_ok=True)
    server = EmbeddedPostgres(deep)
    server.use()
    try:
        with connected(server) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert (deep / "run").is_symlink()
    finally:
        server.leave()
        socket_folder(deep).rmdir()


def test_a_folder_may_have_any_name(data: Path) -> None:
    data.mkdir(mode=0o711)
    server = EmbeddedPostgres(data / "l'été & 100% $HOME?")
    server.use()
    with create_engine(server.url()).connect() as connection:
        assert connection.scalar(text("select 1")) == 1
    server.leave()


def test_it_is_durable_and_listens_to_no_network(server: EmbeddedPostgres) -> None:
    server.use()
    with connected(server) as connection:
        shown = [
            connection.execute(f"show {name}").fetchone()[0]
            for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums", "listen_addresses")
        ]
    assert shown == ["on", "on", "on", "on", ""]


def test_a_file_in_the_place_of_the_folder_is_refused_in_one_sentence(data: Path) -> None:
    data.write_text("")
    try:
        with pytest.raises(Unusable, match=r"^The data folder .* cannot be "):
            EmbeddedPostgres(data).use()
    finally:
        data.unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused_and_left_as_it_is(data: Path) -> None:
    data.mkdir(mode=0o555)
    with pytest.raises(Unusable, match="cannot be written by you"):
        EmbeddedPostgres(data).use()
    assert list(data.iterdir()) == []


def test_a_read_only_disk_is_refused_in_one_sentence(data: Path) -> None:
    with mounted(data, "ro"), pytest.raises(Unusable, match=r"^The data folder .* cannot be written by you: choose"):
        EmbeddedPostgres(data).use()


def test_a_full_disk_is_refused_and_left_as_it_is(data: Path) -> None:
    with mounted(data, "size=8m,mode=0711"):
        with pytest.raises(Unusable, match=r"has too little room: 400 MB are needed and \d MB are free\. "):
            EmbeddedPostgres(data).use()
        assert not (data / "postgresql").exists()


def test_memory_of_the_keeper_is_small(server: EmbeddedPostgres) -> None:
    server.use()
    keeper = next(process for process in processes_of(server.data) if "ledger.embedded" in process)
    time.sleep(0.5)
    assert psutil.Process(int(keeper.split()[0])).memory_info().rss < 40_000_000
