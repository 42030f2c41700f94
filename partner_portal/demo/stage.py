"""What the demo shows as it goes: chapters, sentences, tables and progress, in one style."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.rule import Rule
from rich.table import Table


class Stage:
    """The terminal on which the demo plays."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._began = time.monotonic()
        self._chapters = 0

    def chapter(self, title: str) -> None:
        """Begin a numbered part."""
        self._chapters += 1
        self.console.print()
        self.console.print(Rule(f"[bold]{self._chapters}. {title}", align="left", style="dim"))

    def say(self, sentence: str) -> None:
        """One sentence about what has just been done."""
        self.console.print(f"  {sentence}")

    def show(self, thing: RenderableType) -> None:
        """Anything that rich draws."""
        self.console.print(thing)

    def table(self, title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """A table; a column whose title ends with a colon is one of figures."""
        table = Table(title=title, title_justify="left", title_style="bold", border_style="dim")
        for column in columns:
            table.add_column(column.removesuffix(":"), justify="right" if column.endswith(":") else "left")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    @contextmanager
    def work(self, label: str, total: int | None = None) -> Iterator["Work"]:
        """Show a bar while something longer than a second is done."""
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            yield Work(bar, label, total)

    @property
    def seconds(self) -> float:
        """Since the demo began."""
        return time.monotonic() - self._began


class Work:
    """A bar that moves."""

    def __init__(self, bar: Progress, label: str, total: int | None) -> None:
        self._bar = bar
        self._task = bar.add_task(label, total=total)

    def advance(self, by: int = 1) -> None:
        """Some more is done."""
        self._bar.advance(self._task, by)

    def reach(self, completed: float, total: float) -> None:
        """So much of so much is done."""
        self._bar.update(self._task, completed=completed, total=total)
