"""Runs as tables on a terminal."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from rich.console import JustifyMethod, RenderableType
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from batch.execution_day import too_late
from batch.french import day_in_figures, euros, moment, whole_number
from ledger.identifiers import mask_iban
from ledger.payouts import advance, approval, runs
from ledger.payouts.runs import PAYMENT_STATE_WORDS, STATE_WORDS, Run

WHOLE = ("Campagne", "Clôture", "Référence", "Quand")
"""Columns of what is copied by hand, or misread on two lines: rich breaks at our no-break spaces too."""


def listing(found: Iterable[Run]) -> Table:
    """One line for each run."""
    table = _table("Campagnes", "Campagne", "Clôture", "État", "Virements:", "Payé:", "Reporté:", "Retenu:")
    for run in found:
        sums = (whole_number(run.payments), euros(run.amount), euros(run.carried), euros(run.held))
        table.add_row(run.reference, day_in_figures(run.cutoff), STATE_WORDS[run.state], *sums)
    return table


def head(conn: Connection, run: Run) -> Table:
    """What a run comes to: owed is what is paid, carried and held."""
    table = Table(title=f"Campagne {run.reference}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    table.add_row("État", STATE_WORDS[run.state])
    table.add_row("Clôture", moment(run.cutoff))
    table.add_row("Virements", whole_number(run.payments))
    table.add_row("[bold]À payer", f"[bold]{euros(run.amount)}")
    table.add_row("Reporté", euros(run.carried))
    table.add_row("Retenu", euros(run.held))
    table.add_row("Dû à la clôture", euros(run.owed))
    table.add_row("Compte débité", mask_iban(run.payer.iban))
    table.add_row("Préparée par", runs.called(conn, run.prepared_by))
    left = advance.left(conn, run) if run.state == "frozen" else None
    if left is not None:
        table.add_row("Avance disponible", euros(left))
    for flag in run.flags:
        table.add_row("[yellow]À savoir", f"[yellow]{flag.words}")
    table.add_row("Empreinte", run.content_hash.hex())
    return table


def file(run: Run) -> Table:
    """The file of a run, by what identifies it."""
    table = Table(title=f"Fichier de la campagne {run.reference}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    if run.file is None:
        table.add_row("pas encore produit")
        return table
    table.add_row("Nom", run.file.name)
    table.add_row("Message", run.file.message_id)
    table.add_row("Exécution demandée", f"{run.file.execution_date:%d/%m/%Y}")
    table.add_row("Taille", f"{whole_number(run.file.size)} octets")
    table.add_row("SHA-256", run.file.sha256.hex())
    return table


def everything(conn: Connection, run: Run, limit: int | None) -> Iterator[RenderableType]:
    """All there is to see of a run; at most `limit` payments."""
    yield head(conn, run)
    if run.file:
        yield file(run)
    if late := too_late(run, datetime.now(UTC)):
        yield f"[yellow]{late.sentence}[/]"
    if run.state in ("frozen", "approved"):
        for change in approval.outdated(conn, run.id):
            yield f"[red]Depuis la préparation, {escape(change.partner_name)} : {change.why}.[/]"
    yield _payments(conn, run, limit)
    held = _table("Reporté et retenu", "Partenaire", "Motif", "Montant:")
    for one in runs.held(conn, run.id):
        held.add_row(escape(one.partner_name), one.frozen.reason.words, euros(one.frozen.amount))
    if held.row_count:
        yield held
    story = _table("Suivi", "Quand", "Étape", "Par", "Motif")
    events = [
        (step.at, STATE_WORDS[step.state], runs.called(conn, step.actor), step.reason or "")
        for step in runs.steps(conn, run.id)
    ]
    events += [(one.at, "approbation", one.name, "") for one in runs.approvals(conn, run.id)]
    for at, what, who, why in sorted(events):
        story.add_row(moment(at), what, escape(who), escape(why))
    yield story


def _payments(conn: Connection, run: Run, limit: int | None) -> Table:
    table = _table("Virements", "N°:", "Bénéficiaire", "Compte", "Référence", "Montant:", "État", "À regarder")
    for payment in runs.payments(conn, run.id):
        frozen = payment.frozen
        if limit is not None and frozen.line > limit:
            table.caption = f"et {whole_number(run.payments - limit)} autres (--all)"
            break
        table.add_row(
            str(frozen.line),
            escape(frozen.name),
            mask_iban(frozen.iban),
            payment.end_to_end_id or "",
            euros(frozen.amount),
            PAYMENT_STATE_WORDS[payment.state],
            ", ".join(flag.words for flag in frozen.flags),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    """A table; a column whose title ends with a colon is one of figures."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        figures = column.endswith(":")
        justify: JustifyMethod = "right" if figures else "left"
        # An amount on two lines is misread, a reference cut short could not be typed again.
        whole = figures or column in WHOLE
        table.add_column(column.removesuffix(":"), justify=justify, overflow="fold", no_wrap=whole)
    return table
