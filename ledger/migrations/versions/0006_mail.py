"""The outbox of mails to be sent."""

from alembic import op

from ledger.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run `sql/0006_mail.sql`."""
    run_sql(op, "0006_mail.sql")
