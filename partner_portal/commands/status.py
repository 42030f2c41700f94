"""`atouts status`: what runs here."""

import datetime

import click
import redis
from rich.console import Console
from rich.table import Table
from sqlalchemy import URL, exc, make_url

from batch import settings as batch_settings
from batch.embedded import EmbeddedRedis
from batch.queue import redis_connection
from ledger import settings
from ledger.data_folder import data_folder
from ledger.database import APPLICATION_ROLE, application_url, engine_for, missing_migrations
from ledger.embedded import EmbeddedPostgres
from partner_portal.processes import running


@click.command()
def command() -> None:
    """Show what runs in this data folder, without starting anything."""
    folder = data_folder()
    table = Table(title=f"Data folder {folder}", title_justify="left", show_header=False, box=None)
    table.add_row("PostgreSQL", _postgres(EmbeddedPostgres(folder)))
    table.add_row("Redis", _redis(EmbeddedRedis(folder)))
    for one in running():
        since = datetime.datetime.fromtimestamp(one.process.create_time()).astimezone()
        table.add_row(one.name, f"process {one.process.pid}, since {since:%Y-%m-%d %H:%M}")
    Console().print(table)


def _postgres(embedded: EmbeddedPostgres) -> str:
    if settings.DATABASE_URL.value or settings.DATABASE_APP_URL.value:
        return f"outside, {_release(application_url())}"
    process = embedded.process()
    if process is None:
        return "embedded, not running"
    return f"embedded, process {process.pid}, {_release(make_url(embedded.url(APPLICATION_ROLE)))}"


def _release(url: URL) -> str:
    try:
        with engine_for(url).connect() as connection:
            if missing_migrations(connection):
                return "not of this release: run `atouts db upgrade`"
            return "of this release"
    except exc.OperationalError as error:
        return f"cannot be used: {str(error.orig).strip()}"


def _redis(embedded: EmbeddedRedis) -> str:
    outside = batch_settings.REDIS_URL.value
    process = embedded.process()
    if not outside and process is None:
        return "embedded, not running"
    where = "outside" if outside or process is None else f"embedded, process {process.pid}"
    try:
        with redis_connection(outside or embedded.url()) as connection:
            connection.ping()
            return f"{where}, answers"
    except redis.RedisError as error:
        return f"{where}, cannot be used: {error}"
