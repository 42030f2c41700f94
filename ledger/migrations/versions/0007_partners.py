"""Sign-up of partner schools."""

from alembic import op

from ledger.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run `sql/0007_partners.sql`."""
    run_sql(op, "0007_partners.sql")
