"""`atouts payouts`: the weekly transfers, from preparation to the bank."""

import datetime
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection, Engine

from batch import payout_documents, payouts
from batch.documents.payout_run import payout_run_pdf
from batch.documents.remittance_advice import remittance_advice_csv, remittance_advice_pdf
from batch.execution_day import too_late
from batch.french import euros
from batch.sepa.profile import ProfileError
from ledger.calendar import PARIS, Week
from ledger.data_folder import Unusable
from ledger.database import application_engine
from ledger.payouts import approval, calendar, runs
from ledger.payouts.approval import Altered, NotAllowed
from ledger.payouts.freeze import NotYet
from ledger.payouts.runs import Run, UnknownRun
from ledger.settled import StillPosting
from partner_portal.commands import payout_tables as tables
from partner_portal.commands.operator import actor
from partner_portal.commands.proof import proved

REFUSALS = (NotAllowed, Altered, UnknownRun, NotYet, StillPosting, ProfileError, payouts.FileRefused)


class PayoutCommands(click.Group):
    """Commands whose refusals are one French sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except REFUSALS as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=PayoutCommands)
def command() -> None:
    """Prepare, approve and follow the weekly transfers.

    RUN is a reference such as 2026-W36, or a number.
    """


class _Instant(click.ParamType[datetime.datetime]):
    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime.datetime:
        """An ISO instant, in Paris unless it says otherwise, or "now"."""
        if value == "now":
            return datetime.datetime.now(datetime.UTC)
        try:
            instant = datetime.datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("write it as 2026-09-07T00:00, or now", param, ctx)
        return instant if instant.tzinfo else instant.replace(tzinfo=PARIS)


@command.command()
@click.option("--cutoff", type=_Instant(), help="Pay out of turn what is owed before this instant (Paris), or now.")
@click.option("--week", help="Prepare a week anew after its run was refused, by its name, such as 2026-W36.")
def prepare(cutoff: datetime.datetime | None, week: str | None) -> None:
    """Freeze what is owed to partners: one run for each week that is due."""
    if cutoff is not None and week is not None:
        raise click.UsageError("A run is out of turn (--cutoff) or of a week (--week), not both.")
    engine, console = application_engine(), Console()
    with _waiting("Les écritures sont figées"):
        if cutoff is not None:
            numbers = [payouts.prepare(engine, cutoff=cutoff, actor=actor())]
        elif week is not None:
            numbers = [payouts.prepare_week(engine, _week(week), actor=actor())]
        else:
            numbers = payouts.prepare_due(engine, actor=actor())
    if not numbers:
        console.print("Aucune semaine n’est à payer.")
    with engine.connect() as conn:
        for number in numbers:
            console.print(tables.head(conn, runs.get(conn, number)))


def _week(name: str) -> Week:
    try:
        return calendar.week_named(name)
    except ValueError as error:
        raise click.BadParameter("a week is written 2026-W36", param_hint="--week") from error


@command.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the newest first."
)
def list_runs(limit: int) -> None:
    """List the runs."""
    with application_engine().connect() as conn:
        Console().print(tables.listing(runs.latest(conn, limit)))


@command.command()
@click.argument("run")
@click.option("--all", "whole", is_flag=True, help="Every payment, not only the first fifty.")
def show(run: str, whole: bool) -> None:
    """Show a run: sums, payments with what to look at, held amounts, and its story."""
    console = Console()
    with application_engine().connect() as conn:
        for part in tables.everything(conn, _find(conn, run), None if whole else 50):
            console.print(part)


@command.command()
@click.argument("run")
@click.option("--as", "email", required=True, help="Mail address of the person who approves.")
@click.option("--hash", "typed", help="SHA-256 of the content, or its beginning (8 digits at least).")
@click.option("--password", envvar="ATOUTS_PASSWORD", help="Else it is asked for.", hidden=True)
@click.option("--code", envvar="ATOUTS_CODE", help="Else it is asked for.", hidden=True)
def approve(run: str, email: str, typed: str | None, password: str | None, code: str | None) -> None:
    """Approve the content of RUN, which takes two people who neither prepared it nor changed an account in it."""
    engine, console = application_engine(), Console()
    with engine.connect() as conn:
        found = _find(conn, run)
        console.print(tables.head(conn, found))
    content_hash = found.content_hash.hex()
    if typed is None:
        console.print(f"Empreinte du contenu : [bold]{content_hash}[/]", highlight=False)
        typed = click.prompt("Pour approuver, recopiez les huit premiers signes de l’empreinte")
    if len(typed) < 8 or not content_hash.startswith(str(typed).lower()):
        raise click.ClickException("Ce n’est pas l’empreinte de cette campagne.")
    person = proved(engine, email, password, code)
    with engine.begin() as conn:
        complete = approval.approve(conn, found.id, person_id=person.id, content_hash=found.content_hash)
    told = "la campagne est approuvée" if complete else "une deuxième personne doit encore approuver"
    console.print(f"{found.reference}, {euros(found.amount)} : approuvée par {person.name}, {told}.", highlight=False)


@command.command()
@click.argument("run")
@click.option("--reason", required=True, help="Why, in a sentence.")
def refuse(run: str, reason: str) -> None:
    """Refuse RUN: everything that it would have paid is free for the next one."""
    with application_engine().begin() as conn:
        found = _find(conn, run)
        approval.refuse(conn, found.id, actor=actor(), reason=reason)
    Console().print(f"{found.reference} est refusée ; tout ce qu’elle payait est de nouveau dû.", highlight=False)


@command.command()
@click.argument("run")
def generate(run: str) -> None:
    """Make the bank's file of RUN, check it, and put its payments into the books."""
    engine, console = application_engine(), Console()
    found = _look_up(engine, run)
    with _counting("Virements", found.payments) as progress:
        done = payouts.generate(engine, found.id, actor=actor(), progress=progress)
    console.print(tables.file(done))


@command.command()
@click.argument("run")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Else ATOUTS_PAYOUT_FOLDER.")
@click.option("--by-hand", is_flag=True, help="Only note that somebody brought a downloaded copy to the bank.")
def transmit(run: str, folder: Path | None, by_hand: bool) -> None:
    """Put the file of RUN where the bank's software takes it. Doing it again sends nothing else than the same bytes."""
    engine = application_engine()
    found = _look_up(engine, run)
    late = _told_if_late(found)
    if by_hand:
        payouts.handed_over(engine, found.id, actor=actor())
        where = "à la main"
    else:
        if late and sys.stdin.isatty():  # a script goes on: whether it may be late is not for us to say
            click.confirm("Transmettre quand même ?", abort=True)
        where = str(payouts.transmit(engine, found.id, actor=actor(), folder=folder))
    payout_documents.mail_advices(engine, found.id)
    Console().print(f"{found.reference} est transmise : {where}", highlight=False, soft_wrap=True)


@command.command()
@click.argument("run")
@click.option("--to", "path", type=click.Path(dir_okay=False, path_type=Path), help="Else standard output.")
def download(run: str, path: Path | None) -> None:
    """Write the bank's file of RUN to a file of yours; that it left this way is recorded."""
    engine = application_engine()
    found = _look_up(engine, run)
    _told_if_late(found)
    if path is None:
        payouts.download(engine, found.id, sys.stdout.buffer, actor=actor())
        return
    if found.file is None:
        raise NotAllowed("no_file_yet", "Le fichier de cette campagne n’est pas encore produit.")
    with _writable(path), path.open("wb") as stream:
        payouts.download(engine, found.id, stream, actor=actor())


@command.command()
@click.argument("run")
@click.option("--to", "folder", default=".", type=click.Path(file_okay=False, path_type=Path), help="Where to write.")
@click.option("--partner", type=int, help="One partner only, by its number.")
def advice(run: str, folder: Path, partner: int | None) -> None:
    """Write the partners' remittance advices of RUN, as PDF and CSV, and its summary and payment list."""
    engine = application_engine()
    with engine.connect() as conn, _writable(folder):
        found = _find(conn, run)
        payments = [one for one in runs.payments(conn, found.id) if partner in (None, one.frozen.partner_id)]
        if partner is not None and not payments:
            raise click.ClickException(f"La campagne {found.reference} ne paie pas le partenaire n° {partner}.")
        folder.mkdir(parents=True, exist_ok=True)
        with _counting("Avis", len(payments)) as progress:
            for number, payment in enumerate(payments, start=1):
                drawn = payout_documents.advice(conn, found, payment)
                name = f"{found.reference}-{payment.uai}"
                (folder / f"{name}.pdf").write_bytes(remittance_advice_pdf(drawn))
                (folder / f"{name}.csv").write_bytes(remittance_advice_csv(drawn))
                progress(number)
        if partner is None:
            summary = payout_run_pdf(payout_documents.summary(conn, found))
            (folder / f"{found.reference}.pdf").write_bytes(summary)
            with engine.begin() as noting:
                listed = payout_documents.payment_list_csv(noting, found, actor=actor())
            (folder / f"{found.reference}.csv").write_bytes(listed)
    Console().print(f"{len(payments)} avis dans {folder}", highlight=False, soft_wrap=True)


def _find(conn: Connection, run: str) -> Run:
    return runs.get(conn, int(run)) if run.isdigit() else runs.by_reference(conn, run)


def _look_up(engine: Engine, run: str) -> Run:
    with engine.connect() as conn:
        return _find(conn, run)


def _told_if_late(run: Run) -> bool:
    """Whether the bank cannot carry the file out on the day it asks for, which is then told beside the output."""
    late = too_late(run, datetime.datetime.now(datetime.UTC))
    if late:
        Console(stderr=True).print(f"[yellow]{late.sentence}[/]", highlight=False, soft_wrap=True)
    return late is not None


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """What is written to a place of the operator's, or the sentence that says why it cannot be."""
    try:
        yield
    except OSError as error:
        raise Unusable(
            f"{error.filename or path} cannot be written ({error.strerror}): choose another place."
        ) from error


@contextmanager
def _waiting(what: str) -> Iterator[None]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(what, total=None)
        yield


@contextmanager
def _counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    hidden = total < 100 or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
