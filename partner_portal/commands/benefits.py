"""`atouts benefits`: what a school year gives to whom."""

from datetime import date, datetime

import click
from rich.console import Console
from rich.table import Table

from batch import year_end
from batch.french import counted, day_in_words, euros, whole_number
from ledger import benefits, cards, database, lapses
from ledger.calendar import last_day_before, school_year_name
from ledger.lapses import Lapsed, LapseReport
from partner_portal.commands.operator import actor
from partner_portal.commands.progress import progress_bar
from partner_portal.commands.roster import SchoolYear, require_open, this_school_year

YEAR = click.option("--year", type=SchoolYear(), help="School year (else the one under way).")


@click.group()
def command() -> None:
    """Grant the benefits of a school year, and lapse what is left of them."""


@command.command("open-year")
@YEAR
@click.option(
    "--last-day", type=click.DateTime(["%Y-%m-%d"]), help="Last day of use, where it is not 30 June: 2027-07-07."
)
def open_year(year: int | None, last_day: datetime | None) -> None:
    """Enter a school year with the scheme's amounts; one that is there already is left as it is."""
    year = year or this_school_year()
    day: date | None = last_day.date() if last_day else None
    with database.application_engine().begin() as conn:
        entered = benefits.open_school_year(conn, year, last_day=day, actor=actor())
    name = school_year_name(year)
    click.echo(
        f"L'année scolaire {name} est ouverte."
        if entered
        else f"L'année scolaire {name} était déjà ouverte : rien n'est changé, ni montants ni dernier jour."
    )


@command.command("grant")
@YEAR
def grant(year: int | None) -> None:
    """Grant each enrolled student what the scheme gives, and a card to who has none. Nothing is granted twice."""
    year = year or this_school_year()
    console = Console()
    with (
        console.status("Attribution des avantages…"),
        database.long_transaction(database.application_engine()) as conn,
    ):
        require_open(conn, year)
        granted = benefits.grant(conn, year, actor=actor())
        issued = cards.issue_missing_cards(conn, cards.CardKeys.from_settings(), school_year=year)
    table = Table(title=f"Avantages {school_year_name(year)}", title_justify="left")
    for title in ("Avantage", "Élèves", "Attribués maintenant", "Montant"):
        table.add_column(title, justify="left" if title == "Avantage" else "right")
    for benefit in granted:
        table.add_row(benefit.label, whole_number(benefit.wallets), whole_number(benefit.opened), euros(benefit.amount))
    console.print(table)
    console.print(f"{counted(issued, 'carte émise')}.", highlight=False)


@command.command("lapse")
@YEAR
def lapse(year: int | None) -> None:
    """Lapse what students have not used of benefits whose deadline has passed, and show what became of the year."""
    year = year or this_school_year()
    console = Console()
    engine = database.application_engine()
    with engine.connect() as conn:
        waiting = lapses.waiting(conn)
    with progress_bar(hidden=not waiting) as bar:
        task = bar.add_task("Avantages caducs", total=waiting)
        done = year_end.lapse(engine, actor=actor(), progress=lambda wallets: bar.advance(task, wallets))
    with engine.connect() as conn:
        rows = lapses.report(conn, year)
    console.print(_said(done, rows, year), highlight=False, soft_wrap=True)
    if not rows:
        return
    table = Table(title=f"Avantages {school_year_name(year)}", title_justify="left")
    for title in ("Avantage", "Attribué", "Dépensé", "Caduc", "Reste", "Réservé"):
        table.add_column(title, justify="left" if title == "Avantage" else "right")
    for row in rows:
        cents = (row.granted, row.spent, row.lapsed, row.left, row.still_held)
        table.add_row(row.label, *(euros(each) for each in cents))
    console.print(table)


def _said(done: Lapsed, rows: list[LapseReport], year: int) -> str:
    """What was done, and what it is too early to do."""
    if done.wallets:
        said = [f"{counted(done.wallets, 'avantage caduc')} maintenant : {euros(done.amount)}."]
    else:
        said = ["Rien n’est devenu caduc."]
    if not rows:
        said.append(f"Aucun avantage n’est connu pour {school_year_name(year)}.")
    for row in rows:
        if not row.is_over:
            last = day_in_words(last_day_before(row.usable_until))
            said.append(f"Trop tôt pour {row.label} : utilisable jusqu’au {last} inclus.")
        elif row.still_held:
            said.append(f"{row.label} : ce qui est réservé sera caduc une fois la réservation levée.")
    return "\n".join(said)
