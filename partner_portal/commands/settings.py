"""`atouts settings`: what can be set, and how it is set now."""

from importlib import import_module
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from ledger.settings import Secret, Setting, declared

# Importing a room's settings declares them.
ROOMS = ("ledger", "batch", "partner_portal")


@click.command()
@click.option("--markdown", is_flag=True, help="Print the table of the documentation, without present values.")
def command(markdown: bool) -> None:
    """List every setting: an environment variable, its meaning, its default and its present value.

    Any of them may also be given as a file: ATOUTS_NAME_FILE=/path/to/file.
    """
    for room in ROOMS:
        import_module(f"{room}.settings")
    if markdown:
        click.echo("| variable | default | meaning |\n| --- | --- | --- |")
        for one in declared():
            click.echo(f"| `{one.variable}` | {_default(one, code='`')} | {one.meaning} |")
        return
    meaning = Column("Meaning, and [bold]value[/] or [dim]default[/]", overflow="fold")
    table = Table("Variable", meaning, box=box.HORIZONTALS, show_lines=True)
    for one in declared():
        value = f"[bold]{escape(_present(one))}[/]" if one.is_set else f"[dim]{escape(_default(one))}[/]"
        table.add_row(Text(one.variable, no_wrap=True), f"{escape(one.meaning)}\n{value}".strip())
    Console().print(table)


def _default(setting: Setting[Any], code: str = "") -> str:
    if isinstance(setting, Secret):
        return "made once"
    return f"{code}{setting.default}{code}" if setting.default != "" else ""


def _present(setting: Setting[Any]) -> str:
    return "(set, not shown)" if setting.secret else str(setting.value)
