"""Promises that the database keeps, told in words when one of them stands in the way."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError


@contextlib.contextmanager
def told(conn: Connection, sentences: Mapping[str, str], refusal: Callable[[str, str], Exception]) -> Iterator[None]:
    """Within this context, a broken promise that has a sentence is raised as `refusal(its name, the sentence)`.

    What was done in the context is undone then, and the transaction goes on. Any other error passes through.
    """
    try:
        with conn.begin_nested():
            yield
    except IntegrityError as error:
        promise = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        if not isinstance(promise, str) or promise not in sentences:
            raise
        raise refusal(promise, sentences[promise]) from None
