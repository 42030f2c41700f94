"""The frame of the command line, in French: help headings, wrong usage, and what the exit status means."""

import sys
from typing import Any

import click

DONE = 0
REFUSED = 1
"""The service, or the till itself, said no: nothing was debited."""
WRONG_USAGE = 2
WAITING = 3
"""No answer yet: the outbox has it."""

HEADINGS = {"Options": "Options", "Commands": "Commandes", "Positional arguments": "Arguments"}


class FrenchFormatter(click.HelpFormatter):
    """Click's help with French headings."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the first line of the help."""
        args = args.replace("COMMAND [ARGS]...", "COMMANDE [ARGUMENTS]…")
        super().write_usage(prog, args, "Utilisation : " if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        """Write the title of a part of the help."""
        self.write(f"{'':>{self.current_indent}}{HEADINGS.get(heading, heading)} :\n")


class FrenchContext(click.Context):
    """A context that formats its help in French."""

    formatter_class = FrenchFormatter


class FrenchCommand(click.Command):
    """A command whose help is French throughout."""

    context_class = FrenchContext

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """The --help option, explained in French."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "Affiche cette aide."
        return option


class FrenchGroup(FrenchCommand, click.Group):
    """A group of such commands."""

    command_class = FrenchCommand


class Said(Exception):
    """Ends a command with a sentence for the clerk and an exit status."""

    def __init__(self, sentence: str, status: int = REFUSED) -> None:
        super().__init__(sentence)
        self.status = status


def run(command: click.Command, sentences: tuple[type[Exception], ...]) -> int:
    """Run the command with the process's arguments, and give the exit status.

    Wrong usage is told in French, and so are the exceptions of `sentences`, whose messages are meant for the clerk.
    """
    try:
        result: Any = command.main(prog_name="atouts-pos", standalone_mode=False)
    except Said as end:
        click.echo(str(end), err=True)
        return end.status
    except sentences as said:
        click.echo(str(said), err=True)
        return REFUSED
    except click.UsageError as error:
        click.echo(_usage(error), err=True)
        if error.ctx:
            click.echo(f"Aide : {error.ctx.command_path} --help", err=True)
        return WRONG_USAGE
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nAbandonné.", err=True)
        return REFUSED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has gone; Python would complain about it at its end
        return DONE
    return result if isinstance(result, int) else DONE


def _usage(error: click.UsageError) -> str:
    match error:
        case click.NoSuchOption():
            return f"L’option {error.option_name} n’existe pas."
        case click.MissingParameter(param=param) if param is not None:
            return f"Il manque : {_name(param)}."
        case click.NoSuchCommand():
            return f"La commande {error.command_name} n’existe pas."
        case click.BadParameter(param=param) if param is not None:
            return f"{_name(param)} : cette valeur n’est pas comprise."
    return error.format_message()


def _name(param: click.Parameter) -> str:
    return param.opts[0] if isinstance(param, click.Option) else param.human_readable_name
