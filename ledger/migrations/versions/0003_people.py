"""Portal users, their roles and their terminals."""

from alembic import op

from ledger.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run `sql/0003_people.sql`."""
    run_sql(op, "0003_people.sql")
