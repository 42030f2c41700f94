"""`atouts demo` as a newcomer runs it: it ends well, can be played again, and leaves nothing behind when stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from lxml import etree

ATOUTS = Path(sys.executable).with_name("atouts")


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def start(data: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATOUTS_")}
    command = [str(ATOUTS), "demo", "--data", str(data), "--bind", f"127.0.0.1:{free_port()}", "--students", "300"]
    return subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def left_behind(data: Path) -> list[list[str]]:
    """Every process that names the data folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if any(str(data) in word for word in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(words)
    return found


@pytest.mark.slow
def test_the_week_is_played_to_its_end_and_again(data: Path) -> None:
    for _ in range(2):
        demo = start(data, "--no-serve")
        said, _ = demo.communicate(timeout=240)
        assert demo.returncode == 0, said
        assert "aucune différence" in said
        assert "octet pour octet" in said
        assert "acceptée ?!" not in said
    assert not left_behind(data)
    files = sorted((data / "demo" / "banque").glob("*.xml"))
    assert len(files) == 2
    for file in files:
        paid = etree.parse(file).getroot()
        assert float(paid.findtext(".//{*}CtrlSum")) > 0
    assert list((data / "demo" / "banque").glob("avis-*.pdf"))


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1, 6, 14])
def test_ctrl_c_at_any_point_leaves_no_process_behind(data: Path, seconds: int) -> None:
    demo = start(data, "--no-serve")
    time.sleep(seconds)
    demo.send_signal(signal.SIGINT)
    said, _ = demo.communicate(timeout=60)
    assert "Traceback" not in said
    deadline = time.monotonic() + 20
    while left_behind(data) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left_behind(data)


def test_a_database_of_somebody_else_is_left_alone(fresh_database, redis_url: str, tmp_path: Path) -> None:
    from tests.ledger.scheme import make_scheme

    with fresh_database.engine.begin() as conn:
        make_scheme(conn)
    environment = fresh_database.environment | {"ATOUTS_REDIS_URL": redis_url, "ATOUTS_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [str(ATOUTS), "demo", "--no-serve", "--bind", f"127.0.0.1:{free_port()}"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "not the demo's" in done.stderr
