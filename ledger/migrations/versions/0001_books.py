"""The two tables of the books, account and transfer, and what keeps them true."""

from alembic import op

from ledger.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run `sql/0001_books.sql`."""
    run_sql(op, "0001_books.sql")
