"""`atouts payouts`, as an operator types it."""

import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from ledger import people
from ledger.data_folder import Unusable
from ledger.payouts import runs
from ledger.rights import Role
from partner_portal.auth import passwords
from partner_portal.commands.payouts import command
from tests.conftest import Database
from tests.payout_world import PAYER, World

ATOUTS = Path(sys.executable).with_name("atouts")
PASSWORD = "une phrase assez longue"
HASH = passwords.hashed(PASSWORD)


@pytest.fixture
def world(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty scheme that the commands find by the environment."""
    for name, value in {
        "ATOUTS_DATABASE_URL": fresh_database.owner_url,
        "ATOUTS_DATABASE_APP_URL": fresh_database.app_url,
        "ATOUTS_PAYER_IBAN": PAYER.iban,
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)
    return World(fresh_database.engine, fresh_database.owner_engine)


def atouts(*arguments: str, code: int = 0, **options: object) -> Result:
    done = CliRunner().invoke(command, arguments, **options)  # type: ignore[arg-type]
    assert done.exit_code == code, done.output
    return done


def approver(world: World, email: str) -> None:
    with world.engine.begin() as conn:
        person = people.create(conn, email=email, name="Camille Robert", by="tests")
        people.set_password(conn, person, HASH, by="tests")
        people.grant(conn, person, Role.PAYMENT_APPROVER, by="tests")


def test_a_week_goes_from_the_till_to_the_bank(world: World, tmp_path: Path) -> None:
    partner = world.partner(name="Lycée [rouge] Éluard")
    world.sale(partner, 7000, datetime.now(UTC) - timedelta(days=8))
    assert "70,00" in atouts("prepare").output
    assert "Aucune semaine" in atouts("prepare").output
    with world.engine.connect() as conn:
        (run,) = runs.latest(conn)
    assert run.reference in atouts("list").output
    shown = atouts("show", run.reference).output
    assert "Lycée [rouge] Éluard" in shown
    assert "premier virement" in shown
    assert run.content_hash.hex() in shown
    for email in ("un@region.example", "deux@region.example"):
        approver(world, email)
        approve = ["approve", run.reference, "--as", email, "--password", PASSWORD]
        assert "empreinte" in atouts(*approve, "--hash", "00000000", code=1).output
        assert "incorrect" in atouts(*approve[:-1], "faux", "--hash", run.content_hash.hex()[:8], code=1).output
        atouts(*approve, input=run.content_hash.hex()[:8] + "\n")
    atouts("approve", run.reference, "--as", email, "--password", PASSWORD, input=run.content_hash.hex()[:8], code=1)
    assert "ATOUTS-000001.xml" in atouts("generate", run.reference).output
    atouts("transmit", run.reference, "--to", str(tmp_path))
    assert (tmp_path / "ATOUTS-000001.xml").exists()
    atouts("advice", run.reference, "--to", str(tmp_path / "avis"))
    assert sorted(path.suffix for path in (tmp_path / "avis").iterdir()) == [".csv", ".csv", ".pdf", ".pdf"]
    with world.engine.connect() as conn:
        taken = conn.execute(text("select actor from audit_event where action = 'payout.list_exported'")).scalar_one()
    assert taken.startswith("operator:")
    atouts("download", run.reference, "--to", str(tmp_path / "copie.xml"))
    assert (tmp_path / "copie.xml").read_bytes() == (tmp_path / "ATOUTS-000001.xml").read_bytes()
    assert "transmise" in atouts("show", run.reference).output
    assert (
        "transmise à la banque : elle ne peut plus être refusée"
        in atouts("refuse", run.reference, "--reason", "trop tard", code=1).output
    )


def test_a_file_that_was_downloaded_may_be_brought_to_the_bank_by_hand(world: World, tmp_path: Path) -> None:
    world.sale(world.partner(), 7000, datetime.now(UTC) - timedelta(days=8))
    atouts("prepare")
    with world.engine.connect() as conn:
        (run,) = runs.latest(conn)
    assert "pas encore produit" in atouts("transmit", run.reference, "--by-hand", code=1).output
    world.approve(run)
    atouts("generate", run.reference)
    assert "personne ne l’a encore pris" in atouts("transmit", run.reference, "--by-hand", code=1).output
    atouts("download", run.reference, "--to", str(tmp_path / "copie.xml"))
    atouts("transmit", run.reference, "--by-hand")
    assert world.run(run.id).state == "transmitted"


def test_a_file_that_comes_too_late_for_its_day_is_told_and_a_person_is_asked(world: World, tmp_path: Path) -> None:
    world.sale(world.partner(), 7000, datetime.now(UTC) - timedelta(days=8))
    atouts("prepare")
    with world.engine.connect() as conn:
        (run,) = runs.latest(conn)
    world.approve(run)
    late = "il arrive trop tard"
    assert late not in atouts("generate", run.reference).output
    assert late not in atouts("show", run.reference).output
    world.tamper("update payout_file set execution_date = current_date - 1")
    assert late in atouts("show", run.reference).output
    downloaded = atouts("download", run.reference)
    assert late in downloaded.stderr
    assert downloaded.stdout_bytes == world.content(world.run(run.id))
    transmit = ("transmit", run.reference, "--to", str(tmp_path))
    said = at_a_terminal(*transmit, answer="n")
    assert late in said
    assert "Transmettre quand même ?" in said
    assert world.run(run.id).state == "generated"
    assert late in atouts(*transmit).stderr, "a script is told, and not kept from it"
    assert world.run(run.id).state == "transmitted"
    assert late not in atouts("show", run.reference).output


def at_a_terminal(*arguments: str, answer: str) -> str:
    """What the command says to a person who types an answer."""
    keyboard, terminal = pty.openpty()
    with os.fdopen(keyboard, "wb", buffering=0) as typing:
        typing.write(f"{answer}\n".encode())
        done = subprocess.run(
            [str(ATOUTS), "payouts", *arguments],
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        os.close(terminal)
    return done.stdout + done.stderr


def test_a_refused_week_can_be_prepared_anew(world: World) -> None:
    world.sale(world.partner(), 7000, datetime.now(UTC) - timedelta(days=8))
    atouts("prepare")
    with world.engine.connect() as conn:
        (run,) = runs.latest(conn)
    atouts("refuse", run.reference, "--reason", "erreur de saisie")
    assert "erreur de saisie" in atouts("show", run.reference).output
    assert "Aucune semaine" in atouts("prepare").output
    assert f"{run.reference}-2" in atouts("prepare", "--week", run.reference).output


def test_a_week_that_never_had_a_run_is_no_week_to_prepare_anew(world: World) -> None:
    world.sale(world.partner(), 7000, datetime.now(UTC) - timedelta(days=8))
    assert "n’a pas eu de campagne" in atouts("prepare", "--week", "2020-W10", code=1).output
    assert "not both" in atouts("prepare", "--week", "2020-W10", "--cutoff", "now", code=2).output
    atouts("prepare")
    with world.engine.connect() as conn:
        assert len(runs.latest(conn)) == 1


def test_what_cannot_be_done_is_one_sentence(world: World) -> None:
    assert "Aucune campagne" in atouts("show", "2026-W01", code=1).output
    assert "encore à venir" in atouts("prepare", "--cutoff", "2999-01-01", code=1).output
    atouts("prepare", "--cutoff", "demain", code=2)
    atouts("prepare", "--week", "36", code=2)
    atouts("list", "--limit", "-3", code=2)


def test_a_reference_and_a_hash_are_whole_on_a_narrow_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    world.sale(world.partner(), 7000, datetime.now(UTC) - timedelta(days=8))
    shown = atouts("prepare", "--cutoff", "now").output
    with world.engine.connect() as conn:
        (run,) = runs.latest(conn)
    for digits, table in ((run.content_hash.hex(), shown), file_of_another(world)):
        assert digits[:40] in table
        assert digits[-4:] in table
    assert run.reference in atouts("list").output
    atouts("refuse", run.reference, "--reason", "Le montant du lycée est à revoir, un avoir manque encore")
    times = re.findall(r"│ \d+\s\S+\s\d+ à \d+\sh\s\d\d ", atouts("show", run.reference).output)
    assert len(times) == 2


def file_of_another(world: World) -> tuple[str, str]:
    """The SHA-256 of the file of one more run, and the table that tells it."""
    world.sale(world.partner(), 7000, datetime.now(UTC) - timedelta(days=8))
    atouts("prepare", "--cutoff", "now")
    with world.engine.connect() as conn:
        run = runs.latest(conn)[0]
    world.approve(run)
    told = atouts("generate", run.reference).output
    file = world.run(run.id).file
    assert file is not None
    return file.sha256.hex(), told


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_sent(world: World, tmp_path: Path) -> None:
    world.sale(world.partner(), 7000, datetime.now(UTC) - timedelta(days=8))
    atouts("prepare")
    with world.engine.connect() as conn:
        (run,) = runs.latest(conn)
    there = tmp_path / "ancien.xml"
    there.write_text("à garder")
    assert "pas encore produit" in atouts("download", run.reference, "--to", str(there), code=1).output
    assert there.read_text() == "à garder"
    world.approve(run)
    atouts("generate", run.reference)
    nowhere = tmp_path / "absent"
    for step, place in (("transmit", nowhere), ("download", nowhere / "x.xml"), ("advice", there / "avis")):
        refused = CliRunner().invoke(command, [step, run.reference, "--to", str(place)])
        assert isinstance(refused.exception, Unusable), step
        assert str(place) in str(refused.exception)
    assert world.run(run.id).state == "generated"
    assert "ne paie pas" in atouts("advice", run.reference, "--partner", "999", "--to", str(nowhere), code=1).output
    assert not nowhere.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYER_IBAN", "FR1234"),
        ("PAYER_BIC", "ZZ"),
        ("PAYER_NAME", " "),
        ("MESSAGE_PREFIX", "a_é"),
        ("PAYOUT_MINIMUM_CENTS", "-5"),
        ("PAYOUT_MINIMUM_CENTS", "un euro"),
        ("PAYOUT_UNUSUAL_TIMES", "0"),
        ("PAYOUT_RUN_LIMIT_CENTS", "0"),
        ("PAYOUT_ADVANCE_CEILING_CENTS", "-1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_before_anything_is_frozen(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    world.sale(world.partner(), 7000, datetime.now(UTC) - timedelta(days=8))
    monkeypatch.setenv(f"ATOUTS_{name}", value)
    refused = CliRunner().invoke(command, ["prepare"])
    assert isinstance(refused.exception, Unusable)
    assert f"ATOUTS_{name}" in str(refused.exception)
    said = str(refused.exception).replace(value, "").replace("•", "")
    assert said.isascii(), "an operator reads English"
    with world.engine.connect() as conn:
        assert runs.latest(conn) == []
