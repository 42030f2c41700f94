"""`atouts books`: what the accountant and the auditor read, and the exit codes that a script goes by."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from batch.seals import seal_history
from ledger import seals
from partner_portal.commands.books import command
from tests.conftest import Database
from tests.ledger.scheme import BOOK, Line, Scheme, make_scheme


@pytest.fixture
def scheme(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> Scheme:
    monkeypatch.setenv("ATOUTS_DATABASE_URL", fresh_database.owner_url)
    monkeypatch.setenv("ATOUTS_DATABASE_APP_URL", fresh_database.app_url)
    monkeypatch.setenv("COLUMNS", "200")
    with fresh_database.engine.begin() as conn:
        scheme = make_scheme(conn, Line("123456789AB"))
        scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
    return scheme


def atouts(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def past_the_guards(database: Database, statement: str) -> None:
    with database.owner_engine.begin() as conn:
        conn.execute(text("set local session_replication_role = replica"))
        conn.execute(text(statement))


def test_sound_books_and_a_whole_history_exit_with_zero(scheme: Scheme) -> None:
    assert "Sceau 1:" in atouts("seal").output
    assert "Rien à sceller" in atouts("seal").output
    checked, verified = atouts("check"), atouts("verify")
    assert (checked.exit_code, verified.exit_code) == (0, 0)
    assert "aucune différence" in checked.output
    assert "intact (sceaux : 1, écritures : 2)" in verified.output


def test_a_difference_is_named_in_french_and_exits_with_one(fresh_database: Database, scheme: Scheme) -> None:
    past_the_guards(fresh_database, "update account set balance = 1 where id < 2000000000000")
    result = atouts("check")
    assert result.exit_code == 1
    assert "Le solde enregistré n’est pas la somme des écritures." in result.output
    assert "4000" in result.output
    limited = atouts("check", "--limit", "1")
    assert "2 différences" in limited.output
    assert "Le solde enregistré" not in limited.output


def test_a_changed_history_is_named_and_exits_with_one(fresh_database: Database, scheme: Scheme) -> None:
    atouts("seal")
    past_the_guards(fresh_database, "delete from transfer where kind = 'sale'")
    result = atouts("verify")
    assert result.exit_code == 1
    assert "des écritures manquent" in result.output
    assert "1 à 2" in result.output


def test_a_printed_seal_is_compared(fresh_database: Database, scheme: Scheme) -> None:
    printed = seal_history()
    assert printed is not None
    assert atouts("verify", "--printed", printed).exit_code == 0
    forged = f"1:{'0' * 64}"
    assert "ce n’est pas le sceau imprimé" in atouts("verify", "--printed", forged).output
    assert atouts("verify", "--printed", "1:0").exit_code == 2


def test_the_job_seals_what_has_come_and_tells_the_seal_to_print(fresh_database: Database, scheme: Scheme) -> None:
    printed = seal_history()
    with fresh_database.engine.begin() as conn:
        latest = seals.latest(conn)
    assert latest is not None
    assert printed == latest.printed
    assert seal_history() is None


def test_statements_name_accounts_as_people_do(scheme: Scheme) -> None:
    result = atouts("statement", "0140014P")
    assert result.exit_code == 0
    assert "Vente" in result.output
    assert "30,00" in result.output
    # The last line tells the instant of asking.
    assert atouts("statement", str(scheme.till.account)).output.splitlines()[:6] == result.output.splitlines()[:6]
    assert "Avantages attribués" in atouts("statement", "funding").output
    assert "the books have no account nobody" in atouts("statement", "nobody").output


def test_the_trial_balance_shows_its_totals(scheme: Scheme) -> None:
    output = atouts("trial-balance").output
    assert "Partenaires à payer" in output
    assert output.count("100,00") >= 2  # granted and sold, on either side


def test_the_journal_goes_to_a_file_or_to_standard_output(scheme: Scheme, tmp_path: Path) -> None:
    period = ("--from", "2026-01-01", "--to", "2030-12-31")
    file = tmp_path / "journal.txt"
    assert atouts("journal", *period, "--output", str(file)).exit_code == 0
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_bytes() == atouts("journal", *period).stdout_bytes
    assert file.read_bytes().count(b"\n") == 5
