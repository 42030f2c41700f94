"""`atouts bank`: what the bank reports, taken into the books and reconciled."""

import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from batch import reconciliation_documents
from batch.bank.import_file import ImportReport, import_bank_file
from batch.bank.import_folder import import_folder
from batch.bank.import_letters import tell
from batch.bank.refusal import BankFileRefused
from batch.documents.reconciliation_sheet import reconciliation_pdf
from batch.documents.reconciliation_workbook import reconciliation_xlsx
from batch.french import euros
from ledger.database import application_engine
from ledger.payouts import runs
from ledger.payouts.approval import Altered
from ledger.payouts.runs import UnknownRun
from ledger.reconciliation import closing, decisions, items, period_sheet, position
from ledger.reconciliation.decisions import CannotSettle, Explanation
from partner_portal.commands.operator import actor

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class BankCommands(click.Group):
    """Commands whose refusals are one French sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (CannotSettle, UnknownRun, Altered) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=BankCommands)
def command() -> None:
    """Take in what the bank reports, and reconcile it with the books."""


@command.command("import")
@click.argument("files", nargs=-1, type=FILE)
@click.option("--folder", type=click.Path(file_okay=False, exists=True, path_type=Path), help="Every file of a folder.")
def import_files(files: tuple[Path, ...], folder: Path | None) -> None:
    """Take in FILES (pain.002, camt.053, camt.054), each of them whole or not at all.

    The same file twice changes nothing, and says so. Exit code 1 if one of them was refused or kept aside.
    """
    engine, troubles = application_engine(), 0
    for path in files:
        try:
            report = import_bank_file(engine, path, name=path.name, actor=actor())
        except BankFileRefused as refusal:
            click.echo(f"{path.name} : {refusal}", err=True)
            troubles += 1
            continue
        _tell(path.name, report)
        troubles += report.aside
    for dropped in import_folder(engine, folder, actor=actor()) if folder else []:
        if dropped.report is None:
            click.echo(f"{dropped.name} : {dropped.refusal}", err=True)
            troubles += 1
        else:
            _tell(dropped.name, dropped.report)
            troubles += dropped.report.aside
    if troubles:
        raise SystemExit(1)


def _tell(name: str, report: ImportReport) -> None:
    for sentence in report.sentences():
        click.echo(f"{name} : {sentence}")


@command.command()
@click.option("--limit", default=30, show_default=True, help="How many, the newest first.")
def statements(limit: int) -> None:
    """List the statements and notifications, and the bank account in the books."""
    table = Table("Relevé", "Type", "Compte", "Jour", "État", "À examiner")
    for title in ("Ouverture", "Mouvements", "Clôture"):
        table.add_column(title, justify="right")
    states = {"taken": "pris en compte", "quarantined": "à l’écart", "dismissed": "écarté"}
    console = Console()
    with application_engine().connect() as conn:
        for line in period_sheet.statements(conn, limit=limit):
            table.add_row(
                escape(line.statement_id),
                line.kind,
                line.account,
                f"{line.last_day:%d/%m/%Y}" if line.last_day else "",
                states[line.state],
                str(line.left_open or ""),
                *("" if cents is None else euros(cents) for cents in (line.opening, line.booked, line.closing)),
            )
        balance = position.balance(conn)
    console.print(table)
    console.print(
        f"Banque au registre {euros(balance.books)}, aux relevés {euros(balance.statements)}.", highlight=False
    )


@command.command("items")
@click.option("--run", help="Those of one run only, by its reference.")
def list_items(run: str | None) -> None:
    """List what is open, the oldest first."""
    table = Table("N°", "Point", "Jours", "Explication", "Décision")
    table.add_column("Montant", justify="right")
    with application_engine().connect() as conn:
        for item in items.open_items(conn, run=run):
            amount = "" if item.amount is None else euros(item.amount)
            number = str(item.number) if item.subject == "share" else f"{item.subject} {item.number}"
            decision = escape(item.decision or ("proposition" if item.proposed else ""))
            table.add_row(number, item.title, str(item.age_days), escape(item.sentence), decision, amount)
    Console().print(table if table.row_count else "Rien n’est ouvert.")


@command.command()
@click.argument("number", type=int)
def accept(number: int) -> None:
    """Accept the match that is proposed for item NUMBER."""
    with application_engine().begin() as conn:
        decisions.accept(conn, number, actor=actor(), tell=tell)
    click.echo("La proposition est acceptée.")


@command.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why, in a sentence.")
def refuse(number: int, reason: str) -> None:
    """Turn down the match that is proposed for item NUMBER; a person has to explain it then."""
    with application_engine().begin() as conn:
        decisions.refuse(conn, number, reason=reason, actor=actor())
    click.echo("La proposition est refusée ; l’écriture reste à expliquer.")


@command.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why, in a sentence.")
@click.option("--as", "what", type=click.Choice([one.value for one in Explanation]), help="What the amount is.")
@click.option("--payment", help="The payment that it is, by its end-to-end id.")
@click.option("--offset", type=int, multiple=True, help="Other items that make up for it.")
def explain(number: int, reason: str, what: str | None, payment: str | None, offset: tuple[int, ...]) -> None:
    """Explain item NUMBER; without any option the explanation is signed and the amount stays in suspense."""
    with application_engine().begin() as conn:
        if payment:
            decisions.explain_by_payment(conn, number, payment, reason=reason, actor=actor(), tell=tell)
        elif what:
            decisions.explain(conn, number, Explanation(what), reason=reason, actor=actor())
        elif offset:
            decisions.offset(conn, [number, *offset], reason=reason, actor=actor())
        else:
            decisions.sign(conn, number, reason=reason, actor=actor())
    click.echo("C’est noté.")


@command.command()
@click.argument("subject", type=click.Choice(["conflict", "statement"]))
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why, in a sentence.")
def settle(subject: str, number: int, reason: str) -> None:
    """Close a conflict of a status report, or put away a statement that is kept aside, by its number.

    Neither had an effect on the books, nor has this.
    """
    with application_engine().begin() as conn:
        if subject == "conflict":
            decisions.settle_conflict(conn, number, reason=reason, actor=actor())
        else:
            decisions.dismiss(conn, number, reason=reason, actor=actor())
    click.echo("Le conflit est réglé." if subject == "conflict" else "Le relevé est écarté.")


@command.command()
@click.argument("run")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write PDF and workbook there.")
@click.option("--close", "close", is_flag=True, help="Say that the run is reconciled.")
@click.option("--reason", default="", help="Why, where a difference is left.")
def sheet(run: str, folder: Path | None, close: bool, reason: str) -> None:
    """Set ledger, file and bank side by side for RUN."""
    engine, console = application_engine(), Console()
    with engine.begin() as conn:
        found = runs.get(conn, int(run)) if run.isdigit() else runs.by_reference(conn, run)
        if close:
            closing.close_run(conn, found.id, reason=reason, actor=actor())
        told = reconciliation_documents.sheet(conn, found.id)
        closed_by = runs.called(conn, told.closing.closed_by) if told.closing else ""
    table = Table("Ce que dit", title=f"Campagne {told.run.reference}", title_justify="left")
    table.add_column("Montant", justify="right")
    table.add_row("Registre", euros(told.ledger))
    table.add_row("Fichier", "—" if told.file is None else euros(told.file))
    table.add_row("Banque", euros(told.bank))
    for why, (count, cents) in told.differences.items():
        table.add_row(f"dont {why.value} ({count})", euros(cents))
    table.add_row("[bold]Reste à expliquer", f"[bold]{euros(told.unsettled)}")
    console.print(table)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.datetime.now(datetime.UTC)
        (folder / f"{told.run.reference}-rapprochement.pdf").write_bytes(reconciliation_pdf(told, now, closed_by))
        (folder / f"{told.run.reference}-rapprochement.xlsx").write_bytes(reconciliation_xlsx(told))
