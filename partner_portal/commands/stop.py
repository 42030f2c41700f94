"""`atouts stop`: the end of what was started here."""

import click

from batch.embedded import EmbeddedRedis
from ledger.data_folder import data_folder
from ledger.embedded import EmbeddedPostgres
from partner_portal.processes import stop_running


@click.command()
def command() -> None:
    """Stop what was started in this data folder, and nothing else.

    Portal and worker finish what they are at. Servers named by ATOUTS_DATABASE_URL and ATOUTS_REDIS_URL go on.
    """
    stopped = stop_running()
    stopped += [
        server.name for server in (EmbeddedPostgres(data_folder()), EmbeddedRedis(data_folder())) if server.stop()
    ]
    click.echo(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running here.")
