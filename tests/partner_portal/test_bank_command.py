"""`atouts bank`, as an operator types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from ledger.accounts import SUSPENSE
from partner_portal.commands.bank import command
from tests.batch.bank.simulated_bank import Debits, Fate, Returns, SimulatedBank
from tests.conftest import Database
from tests.payout_world import PAYER, World


@pytest.fixture
def world(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two payments that went to the bank; the commands find the scheme by the environment."""
    for name, value in {
        "ATOUTS_DATABASE_URL": fresh_database.owner_url,
        "ATOUTS_DATABASE_APP_URL": fresh_database.app_url,
        "ATOUTS_PAYER_IBAN": PAYER.iban,
        "COLUMNS": "220",
    }.items():
        monkeypatch.setenv(name, value)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    for amount in (7000, 4000):
        world.sale(world.partner(), amount)
    return world


def atouts(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.output.replace("\u00a0", " ").replace("\u202f", " ")


def numbers(world: World) -> list[int]:
    with world.engine.connect() as conn:
        return list(conn.execute(text("select id from bank_share where state = 'open' order by id")).scalars())


def test_files_come_in_and_what_is_open_is_decided(world: World, tmp_path: Path) -> None:
    run = world.generated()
    bank = SimulatedBank()
    bank.take(world.content(run), [Fate.PAID, Fate.REJECTED], Debits.BATCH_TOTAL, Returns.PLAIN)
    for signed in (-12_34, 500_00, -80_00, 80_00):
        bank.other(signed, min(bank.days))
    paths = []
    for number, content in enumerate(bank.files()):
        paths.append(tmp_path / f"{number}.xml")
        paths[-1].write_bytes(content)
    said = atouts("import", *reversed(paths))
    assert "5 écritures" in said
    assert "compte clos (AC04)" in said
    assert "a déjà été déposé" in atouts("import", paths[0])
    (tmp_path / "faux.xml").write_text("<a/>")
    assert "Fichier refusé" in atouts("import", tmp_path / "faux.xml", code=1)
    assert "pris en compte" in atouts("statements")
    assert "Mouvement inconnu" in atouts("items")
    charge, funding, debit, credit = numbers(world)
    assert "Rien n’est proposé" in atouts("accept", charge, code=1)
    assert "Rien n’est proposé" in atouts("refuse", charge, "--reason", "non", code=1)
    atouts("explain", charge, "--reason", "Frais de tenue de compte", "--as", "charges")
    atouts("explain", funding, "--reason", "Dotation de la semaine", "--as", "funding")
    atouts("explain", debit, "--reason", "Erreur de la banque", "--offset", credit)
    assert world.balance(SUSPENSE) == 0
    assert "Rien n’est ouvert" in atouts("items", "--run", run.reference)


def test_what_had_no_effect_is_put_away_with_a_reason(world: World, tmp_path: Path) -> None:
    run = world.generated()
    bank = SimulatedBank()
    bank.take(world.content(run), [Fate.PAID, Fate.REJECTED_LATE], Debits.SINGLE, Returns.PLAIN)
    report, debits, credited = bank.files()
    (tmp_path / "aside.xml").write_bytes(credited.replace(b"OPBD", b"XPBD"))
    for name, content in (("a.xml", debits), ("b.xml", report)):
        (tmp_path / name).write_bytes(content)
        atouts("import", tmp_path / name)
    assert "mis à l’écart" in atouts("import", tmp_path / "aside.xml", code=1)
    open_items = atouts("items")
    assert "statement" in open_items
    assert "conflict" in open_items
    with world.engine.connect() as conn:
        statement = conn.execute(text("select id from bank_statement where state = 'quarantined'")).scalar_one()
        conflict = conn.execute(text("select id from bank_status_conflict")).scalar_one()
    assert "écarté" in atouts("settle", "statement", statement, "--reason", "La banque en envoie un autre")
    assert "réglé" in atouts("settle", "conflict", conflict, "--reason", "Le retour est annoncé")
    assert "n’est plus à l’écart" in atouts("settle", "statement", statement, "--reason", "x", code=1)


def test_a_number_that_never_was_is_told_apart_from_what_is_decided(world: World) -> None:
    why = ("--reason", "x")
    assert "Il n’y a pas de relevé n° 999." in atouts("settle", "statement", 999, *why, code=1)
    assert "Il n’y a pas de conflit n° 999." in atouts("settle", "conflict", 999, *why, code=1)
    for arguments in (("accept", 999), ("refuse", 999, *why), ("explain", 999, *why)):
        assert "Il n’y a pas d’écriture n° 999." in atouts(*arguments, code=1)


def test_the_sheet_sets_ledger_file_and_bank_side_by_side(world: World, tmp_path: Path) -> None:
    run = world.generated()
    bank = SimulatedBank()
    bank.take(world.content(run), [Fate.PAID, Fate.REJECTED], Debits.SINGLE, Returns.PLAIN)
    folder = tmp_path / "banque"
    folder.mkdir()
    for number, content in enumerate(bank.files()):
        (folder / f"{number}.xml").write_bytes(content)
    assert atouts("import", "--folder", folder) == "", "what may still be on its way is left"
    atouts("import", *sorted(folder.iterdir()))
    said = atouts("sheet", run.reference, "--to", tmp_path)
    for amount in ("110,00 €", "70,00 €", "rejeté par la banque (1)"):
        assert amount in said
    assert (tmp_path / f"{run.reference}-rapprochement.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / f"{run.reference}-rapprochement.xlsx").read_bytes().startswith(b"PK")
    assert "pas encore répondu" in atouts("sheet", run.reference, "--close", code=1), "it was never handed over"
    assert "Aucune campagne" in atouts("sheet", "2020-W01", code=1)
