"""Write `ledger/books_check/guards.json` anew, after a migration was changed: `python -m tests.ledger.write_guards`."""

import json
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from ledger.books_check.guards import FILE, standing
from ledger.database import engine_for, upgrade
from ledger.embedded import EmbeddedPostgres


def main() -> None:
    """Migrate an empty database, and write down what stands in it."""
    with tempfile.TemporaryDirectory(prefix="atouts-guards-") as name:
        folder = Path(name)
        # When we are root the server's own user has to pass through.
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder, durable=False)
        server.use()
        engine = engine_for(make_url(server.url()))
        upgrade(engine)
        with engine.connect() as conn:
            guards = standing(conn)
        engine.dispose()
        server.leave()
        server.stop()
    written = json.dumps(dict(sorted(guards.items())), ensure_ascii=False, indent=1)
    FILE.write_text(f"{written}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
