"""The books' tables, one numbered migration per subject, written as plain SQL that a database person can read."""

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def run_sql(op: Any, name: str) -> None:
    """Run every statement of `sql/<name>` inside the transaction of the migration whose `alembic.op` is given.

    The file goes to PostgreSQL as it stands: neither SQLAlchemy nor psycopg looks for parameters in it, so `%`, `:` and
    dollar quotes need no escaping.
    """
    statements = (FOLDER / "sql" / name).read_text(encoding="utf-8")
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError(f"{name} needs an open database connection")
    with connection.cursor() as cursor:
        cursor.execute(statements)
