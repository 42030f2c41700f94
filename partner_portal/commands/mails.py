"""`atouts mails`: what did not leave, and why; and another try, which somebody has to decide."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from batch.mail import STATE_WORDS
from ledger import outbox
from ledger.database import application_engine
from partner_portal.commands.operator import actor


@click.group()
def command() -> None:
    """List mails that did not leave, and send them again."""


@command.command("list")
def show() -> None:
    """List the mails that failed, the latest first: to be tried again, refused, or perhaps gone."""
    with application_engine().connect() as conn:
        troubles = outbox.troubles(conn)
    console = Console()
    if not troubles:
        console.print("Aucun courriel en difficulté.")
        return
    table = Table(title="Courriels en difficulté", title_justify="left")
    table.add_column("N°", justify="right")
    table.add_column("Destinataire", no_wrap=True)
    table.add_column("Objet")
    table.add_column("État, et ce que dit le serveur")
    for one in troubles:
        state = f"{STATE_WORDS[one.state]} : {one.last_error}" if one.last_error else STATE_WORDS[one.state]
        table.add_row(str(one.id), one.recipient, escape(one.subject), escape(state))
    console.print(table)


@command.command("again")
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True, type=int)
def again(numbers: tuple[int, ...]) -> None:
    """Send mails of these NUMBERs once more. One that is perhaps gone may then arrive twice."""
    with application_engine().begin() as conn:
        left = [number for number in numbers if not outbox.send_again(conn, number, actor=actor())]
        if left:
            raise click.ClickException(
                f"Rien n'est renvoyé : ni refusé, ni peut-être parti : {', '.join(map(str, left))}."
            )
    click.echo("C'est remis dans la file d'envoi.")
