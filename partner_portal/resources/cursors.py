"""Cursors: where a list goes on, as a text that means nothing to its reader.

A cursor holds the number of the last element seen. What is added later comes before the first page or after the last
one, so nobody sees an element twice or misses one.
"""

import base64
import binascii
import re

from partner_portal.problems import Problem

_NUMBER = re.compile(rb"\A[a-z]+:(0|[1-9][0-9]{0,17})\Z")


def cursor_after(kind: str, number: int) -> str:
    """The cursor of what follows element `number` of a list of `kind`."""
    return base64.urlsafe_b64encode(b"%s:%d" % (kind.encode(), number)).rstrip(b"=").decode()


def number_in(kind: str, cursor: str | None) -> int | None:
    """The number in a cursor of a list of `kind`; None without one. Raises `Problem` for anything else."""
    if cursor is None:
        return None
    try:
        inside = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        inside = b""
    found = _NUMBER.match(inside)
    if found is None or not inside.startswith(kind.encode() + b":"):
        wrong = {"pointer": "#/cursor", "detail": "Ce curseur n’est pas valable.", "in": "query"}
        raise Problem("invalid", errors=[wrong])
    return int(found[1])
