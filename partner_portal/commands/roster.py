"""`atouts roster`: schools and the students who attend them."""

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from sqlalchemy import Connection

from batch.french import counted, whole_number
from batch.roster import RosterReport, check_roster, roster_rows
from batch.roster_file import UnreadableRoster
from batch.schools import read_schools
from ledger import benefits, database, students
from ledger.calendar import parse_school_year, school_year_at, school_year_name
from partner_portal.commands.operator import actor
from partner_portal.commands.progress import progress_bar

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class SchoolYear(click.ParamType[int]):
    """A school year as people write it: 2026-2027."""

    name = "2026-2027"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The year in which it begins."""
        try:
            return parse_school_year(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def this_school_year() -> int:
    """The school year that is under way by the clock of this machine."""
    return school_year_at(datetime.now(UTC))


def require_open(conn: Connection, year: int) -> None:
    """Raise an error that says how to open `year`, where nobody has."""
    if not benefits.is_open(conn, year):
        name = school_year_name(year)
        raise click.ClickException(
            f"L'année scolaire {name} n'est pas ouverte. D'abord : atouts benefits open-year --year {name}"
        )


@click.group()
def command() -> None:
    """Import the schools' lists of students."""


@command.command("schools")
@click.argument("file", type=FILE)
def import_schools(file: Path) -> None:
    """Enter the schools of FILE (CSV or Excel: uai, nom, commune), or their new names."""
    try:
        schools = read_schools(file)
    except UnreadableRoster as error:
        raise click.ClickException(str(error)) from error
    with database.application_engine().begin() as conn:
        count = students.import_schools(conn, schools)
    click.echo(f"{counted(count, 'établissement')} dans l'annuaire.")


@command.command("import")
@click.argument("file", type=FILE)
@click.option("--year", "year", type=SchoolYear(), help="School year of the roster (else the one under way).")
@click.option("--check-only", is_flag=True, help="Say what is wrong and import nothing.")
def import_roster(file: Path, year: int | None, check_only: bool) -> None:
    """Import the students of FILE (CSV or Excel).

    One wrong line, and nothing is imported: the report names them all.
    """
    year = year or this_school_year()
    engine = database.application_engine()
    output = Console()
    try:
        with database.long_transaction(engine) as conn, progress_bar() as bar:
            if not check_only:
                require_open(conn, year)
            known = students.known_schools(conn)
            task = bar.add_task("Contrôle", total=1.0)
            report = check_roster(
                file, school_year=year, known_schools=known, progress=lambda _, share: bar.update(task, completed=share)
            )
            if not report.clean or check_only:
                bar.stop()
                _print(output, report)
                raise SystemExit(0 if report.clean else 1)
            task = bar.add_task("Import", total=1.0)
            rows = roster_rows(file, report, progress=lambda _, share: bar.update(task, completed=share))
            done = students.import_roster(conn, rows, actor=actor())
    except UnreadableRoster as error:
        raise click.ClickException(str(error)) from error
    _print(output, report)
    new, enrolments = counted(done.new_students, "élève"), whole_number(done.enrolments)
    output.print(f"{new} de plus ; inscriptions nouvelles ou changées : {enrolments}.", highlight=False)


def _print(output: Console, report: RosterReport) -> None:
    for sentence in report.sentences():
        output.print(sentence, highlight=False, markup=False)
