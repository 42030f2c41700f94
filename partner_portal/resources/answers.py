"""Answers as bytes: written once, the same for the same content, with an ETag where they are read again."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from flask import Response, request


def utc(moment: datetime) -> str:
    """An instant as the API writes it: UTC, milliseconds, Z."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def written(content: Any) -> bytes:
    """`content` as JSON. Members stand in the order given: the same content is the same bytes."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def answer(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None, mimetype: str = "application/json"
) -> Response:
    """The answer to something done."""
    return Response(written(content), status, headers, mimetype=mimetype)


def readable(content: Any) -> Response:
    """The answer to a reading; a caller that has it already (If-None-Match) is told so and nothing else."""
    return conditional(Response(written(content), mimetype="application/json"))


def conditional(response: Response) -> Response:
    """`response` with an ETag; its reader may keep it, and asks each time whether it still holds."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    if "If-None-Match" not in request.headers:
        return response
    return cast(Response, response.make_conditional(request))
