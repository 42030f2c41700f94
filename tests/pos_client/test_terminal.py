"""Where a till keeps who it is, and its secret."""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from pos_client import terminal
from pos_client.terminal import Misconfigured, Terminal

TILL = Terminal("https://atouts.example/api/v1", "7", "Accueil", "Lycée Malherbe", "0140013N")


class Keyring(ModuleType):
    """A system's keyring, or one that refuses."""

    def __init__(self, *, locked: bool = False) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = locked

    def set_password(self, service: str, name: str, secret: str) -> None:
        if self.locked:
            raise RuntimeError("the keyring is locked")
        self.kept[service, name] = secret

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> terminal.Profile:
    """A profile where the system puts it, for a user with an empty home."""
    monkeypatch.delenv(terminal.HOME_VARIABLE, raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return terminal.profile("bureau")


def test_without_a_keyring_the_secret_is_in_a_file_for_its_owner_only(
    own_folders: terminal.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", Keyring(locked=True))
    terminal.prepare(own_folders)
    kept = terminal.keep(own_folders, TILL, "s3cret")
    assert not kept.secret_in_keyring
    assert own_folders.secret_file.stat().st_mode & 0o777 == 0o600
    assert own_folders.config.stat().st_mode & 0o777 == 0o700
    assert terminal.load(own_folders) == kept
    assert terminal.secret(own_folders, kept) == "s3cret"


@contextmanager
def files_end_after(size: int) -> Iterator[None]:
    """What a disk that is filling up does to whoever writes: no file of this process takes more than so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_noticed_before_the_code_is_used_up(own_folders: terminal.Profile) -> None:
    with files_end_after(100), pytest.raises(Misconfigured, match="disque plein"):
        terminal.prepare(own_folders)
    assert list(own_folders.config.iterdir()) == []
    terminal.prepare(own_folders)


def test_a_disk_that_is_full_a_moment_later_leaves_no_half_a_pairing(
    own_folders: terminal.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", Keyring(locked=True))
    terminal.prepare(own_folders)
    with files_end_after(100), pytest.raises(Misconfigured, match="demandez un nouveau code"):
        terminal.keep(own_folders, TILL, "s3cret")
    assert not own_folders.file.exists()
    assert terminal.keep(own_folders, TILL, "s3cret") == terminal.load(own_folders)


def test_with_a_keyring_the_secret_is_in_no_file(
    own_folders: terminal.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    terminal.prepare(own_folders)
    kept = terminal.keep(own_folders, TILL, "s3cret")
    assert kept.secret_in_keyring
    assert terminal.secret(own_folders, terminal.load(own_folders)) == "s3cret"
    assert all("s3cret" not in file.read_text() for file in own_folders.config.iterdir())
    keyring.kept.clear()
    with pytest.raises(Misconfigured, match="trousseau"):
        terminal.secret(own_folders, kept)


def test_a_folder_of_one_s_own_holds_everything(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    where = terminal.profile()
    terminal.prepare(where)
    terminal.keep(where, TILL, "s3cret")
    assert not keyring.kept
    assert where.secret_file.is_relative_to(home)
    assert where.data.is_relative_to(home)


def test_a_till_that_is_not_paired_or_is_damaged_says_what_to_do(home: Path) -> None:
    where = terminal.profile()
    with pytest.raises(Misconfigured, match="atouts-pos pair"):
        terminal.load(where)
    where.config.mkdir(parents=True)
    where.file.write_text("{")
    with pytest.raises(Misconfigured, match="associez la caisse à nouveau"):
        terminal.load(where)


def test_where_nothing_can_be_kept_no_code_is_used_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(terminal.HOME_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(Misconfigured, match="ne peut pas écrire"):
        terminal.prepare(terminal.profile())


@pytest.mark.parametrize("name", ["", "../ailleurs", "a/b", "a" * 41, "é"])
def test_a_profile_s_name_cannot_leave_its_folder(name: str) -> None:
    with pytest.raises(Misconfigured):
        terminal.profile(name)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://atouts.example", "https://atouts.example/api/v1"),
        ("atouts.example/", "https://atouts.example/api/v1"),
        ("https://atouts.example/api/v1/", "https://atouts.example/api/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/api/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/api/v1"),
        ("http://localhost", "http://localhost/api/v1"),
    ],
)
def test_the_service_s_address_is_completed(typed: str, url: str) -> None:
    assert terminal.api_url(typed) == url


@pytest.mark.parametrize(
    "typed",
    ["http://atouts.example", "http://127.0.0.1.example", "ftp://a", "https://", "https://a@b", "https://a?b", ""],
)
def test_an_address_that_would_give_the_secret_away_is_refused(typed: str) -> None:
    with pytest.raises(Misconfigured):
        terminal.api_url(typed)


def test_the_user_s_folders_are_those_of_the_system(own_folders: terminal.Profile) -> None:
    assert own_folders.config.parts[-2:] == ("atouts-pos", "bureau")
    assert str(own_folders.config).startswith(os.environ["XDG_CONFIG_HOME"])
    assert str(own_folders.data).startswith(os.environ["XDG_DATA_HOME"])
