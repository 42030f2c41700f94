"""`atouts people`: who gets into the portal, and how the first administrator does."""

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from batch.roster_cells import read_email
from ledger import people
from ledger.database import application_engine
from ledger.rights import GRANTABLE_ROLES, PARTNER_ROLES, ROLE_NAMES, Role
from partner_portal import settings
from partner_portal.auth.links import invite
from partner_portal.commands.operator import actor

STATUS_NAMES = {"invited": "invité", "active": "actif", "disabled": "désactivé"}
REASON = "Un accès à Atouts Normandie vous est ouvert."


class _Address(click.ParamType[str]):
    name = "email"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A mail address, as mails can be sent to it."""
        try:
            address = read_email(str(value))
        except ValueError:
            address = None
        return address or self.fail(f"{value!r} is no mail address", param, ctx)


@click.group()
def command() -> None:
    """Invite, list and disable the portal's users."""


@command.command("invite")
@click.argument("email", type=_Address())
@click.option("--name", required=True, help="The person's full name.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(sorted(role.value for role in GRANTABLE_ROLES)),
    help="May be given several times.",
)
@click.option("--partner", "partner_id", type=int, help="The partner's number, for partner roles.")
@click.option("--show-link", is_flag=True, help="Print the link too, where no mail leaves yet.")
def invite_person(email: str, name: str, roles: tuple[str, ...], partner_id: int | None, show_link: bool) -> None:
    """Give EMAIL its roles, and send it a link to choose a password.

    Somebody who is there already keeps the roles they have.
    """
    granted = [Role(role) for role in roles]
    if (partner_id is None) != PARTNER_ROLES.isdisjoint(granted):
        raise click.UsageError("Partner roles, and they alone, take --partner.")
    if not name.strip():
        raise click.BadParameter("a name is missing", param_hint="--name")
    with application_engine().begin() as conn:
        person = people.by_email(conn, email)
        person_id = people.create(conn, email=email, name=name, by=actor()) if person is None else person.id
        for role in granted:
            people.grant(conn, person_id, role, partner_id=partner_id if role in PARTNER_ROLES else None, by=actor())
        link = invite(conn, _person(conn, email), by=actor(), reason=REASON, public_url=settings.PUBLIC_URL.value)
    click.echo(f"The invitation for {email} waits in the outbox.")
    if show_link:
        click.echo(link)


@command.command("list")
def show() -> None:
    """List every person with a role, and what they may do."""
    table = Table(title="Personnes", title_justify="left")
    for title in ("Adresse", "Nom", "Rôles", "Double authentification", "État"):
        table.add_column(title, overflow="fold", no_wrap=title == "Adresse")
    with application_engine().connect() as conn:
        for person in people.everybody(conn):
            roles = (
                f"{ROLE_NAMES[grant.role]}{f' ({grant.partner_name})' if grant.partner_name else ''}"
                for grant in person.grants
            )
            table.add_row(
                person.email,
                person.name,
                ", ".join(roles),
                "oui" if person.totp_is_confirmed else "non",
                STATUS_NAMES[person.status],
            )
    Console().print(table)


@command.command()
@click.argument("email")
def disable(email: str) -> None:
    """Close the door to EMAIL, at once."""
    with application_engine().begin() as conn:
        people.disable(conn, _person(conn, email).id, by=actor())
    click.echo(f"{email} is out.")


@command.command()
@click.argument("email")
def enable(email: str) -> None:
    """Open the door to EMAIL again."""
    with application_engine().begin() as conn:
        people.enable(conn, _person(conn, email).id, by=actor())
    click.echo(f"{email} may sign in again.")


@command.command("new-phone")
@click.argument("email")
def new_phone(email: str) -> None:
    """Forget the code generator of EMAIL, who sets up another at the next sign-in."""
    with application_engine().begin() as conn:
        people.drop_totp(conn, _person(conn, email).id, by=actor())
    click.echo(f"{email} sets up a new phone at the next sign-in.")


def _person(conn: Connection, email: str) -> people.Person:
    person = people.by_email(conn, email)
    if person is None:
        raise click.ClickException(f"Nobody signs in as {email}.")
    return person
