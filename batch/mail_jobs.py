"""The outbox's entry point for the queue; it may run twice at once, or be killed: see `batch.mail`."""

from __future__ import annotations

from dataclasses import asdict

from batch import mail
from ledger.database import working_engine


def send() -> dict[str, int | bool]:
    """The job: send what is due, and tell what became of it."""
    with working_engine() as engine:
        return asdict(mail.send_due(engine))
