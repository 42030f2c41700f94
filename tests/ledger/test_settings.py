"""Settings and the secrets the product makes for itself."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.settings import DATABASE_APP_PASSWORD, DATABASE_POOL_SIZE


def test_a_secret_is_made_once_and_nobody_else_can_read_it(data: Path) -> None:
    made = DATABASE_APP_PASSWORD.value
    assert DATABASE_APP_PASSWORD.value == made
    assert len(made) >= 43  # 256 bits
    assert stat.S_IMODE((data / "secrets" / "database_app_password").stat().st_mode) == 0o600
    assert stat.S_IMODE((data / "secrets").stat().st_mode) == 0o700


def test_a_secret_set_from_outside_is_not_kept(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOUTS_DATABASE_APP_PASSWORD", "given")
    assert DATABASE_APP_PASSWORD.value == "given"
    assert not data.exists()


def test_processes_that_make_a_secret_at_once_agree_on_it(data: Path) -> None:
    data.mkdir()
    command = [sys.executable, "-c", "from ledger.settings import *; print(DATABASE_APP_PASSWORD.value)"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(6)]
    assert len({process.communicate()[0] for process in running}) == 1


def test_a_number_is_read_as_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOUTS_DATABASE_POOL_SIZE", "12")
    assert DATABASE_POOL_SIZE.value == 12
