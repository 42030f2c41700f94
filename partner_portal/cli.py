"""The `atouts` command: everything the operator, the Region and the machines' calendar do from a command line."""

import errno
import os
import sys
from importlib import import_module
from importlib.util import find_spec

import click

from batch.lifetime import SUPERVISOR, end_in_order, end_with_parent
from ledger.data_folder import Unusable, data_folder, is_full

# Each command is the module of its name in `partner_portal.commands`, imported only when it is called.
SECTIONS = {
    "To look around": {
        "demo": "Play one real week of the scheme, with real processes, and leave the portal open.",
    },
    "To run it": {
        "serve": "Serve the portal and its API.",
        "worker": "Do what waits in the queues.",
        "calendar": "Put into the queues what is due, at its time.",
        "status": "Show what runs here.",
        "stop": "Stop what was started here, and nothing else.",
        "db": "Bring the database to this release.",
        "settings": "List what can be set, and how it is set now.",
    },
    "The scheme": {
        "people": "Invite, list and disable the portal's users.",
        "roster": "Import the schools' lists of students.",
        "benefits": "Grant the benefits of a school year, and lapse what is left of them.",
        "students": "Write to students, and list those who cannot be reached.",
        "partners": "List, validate, refuse and suspend partners.",
        "mails": "List mails that did not leave, and send them again.",
    },
    "The money": {
        "payouts": "Prepare, approve and follow the weekly transfers.",
        "sepa": "Check payment files, ours or not.",
        "bank": "Take in what the bank reports.",
        "books": "Read and prove the books.",
    },
}


class Commands(click.Group):
    """The commands of `SECTIONS`: shown without importing any of them, imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command there is, in the order of the help."""
        names = (name for commands in SECTIONS.values() for name in commands)
        return [name for name in names if find_spec(f"partner_portal.commands.{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, which takes `--data` at its end as well."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"partner_portal.commands.{cmd_name}").command
        _take_data_folder(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help's list of commands, by section."""
        there = self.list_commands(ctx)
        for title, commands in SECTIONS.items():
            rows = [(name, meaning) for name, meaning in commands.items() if name in there]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _use_data_folder(_ctx: click.Context, _option: click.Parameter, folder: str | None) -> None:
    if folder:
        os.environ["ATOUTS_DATA_DIR"] = os.path.abspath(folder)  # noqa: PTH100


def _data_option() -> click.Option:
    return click.Option(
        ["--data"],
        metavar="DIR",
        expose_value=False,
        is_eager=True,
        callback=_use_data_folder,
        help="Folder of everything kept on this machine (else ATOUTS_DATA_DIR).",
    )


def _take_data_folder(command: click.Command) -> None:
    if not any("--data" in parameter.opts for parameter in command.params):
        command.params.append(_data_option())
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _take_data_folder(inner)


@click.command(
    cls=Commands,
    params=[_data_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Without ATOUTS_DATABASE_URL and ATOUTS_REDIS_URL a PostgreSQL and a Redis are started in the data folder "
    "when a command needs them, and stopped with the last one that does. `atouts COMMAND --help` says more.",
)
@click.version_option(package_name="atouts-normandie", message="Atouts Normandie %(version)s")
def atouts() -> None:
    """Payments and partner ledger of the Atouts Normandie scheme."""


def main(arguments: list[str] | None = None) -> None:
    """Run `atouts`. What the operator can mend is one sentence on standard error and exit code 2."""
    supervisor = os.environ.pop(SUPERVISOR, None)
    if supervisor:
        end_with_parent(int(supervisor))
    end_in_order()
    try:
        atouts.main(arguments, prog_name="atouts")
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        if "The disk of the data folder" not in sentence and is_full(data_folder()):
            # Whatever gave up may have had no room to say why.
            sentence += f" The disk of the data folder {data_folder()} is full."
        click.echo(f"atouts: {sentence}", err=True)
        sys.exit(2)


def _sentence(error: Exception) -> str | None:
    """What to tell the operator; nothing if the error is ours and not the surroundings'."""
    if isinstance(error, Unusable):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EROFS, errno.EDQUOT):
        return f"{error.strerror}: {error.filename or 'the disk'} could not be written."
    # Imported by now if they are the reason; `atouts --help` need not wait for them.
    from psycopg.errors import UndefinedTable
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.exceptions import ResponseError
    from sqlalchemy.exc import OperationalError, ProgrammingError

    if isinstance(error, OperationalError):
        # The first line says what happened; the others ask whether a server runs.
        reason = (str(error.orig).strip().splitlines() or ["no reason given"])[0].strip()
        return f"The database cannot be used: {reason.removesuffix('.')}."
    if isinstance(error, ProgrammingError) and isinstance(error.orig, UndefinedTable):
        return "The database is not of this release: run `atouts db upgrade`."
    if isinstance(error, ResponseError) and "MISCONF" in str(error):
        # Its word for a disk that it cannot write to.
        return f"Redis cannot be used: {str(error).partition('MISCONF ')[2]}."
    if isinstance(error, RedisConnectionError):
        return f"Redis cannot be reached: {error}"
    return None


if __name__ == "__main__":
    main()
