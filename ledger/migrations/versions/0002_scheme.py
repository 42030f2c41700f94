"""The scheme: benefits, students, partners, cards, products and the audit trail."""

from alembic import op

from ledger.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run `sql/0002_scheme.sql`."""
    run_sql(op, "0002_scheme.sql")
