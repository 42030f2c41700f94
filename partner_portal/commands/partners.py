"""`atouts partners`: partner schools, from application to suspension."""

from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection
from sqlalchemy.exc import NoResultFound

from ledger import database, partners
from partner_portal.commands.operator import actor

STATUS_NAMES = {
    "draft": "brouillon",
    "submitted": "à valider",
    "validated": "validé",
    "refused": "refusé",
    "suspended": "suspendu",
}


@click.group()
def command() -> None:
    """List, validate, refuse and suspend partners, who sign up on the portal's pages."""


@command.command("list")
def show() -> None:
    """List every partner and where it stands."""
    table = Table(title="Partenaires", title_justify="left")
    for title in ("N°", "UAI", "Établissement", "Commune", "État", "Compte"):
        table.add_column(title)
    with database.application_engine().connect() as conn:
        for partner in partners.all_partners(conn):
            table.add_row(
                str(partner.partner_id),
                partner.uai,
                partner.name,
                partner.town,
                STATUS_NAMES[partner.status],
                partner.masked_iban,
            )
    Console().print(table)


@command.command("validate")
@click.argument("partner_id", type=int)
def validate(partner_id: int) -> None:
    """Accept partner PARTNER_ID and the bank account it gave."""
    _decide(partner_id, lambda conn: partners.validate(conn, partner_id, actor=actor()))


@command.command("refuse")
@click.argument("partner_id", type=int)
@click.option("--reason", required=True, help="What the school reads.")
def refuse(partner_id: int, reason: str) -> None:
    """Refuse the application of partner PARTNER_ID."""
    _decide(partner_id, lambda conn: partners.refuse(conn, partner_id, reason=reason, actor=actor()))


@command.command("suspend")
@click.argument("partner_id", type=int)
@click.option("--reason", required=True, help="What the school reads.")
def suspend(partner_id: int, reason: str) -> None:
    """Stop partner PARTNER_ID from selling, and hold its payouts back."""
    _decide(partner_id, lambda conn: partners.suspend(conn, partner_id, reason=reason, actor=actor()))


@command.command("reinstate")
@click.argument("partner_id", type=int)
def reinstate(partner_id: int) -> None:
    """End the suspension of partner PARTNER_ID."""
    _decide(partner_id, lambda conn: partners.reinstate(conn, partner_id, actor=actor()))


def _decide(partner_id: int, decision: Callable[[Connection], None]) -> None:
    try:
        with database.application_engine().begin() as conn:
            _require(conn, partner_id)
            decision(conn)
    except partners.NotPossible as error:
        raise click.ClickException(str(error)) from error
    click.echo("C'est fait.")


def _require(conn: Connection, partner_id: int) -> None:
    try:
        partners.get(conn, partner_id)
    except NoResultFound as error:
        raise click.ClickException(f"Aucun partenaire ne porte le numéro {partner_id}.") from error
