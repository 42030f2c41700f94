"""The bar of a long command: what is being done, how far it has come, how long it will take. Gone once it is done."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


def progress_bar(*, hidden: bool = False) -> Progress:
    """A bar on standard error, to be entered; tasks are added by their French name. Nothing is drawn if
    `hidden`, nor where nobody looks on."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal)
