"""The `atouts` command: its help, its settings, and how it says that something is not as it should be."""

import os
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from ledger.settings import Setting, declared
from partner_portal.cli import SECTIONS, atouts, main
from tests.conftest import Database
from tests.small_disk import mounted


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def test_every_command_of_the_help_exists_and_explains_itself() -> None:
    for section in SECTIONS.values():
        for name in section:
            command = import_module(f"partner_portal.commands.{name}").command
            assert isinstance(command, click.Command)
            assert command.help, name


def test_the_data_folder_may_be_given_after_any_command(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOUTS_DATA_DIR", "/somewhere")
    for arguments in (["--data", "here", "status"], ["status", "--data", "here"]):
        told = runner.invoke(atouts, arguments, catch_exceptions=False)
        assert told.exit_code == 0
        assert os.environ["ATOUTS_DATA_DIR"] == f"{os.getcwd()}/here"  # noqa: PTH109


def test_settings_are_listed_with_their_values_but_secrets_are_not(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_BIND", "127.0.0.1:4242")
    monkeypatch.setenv("ATOUTS_DATABASE_APP_URL", "postgresql://atouts_app:hush@db/atouts")
    told = runner.invoke(atouts, ["settings"], catch_exceptions=False).output
    assert "127.0.0.1:4242" in told
    assert "hush" not in told
    assert "(set, not shown)" in told


def test_the_table_of_the_documentation_names_every_setting(runner: CliRunner) -> None:
    told = runner.invoke(atouts, ["settings", "--markdown"], catch_exceptions=False).output
    assert [line.split("`")[1] for line in told.splitlines()[2:]] == [setting.variable for setting in declared()]


def test_a_value_of_the_wrong_type_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATOUTS_DATABASE_APP_URL", "postgresql://atouts_app@127.0.0.1:1/atouts")
    monkeypatch.setenv("ATOUTS_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("ATOUTS_DATABASE_POOL_SIZE", "many")
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--bind", "127.0.0.1:0"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("atouts: ATOUTS_DATABASE_POOL_SIZE")


def test_a_database_that_is_not_there_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATOUTS_DATABASE_URL", "postgresql://owner:hush@127.0.0.1:1/atouts")
    with pytest.raises(SystemExit) as ended:
        main(["db", "upgrade"])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.startswith("atouts: The database cannot be used: ")
    assert told.count("\n") == 1
    assert "hush" not in told


def test_a_database_without_the_books_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fresh_database: Database
) -> None:
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("drop schema atouts cascade"))
    monkeypatch.setenv("ATOUTS_DATABASE_APP_URL", fresh_database.app_url)
    for arguments in (["books", "check"], ["payouts", "list"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 2
        assert capsys.readouterr().err == "atouts: The database is not of this release: run `atouts db upgrade`.\n"


def test_whatever_gives_up_on_a_full_disk_says_that_it_is_full(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    monkeypatch.setenv("ATOUTS_DATA_DIR", str(folder))
    monkeypatch.setenv("ATOUTS_DATABASE_URL", "postgresql://owner:hush@127.0.0.1:1/atouts")
    for options, expected in (("size=4m", False), ("size=512k", True)):
        with mounted(folder, options), pytest.raises(SystemExit):
            main(["db", "upgrade"])
        folder.rmdir()
        told = capsys.readouterr().err
        assert (f"The disk of the data folder {folder} is full." in told) == expected
        assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_PROCESSES", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("RATE_LIMIT", "often"),
        ("PUBLIC_URL", "atouts"),
        ("SESSION_HOURS", "long"),
        ("MAX_UPLOAD_MEGABYTES", "-1"),
        ("BANK_ACCOUNT_COOL_OFF_DAYS", "-3"),
    ],
)
def test_nothing_that_stays_starts_with_a_setting_that_makes_no_sense(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv("ATOUTS_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv(f"ATOUTS_{name}", value)
    with pytest.raises(SystemExit) as ended:
        main(["worker"])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.startswith(f"atouts: ATOUTS_{name}: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["serve", "--bind", "127.0.0.1:99999"], "ATOUTS_BIND"), (["worker"], "ATOUTS_REDIS_URL")],
)
def test_an_address_that_is_none_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    monkeypatch.setenv("ATOUTS_REDIS_URL", "nonsense")
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"atouts: {named}")


def test_a_setting_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]) -> None:
    file = tmp_path / "password"
    file.write_text("from a file\n")
    monkeypatch.setenv("ATOUTS_SMTP_PASSWORD_FILE", str(file))
    smtp_password: Setting[str] = next(one for one in declared() if one.name == "SMTP_PASSWORD")
    assert smtp_password.value == "from a file"
