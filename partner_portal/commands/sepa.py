"""`atouts sepa`: payment files outside any payout run."""

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from batch.sepa.check import PASSES, check_file
from batch.sepa.profile import STANDARD_PROFILE_NAME, BankProfile, ProfileError, load_profile
from batch.sepa.rules import Finding

# Below this a check is over before a progress bar could be read.
LARGE_FILE_BYTES = 2_000_000


@click.group()
def command() -> None:
    """Check payment files, ours or not."""


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--profile",
    "profile_source",
    default=STANDARD_PROFILE_NAME,
    show_default=True,
    metavar="NAME|PATH",
    help="What the bank accepts: the built-in profile, or a TOML or JSON file.",
)
def check(file: Path, profile_source: str) -> None:
    """Check any pain.001.001.03 or .09 FILE against the official schema and our rulebook.

    Prints, line by line, which rule is broken and what to do. Exits with 0 for a file that a bank can take, 1 for one
    that must not leave, 2 when the question itself cannot be understood.
    """
    try:
        profile = load_profile(profile_source)
    except ProfileError as error:
        raise click.BadParameter(str(error), param_hint="--profile") from error
    findings = _check(file, profile)
    output = Console()
    if not findings:
        output.print(f"{escape(file.name)} : aucune anomalie.", highlight=False)
        return
    output.print(_table(file.name, findings))
    raise SystemExit(1)


def _check(file: Path, profile: BankProfile) -> list[Finding]:
    size = file.stat().st_size
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = size < LARGE_FILE_BYTES or not console.is_terminal
    with (
        Progress(*columns, console=console, transient=True, disable=hidden) as progress,
        file.open("rb") as stream,
    ):
        task = progress.add_task("Contrôle", total=PASSES * size)
        return check_file(stream, profile, lambda bytes_read: progress.advance(task, bytes_read))


def _table(title: str, findings: list[Finding]) -> Table:
    table = Table(title=escape(title), title_justify="left", show_lines=True)
    table.add_column("Ligne", justify="right")
    table.add_column("Règle")
    table.add_column("Constat", ratio=1, overflow="fold")
    table.add_column("Remède", ratio=1)
    for finding in findings:
        place = f"\n[dim]{escape(finding.path)}[/dim]" if finding.path else ""
        table.add_row(str(finding.line), finding.rule, escape(finding.message) + place, escape(finding.remedy))
    return table
