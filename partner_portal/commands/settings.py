"""`atouts settings`: what can be set, and how it is set now."""

from importlib import import_module
from typing import Any

import click
from rich.console import Console
from rich.table import Table

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
    table = Table("Variable", "Now", "Default", "Meaning", show_lines=False)
    for one in declared():
        table.add_row(one.variable, _present(one), _default(one), one.meaning)
    Console().print(table)


def _default(setting: Setting[Any], code: str = "") -> str:
    if isinstance(setting, Secret):
        return "made once"
    return f"{code}{setting.default}{code}" if setting.default != "" else ""


def _present(setting: Setting[Any]) -> str:
    if not setting.is_set:
        return ""
    return "(set, not shown)" if setting.secret else str(setting.value)
