"""What the bank tells us and how it meets the books."""

from alembic import op

from ledger.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run `sql/0005_bank.sql`."""
    run_sql(op, "0005_bank.sql")
