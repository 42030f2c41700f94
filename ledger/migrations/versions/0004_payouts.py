"""Payout runs, their items and lines."""

from alembic import op

from ledger.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run `sql/0004_payouts.sql`."""
    run_sql(op, "0004_payouts.sql")
