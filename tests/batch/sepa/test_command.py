"""`atouts sepa check`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from batch.sepa.pain001 import PaymentBatch
from partner_portal.commands import sepa

BatchOf = Callable[..., PaymentBatch]
Written = Callable[[PaymentBatch], bytes]


@pytest.fixture
def file(tmp_path: Path, batch_of: BatchOf, written: Written) -> Path:
    path = tmp_path / "virements.xml"
    path.write_bytes(written(batch_of()))
    return path


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(sepa.command, ["check", *map(str, arguments)], env={"COLUMNS": "160"})


def test_a_good_file_exits_with_zero(file: Path) -> None:
    result = check(file)
    assert result.exit_code == 0
    assert result.output == "virements.xml : aucune anomalie.\n"


def test_a_bad_file_exits_with_one_and_tells_line_rule_and_remedy(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"<PmtMtd>TRF", b"<PmtMtd>CHK"))
    result = check(file)
    assert result.exit_code == 1
    for told in ("5", "method", "CHK", "PmtInf[1]/PmtMtd", "Inscrire TRF dans PmtMtd"):
        assert told in result.output


def test_square_brackets_in_a_file_are_not_taken_for_markup(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"<Nm>Lycee Malherbe", b"<Nm>[red]Lycee[/red]"))
    assert "[red]Lycee[/red]" in check(file).output


def test_a_profile_says_what_the_bank_accepts(file: Path, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text("max_payment_cents = 100000\n", encoding="utf-8")
    assert "amount-limit" in check(file, "--profile", profile).output


def test_a_bad_profile_or_a_missing_file_exits_with_two(file: Path, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text("cut_off = 26\n", encoding="utf-8")
    result = check(file, "--profile", profile)
    assert result.exit_code == 2
    assert "cut_off" in result.output
    assert check(tmp_path / "absent.xml").exit_code == 2


def test_a_large_file_is_checked_under_a_progress_bar(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sepa, "LARGE_FILE_BYTES", 1)
    assert check(file).exit_code == 0
