"""What a piece of work asks of the database, counted where the driver sends it, whoever wrote it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from psycopg import Cursor


@contextmanager
def statements_sent() -> Iterator[list[str]]:
    """The statements that this process sends meanwhile, in their order."""
    sent: list[str] = []
    execute = Cursor.execute

    def note(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(str(query))
        return execute(self, query, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cursor, "execute", note)
        yield sent
