"""What the documentation tells people to type exists, with the options it names."""

import re
import shlex
from pathlib import Path

import click
import pytest

from partner_portal.cli import atouts
from pos_client.cli import cli as till

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = {"atouts": atouts, "atouts-pos": till}


def told_commands(page: Path) -> list[list[str]]:
    """Every `atouts …` of a page, in a block or in a sentence, as words; a word in capitals stands for an argument."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^(?:\.venv/bin/)?(atouts(?:-pos)? .*)$", text, re.MULTILINE)
    lines += re.findall(r"`(atouts(?:-pos)? [^`]*)`", text)
    return [shlex.split(line.partition(" #")[0].rstrip(" &"), posix=True) for line in lines if "COMMAND" not in line]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists(page: Path) -> None:
    for words in told_commands(page):
        command: click.Command = COMMANDS[words[0]]
        rest = words[1:]
        while isinstance(command, click.Group) and rest:
            context = click.Context(command)
            inner = command.get_command(context, rest[0])
            assert inner is not None, f"{page.name} tells to type {' '.join(words)}"
            command, rest = inner, rest[1:]
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for word in rest:
            if word.startswith("-") and word not in ("--help", "-h"):
                assert word.partition("=")[0] in options, f"{page.name} tells to type {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points to {target}"
