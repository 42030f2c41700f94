"""Students' access to their own space, and what is written to them."""

from alembic import op

from ledger.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run `sql/0008_students.sql`."""
    run_sql(op, "0008_students.sql")
