"""What every view of the running portal works with: its settings, the books' database and Redis."""

from dataclasses import dataclass

from flask import current_app
from redis import Redis
from sqlalchemy import Connection, Engine

from ledger.database import statements_alone
from partner_portal.auth.sessions import RedisSessions
from partner_portal.config import Config


@dataclass(frozen=True)
class Portal:
    """One application's parts. Views open `portal().engine.begin()` themselves: a transaction is said, not implied."""

    config: Config
    engine: Engine
    redis: Redis
    sessions: RedisSessions

    def reading(self) -> Connection:
        """A connection for statements that read, each for itself: no transaction around them, one round trip each."""
        return statements_alone(self.engine)


def portal() -> Portal:
    """The parts of the application at hand."""
    parts: Portal = current_app.extensions["atouts"]
    return parts
