"""`atouts roster`, `benefits`, `partners` and `mails`: the scheme from a command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from ledger import outbox
from partner_portal.cli import atouts
from partner_portal.demo.region import generate_region, write_roster
from tests.conftest import Database
from tests.ledger.scheme import Line, make_partner, make_scheme


@pytest.fixture
def run(fresh_database: Database, monkeypatch: pytest.MonkeyPatch):
    """Run `atouts` on a database of the test's own."""
    monkeypatch.setenv("ATOUTS_DATABASE_URL", fresh_database.owner_url)
    monkeypatch.setenv("ATOUTS_DATABASE_APP_URL", fresh_database.app_url)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(atouts, arguments)

    return invoke


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The directory of schools and the roster of a small Region."""
    region = generate_region(300)
    schools, roster = tmp_path / "ecoles.csv", tmp_path / "eleves.csv"
    lines = [f"{school.uai};{school.name};{school.town}" for school in region.schools]
    schools.write_text("\n".join(["uai;nom;commune", *lines]))
    write_roster(region, roster)
    return schools, roster


def test_a_region_is_imported_and_granted_once(run, files, fresh_database: Database) -> None:
    schools, roster = files
    for arguments in (
        ("roster", "schools", str(schools)),
        ("benefits", "open-year", "--year", "2026-2027"),
        ("roster", "import", str(roster), "--year", "2026-2027"),
        ("benefits", "grant", "--year", "2026-2027"),
        ("benefits", "grant", "--year", "2026-2027"),
    ):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
    with fresh_database.engine.connect() as conn:
        assert conn.scalar(text("select count(*) from transfer where kind = 'grant' and amount in (7000, 4000)")) == 300
        assert conn.scalar(text("select count(*) from card where revoked_at is null")) == 300


def test_one_wrong_line_and_nothing_is_imported(run, files, fresh_database: Database) -> None:
    schools, roster = files
    lines = roster.read_text(encoding="utf-8-sig").splitlines()
    lines[7] = lines[7].replace(";", ";;", 1)
    lines[9] = lines[9].rsplit(";", 2)[0].replace("oui", "peut-être").replace("non", "peut-être") + ";2026-2027;"
    roster.write_text("\n".join(lines))
    assert run("roster", "schools", str(schools)).exit_code == 0
    run("benefits", "open-year", "--year", "2026-2027")
    result = run("roster", "import", str(roster), "--year", "2026-2027")
    assert result.exit_code == 1
    assert "Ligne 8" in result.output
    assert "Ligne 10" in result.output
    with fresh_database.engine.connect() as conn:
        assert conn.scalar(text("select count(*) from student")) == 0


def test_nothing_is_imported_or_granted_in_a_year_that_nobody_has_opened(run, files) -> None:
    schools, roster = files
    run("roster", "schools", str(schools))
    assert run("roster", "import", str(roster), "--year", "2026-2027", "--check-only").exit_code == 0
    for command in (("roster", "import", str(roster)), ("benefits", "grant")):
        result = run(*command, "--year", "2026-2027")
        assert result.exit_code == 1
        assert "n'est pas ouverte. D'abord : atouts benefits open-year --year 2026-2027" in result.output
    assert "est ouverte." in run("benefits", "open-year", "--year", "2026-2027").output
    again = run("benefits", "open-year", "--year", "2026-2027", "--last-day", "2027-07-07")
    assert "était déjà ouverte : rien n'est changé" in again.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("uai;nom\n", "commune"),
        ("uai;nom;commune\n0140013X;Lycée;Caen\n", "Ligne 2"),
        ("uai;nom;commune\n", "aucun établissement"),
    ],
)
def test_a_wrong_directory_is_refused_in_a_sentence(run, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "ecoles.csv"
    file.write_text(content)
    result = run("roster", "schools", str(file))
    assert result.exit_code == 1
    assert said in result.output


def test_a_partner_is_validated_once_and_shown_without_its_whole_iban(run, fresh_database: Database) -> None:
    with fresh_database.engine.begin() as conn:
        till = make_partner(conn)
    again = run("partners", "validate", str(till.partner_id))
    assert again.exit_code == 1
    assert run("partners", "suspend", str(till.partner_id), "--reason", "contrôle").exit_code == 0
    listed = run("partners", "list")
    assert "suspendu" in listed.output
    assert "7890189" not in listed.output.replace(" ", "")
    assert run("partners", "reinstate", str(till.partner_id)).exit_code == 0


def test_a_lapse_before_the_deadline_says_it_is_too_early(run, fresh_database: Database) -> None:
    with fresh_database.engine.begin() as conn:
        make_scheme(conn, Line("123456789AB"))
    early = run("benefits", "lapse", "--year", "2026-2027")
    assert "Rien n’est devenu caduc.\nTrop tôt pour Livres scolaires : utilisable jusqu’au" in early.output
    assert "Aucun avantage n’est connu pour 2024-2025" in run("benefits", "lapse", "--year", "2024-2025").output
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("update benefit set usable_until = now()"))
    late = run("benefits", "lapse", "--year", "2026-2027")
    assert "1 avantage caduc maintenant : 70,00" in late.output.replace("\xa0", " ")
    assert "Trop tôt" not in late.output


def test_mails_that_did_not_leave_are_listed_and_sent_again_when_somebody_says_so(
    run, fresh_database: Database
) -> None:
    assert "Aucun courriel en difficulté." in run("mails", "list").output
    with fresh_database.engine.begin() as conn:
        outbox.post(
            conn,
            recipient="lea@eleve.example",
            subject="Votre reçu",
            body_text="…",
            body_html="…",
            purpose="receipt",
            dedup_key="receipt:1",
        )
        number = conn.scalar(text("select id from mail_outbox"))
        conn.execute(text("update mail_outbox set refused_at = now(), attempts = 1, last_error = '550 no such user'"))
    listed = run("mails", "list").output
    assert "550" in listed
    assert "refusé" in listed
    wrong = run("mails", "again", str(number), "999")
    assert (wrong.exit_code, "999" in wrong.output) == (1, True)
    assert "550" in run("mails", "list").output, "one wrong number, and nothing is sent"
    assert run("mails", "again", str(number)).exit_code == 0
    with fresh_database.engine.connect() as conn:
        assert conn.scalar(text("select refused_at is null and handed_over_at is null from mail_outbox"))
