"""The outbox's entry point for the queue; it may run twice at once, or be killed: see `batch.mail`."""

from __future__ import annotations

from dataclasses import asdict

from batch import mail
from ledger.database import application_engine


def send() -> dict[str, int | bool]:
    """The job: send what is due, and tell what became of it."""
    engine = application_engine()
    try:
        return asdict(mail.send_due(engine))
    finally:
        engine.dispose()
