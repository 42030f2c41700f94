"""`atouts books`: read the books, and prove them."""

import contextlib
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from batch.french import euros, whole_number
from batch.seals import seal_all
from ledger import books_check, journal, partners, seals, statements
from ledger.accounts import partner_account
from ledger.calendar import PARIS, paris_midnight, school_year_bounds, school_year_name
from ledger.chart import CHART, KIND_LABELS, account_label
from ledger.database import application_engine
from ledger.seals import BrokenSeal, Damage
from partner_portal.commands.progress import progress_bar
from partner_portal.commands.roster import SchoolYear, this_school_year

DAMAGES = {
    Damage.CHANGED: "modifiée : le même nombre d’écritures, mais pas les mêmes",
    Damage.MISSING: "des écritures manquent",
    Damage.INSERTED: "des écritures ont été ajoutées",
    Damage.BROKEN_CHAIN: "ce sceau ne suit pas le précédent",
    Damage.NOT_AS_PRINTED: "ce n’est pas le sceau imprimé",
}
DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def command() -> None:
    """Read the books, and prove them.

    ACCOUNT is a number, the UAI of a partner, or one of funding, lapsed, in_transit, bank, suspense, write_off and
    bank_charges. Days are those of Paris.
    """


@command.command()
@click.option("--limit", default=100, show_default=True, help="Differences shown; all of them are counted.")
def check(limit: int) -> None:
    """Compute everything again from the transfers alone, and name what differs.

    Sales may go on meanwhile. Exits with 0 when every promise of the books was kept, 1 when there is a difference.
    """
    console = Console()
    with _reading() as conn, _progress("Contrôle des livres") as progress:
        differences = books_check.check(conn, progress)
        shown = list(itertools.islice(differences, limit))
        more = sum(1 for _ in differences)
    if not shown:
        console.print("Les livres sont justes : aucune différence.")
        return
    table = Table("Promesse", "Où", "Attendu", "Trouvé", show_lines=True)
    for one in shown:
        table.add_row(books_check.SENTENCES[one.promise], one.subject, one.expected, one.found)
    console.print(table)
    console.print(f"{whole_number(len(shown) + more)} différences.", highlight=False)
    sys.exit(1)


class _Printed(click.ParamType[tuple[int, bytes]]):
    name = "number:hash"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, bytes]:
        """A seal as documents show it."""
        match = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-fA-F]{64})", str(value))
        if match is None:
            self.fail("write it as on the document: a number, a colon, 64 digits", param, ctx)
        return int(match[1]), bytes.fromhex(match[2])


@command.command()
@click.option("--printed", type=_Printed(), multiple=True, help="A seal from a printed document, to compare with.")
def verify(printed: tuple[tuple[int, bytes], ...]) -> None:
    """Compute every seal again, and name those that do not match: where history was changed, and how.

    Exits with 0 when history is as it was sealed, 1 when it is not.
    """
    console = Console()
    with _reading() as conn, _progress("Vérification des sceaux") as progress:
        found = seals.verify(conn, printed=dict(printed), progress=progress)
        latest = seals.latest(conn)
    looked_at = f"sceaux : {whole_number(found.seals)}, écritures : {whole_number(found.transfers)}"
    if not found.broken:
        console.print(f"L’historique est intact ({looked_at}).", highlight=False)
    else:
        console.print(_broken(found.broken))
        console.print(f"Ont été vérifiés {looked_at}.", highlight=False)
    console.print(f"Écritures pas encore scellées : {whole_number(found.unsealed)}.", highlight=False)
    if latest:
        console.print(f"Dernier sceau : {latest.printed}", highlight=False, soft_wrap=True)
    sys.exit(1 if found.broken else 0)


def _broken(broken: tuple[BrokenSeal, ...]) -> Table:
    table = Table("Sceau", "Écritures", "Constat", "Scellé", "Trouvé", show_lines=True)
    for one in broken:
        there = f"{whole_number(one.transfers)} écritures, {euros(one.amount)}"
        if one.seal is None:
            place = "avant la première" if one.number == 0 else "aucun sceau"
            table.add_row(str(one.number), place, DAMAGES[one.damage], "", there if one.number == 0 else "")
        else:
            sealed = f"{whole_number(one.seal.transfers)} écritures, {euros(one.seal.amount)}"
            place = f"{one.seal.after_id + 1} à {one.seal.last_id}"
            table.add_row(str(one.number), place, DAMAGES[one.damage], sealed, there)
    return table


@command.command()
def seal() -> None:
    """Seal what has come since the last seal; a job does so all the time."""
    console = Console()
    made = list(seal_all(application_engine()))
    for one in made:
        console.print(
            f"Sceau {one.printed}, écritures {one.after_id + 1} à {one.last_id}", highlight=False, soft_wrap=True
        )
    if not made:
        console.print("Rien à sceller pour l’instant.")


@command.command("trial-balance")
@click.option("--at", type=DAY, help="Up to and including this day (else up to now).")
@click.option("--year", type=SchoolYear(), help="Transfers of one school year only.")
def trial_balance(at: datetime | None, year: int | None) -> None:
    """Show what was debited and credited on each account of the chart."""
    with _reading() as conn:
        lines = statements.trial_balance(conn, _after(at), school_year=year)
    title = "Balance" + (f" {school_year_name(year)}" if year else "") + (f" au {at:%d/%m/%Y}" if at else "")
    table = Table(title=title, title_justify="left", show_footer=True)
    table.add_column("Compte", "Total", no_wrap=True)
    table.add_column("Libellé")
    for name, total in (
        ("Débit", sum(line.debits for line in lines)),
        ("Crédit", sum(line.credits for line in lines)),
        ("Solde débiteur", sum(max(-line.balance, 0) for line in lines)),
        ("Solde créditeur", sum(max(line.balance, 0) for line in lines)),
    ):
        table.add_column(name, euros(total), justify="right")
    for line in lines:
        sides = (line.debits, line.credits, max(-line.balance, 0), max(line.balance, 0))
        table.add_row(line.heading.number, line.heading.label, *(euros(side) if side else "" for side in sides))
    Console().print(table)


@command.command()
@click.argument("account")
@click.option("--from", "first", type=DAY, help="First day (else that of the school year).")
@click.option("--to", "last", type=DAY, help="Last day (else today).")
def statement(account: str, first: datetime | None, last: datetime | None) -> None:
    """Show what happened to ACCOUNT, and its balance before and after."""
    start = paris_midnight(first.date()) if first else school_year_bounds(this_school_year())[0]
    end = _after(last) or datetime.now(UTC)
    try:
        with _reading() as conn:
            found = statements.statement(conn, _account(conn, account), start, end)
    except statements.UnknownAccount as error:
        raise click.BadParameter(f"the books have no account {account}", param_hint="ACCOUNT") from error
    table = Table(title=f"{account_label(found.account)} ({found.account})", title_justify="left", show_footer=True)
    table.add_column("Date", _moment(end), overflow="fold")
    table.add_column("Écriture")
    table.add_column("Nature", "Solde final")
    table.add_column("Autre compte")
    table.add_column("Débit", euros(found.debits), justify="right")
    table.add_column("Crédit", euros(found.credits), justify="right")
    table.add_column("Solde", euros(found.closing), justify="right")
    table.add_row(_moment(start), "", "Solde initial", "", "", "", euros(found.opening))
    for line in found.lines:
        sides = ("", euros(line.amount)) if line.amount > 0 else (euros(-line.amount), "")
        nature = f"{KIND_LABELS[line.kind]} {line.document}/{line.line}"
        other = account_label(line.other_account)
        table.add_row(_moment(line.posted_at), str(line.transfer_id), nature, other, *sides, euros(line.balance))
    Console().print(table)


def _account(conn: Connection, text: str) -> int:
    for heading in CHART:
        if not heading.is_collective and text == heading.code:
            return heading.accounts.start
    if re.fullmatch(r"[1-9][0-9]{12}", text):
        return int(text)
    for partner in partners.all_partners(conn):
        if partner.uai == text.upper():
            return partner_account(partner.partner_id)
    raise statements.UnknownAccount(text)


@command.command("journal")
@click.option("--from", "first", type=DAY, required=True, help="First day.")
@click.option("--to", "last", type=DAY, required=True, help="Last day.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write (else standard output).")
def write_journal(first: datetime, last: datetime, output: Path | None) -> None:
    """Write the journal of a period in the columns of the FEC: tab-separated, UTF-8, the same bytes each time."""
    with _reading() as conn, _written(output) as write:
        for line in journal.export(conn, first.date(), last.date()):
            write(line)


@contextlib.contextmanager
def _written(output: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Where to write: standard output, or a file that has its name only once it is whole."""
    if output is None:
        yield sys.stdout.buffer.write
        return
    draft = output.with_name(f"{output.name}.new")
    try:
        with draft.open("wb") as file:
            yield file.write
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)


def _after(day: datetime | None) -> datetime | None:
    """The first instant that is no longer of `day`."""
    return paris_midnight(date(day.year, day.month, day.day) + timedelta(days=1)) if day else None


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(PARIS):%d/%m/%Y %H:%M:%S}"


@contextlib.contextmanager
def _reading() -> Iterator[Connection]:
    """Books that stand still while they are read."""
    with application_engine().connect() as conn:
        yield conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


@contextlib.contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    with progress_bar(hidden=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
