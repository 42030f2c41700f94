"""Idempotency keys: a caller names its request, and the same name brings the first answer again, whatever happened."""

import hashlib
import json
import re
from typing import Any
from uuid import UUID

from flask import request

from partner_portal.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotency-Replayed": "true"}
_UUID = re.compile(r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


def request_key() -> UUID:
    """The key of the request at hand. Raises `Problem` when there is none, or it is no UUID."""
    given = request.headers.get(HEADER)
    if given is None:
        raise Problem("precondition_required", f"Il manque l’en-tête {HEADER} : un UUID propre à cette demande.")
    if not _UUID.match(given):
        raise Problem("bad_request", f"L’en-tête {HEADER} doit être un UUID.")
    return UUID(given)


def request_hash(body: Any) -> bytes:
    """SHA-256 of the request at hand, with its body as understood: spaces and order of members make no difference."""
    canonical = json.dumps([request.method, request.path, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()
