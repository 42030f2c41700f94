"""The scheme: benefits, students, partners, cards, products, the audit trail; and the sales made with them."""

from alembic import op

from ledger.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run `sql/0002_scheme.sql`, then `sql/0002_sales.sql`."""
    run_sql(op, "0002_scheme.sql")
    run_sql(op, "0002_sales.sql")
