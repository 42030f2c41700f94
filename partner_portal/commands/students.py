"""`atouts students`: what is written to students, and who cannot be reached."""

import csv
import sys

import click
from rich.console import Console
from rich.table import Table

from batch import student_mails
from batch.french import counted, whole_number
from ledger import database, student_notices
from ledger.settled import StillPosting
from partner_portal.commands.roster import SchoolYear, this_school_year

COLUMNS = ("UAI", "Établissement", "Classe", "Nom", "Prénom", "Adresse refusée")


@click.group()
def command() -> None:
    """Write to students, and list those who cannot be reached."""


@command.command("write")
def write() -> None:
    """Put the receipts and reminders that are due into the outbox; the calendar does it by itself."""
    engine = database.application_engine()
    reminders = student_mails.write_reminders(engine)
    try:
        receipts = student_mails.write_receipts(engine)
    except StillPosting as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{counted(receipts, 'reçu')} et {counted(reminders, 'rappel')} à envoyer.")


@command.command("unreachable")
@click.option("--year", type=SchoolYear(), help="School year (else the one under way).")
@click.option("--school", metavar="UAI", help="Only the students of this school.")
@click.option("--csv", "as_csv", is_flag=True, help="As a CSV file on standard output.")
def unreachable(year: int | None, school: str | None, as_csv: bool) -> None:
    """List the students without a mail address, and those whose address was refused, by school and class."""
    with database.application_engine().connect() as conn:
        found = student_notices.unreachable(conn, year or this_school_year(), uai=school)
    rows = [
        (one.school_uai, one.school, one.class_name, one.last_name, one.first_name, one.email or "") for one in found
    ]
    if as_csv:
        out = csv.writer(sys.stdout, delimiter=";")
        out.writerow(COLUMNS)
        out.writerows(rows)
        return
    table = Table(title=f"Élèves injoignables par courriel : {whole_number(len(rows))}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
