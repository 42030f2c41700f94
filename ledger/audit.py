"""Who did what: one row per action that touches money, bank details, rights or personal data."""

import json

from sqlalchemy import Connection, text

_INSERT = text(
    "insert into audit_event (actor, action, subject, details)"
    " values (:actor, :action, :subject, cast(:details as jsonb))"
)


def record(
    conn: Connection, *, actor: str, action: str, subject: str, details: dict[str, object] | None = None
) -> None:
    """Write one audit row, in the transaction of what it tells."""
    conn.execute(_INSERT, {"actor": actor, "action": action, "subject": subject, "details": json.dumps(details or {})})
