"""JSON as the API takes it: what two parsers could read differently is refused."""

import json
import re
from typing import Any

from flask.json.provider import DefaultJSONProvider

# PostgreSQL stores no \u0000, and no UTF-8 holds a lone surrogate.
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class StrictJSONProvider(DefaultJSONProvider):
    """Flask's JSON with RFC 8259 and I-JSON (RFC 7493) manners on the way in, UTF-8 as it is on the way out."""

    ensure_ascii = False
    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Parse `s`. Raises `ValueError` for doubled members, NaN, Infinity, NUL, lone surrogates, too deep nesting."""
        text = s.decode("utf-8") if isinstance(s, bytes) else s
        try:
            value = json.loads(text, object_pairs_hook=_each_member_once, parse_constant=_refuse_constant, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if "\x00" in text or _SUSPECT_ESCAPE.search(text):
            _refuse_unstorable(value)
        return value


def _each_member_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _refuse_unstorable(value: Any) -> None:
    written = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in written.replace("\\\\", ""):
        raise ValueError("NUL is not text")
    written.encode("utf-8")  # UnicodeEncodeError, a ValueError, for a lone surrogate
