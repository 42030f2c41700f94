"""`atouts db`: the database between releases."""

import click

from ledger import database


@click.group()
def command() -> None:
    """Bring the database to this release."""


@command.command()
def upgrade() -> None:
    """Make the application's role if it is missing, and run the migrations the database lacks.

    Needs the owner of the database (ATOUTS_DATABASE_URL), or the embedded one. May be run again at any time.
    """
    database.upgrade()
    click.echo("The database is of this release.")
