"""Long reads: what goes over the whole of the books, a piece at a time, and says how far it has come."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, text

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do, in the same unit."""


def silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def take_time(conn: Connection) -> None:
    """Let the statements of this transaction run as long as they need, past the application's timeout."""
    conn.execute(text("set local statement_timeout = 0"))


def copied_rows(conn: Connection, query: str, parameters: Mapping[str, Any]) -> Iterator[bytes]:
    """Run `copy (...) to stdout` and yield its rows as the server sends them, each with its line end.

    Parameters are written `%(name)s`. Instants come out in UTC in ISO form, whatever the session was set to.
    """
    conn.execute(text("set local timezone = 'UTC'"))
    conn.execute(text("set local datestyle = 'ISO'"))
    driver = cast("psycopg.Connection[Any]", conn.connection.driver_connection)
    with driver.cursor() as cursor, cursor.copy(cast(Any, query), parameters) as copy:
        for row in copy:
            yield bytes(row)
