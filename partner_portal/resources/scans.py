"""What a till scanned: the text of a card, or the token that a look-up gave for it. Told apart without the database."""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from ledger.cards import STEP_SECONDS, ReadCode, read_code
from ledger.refusals import Refusal
from partner_portal.portal import portal

# A code holds for its own step and one on either side.
_SEEN_SECONDS = 4 * STEP_SECONDS


@dataclass(frozen=True, slots=True)
class LookupToken:
    """What stands for a scan in the sales that follow, and when it ends."""

    token: str
    expires_at: datetime


def read_scan(code: str, terminal_id: int) -> int | Refusal:
    """The card that a scanned text names, or why it counts for nothing at this till.

    A phone's code that another till has seen is a picture of it somebody passed on. Redis remembers who saw it; without
    Redis a phone's code counts for nothing (503), while printed cards go on.
    """
    found = read_code(portal().config.card_keys, code, datetime.now(UTC))
    if isinstance(found, ReadCode):
        return found.card_id if found.step is None or _first_seen_at(terminal_id, found) else Refusal.CODE_EXPIRED
    return found


def _first_seen_at(terminal_id: int, code: ReadCode) -> bool:
    redis = portal().redis
    name, till = f"atouts:code:{code.card_id}:{code.step}", str(terminal_id)
    return bool(redis.set(name, till, nx=True, ex=_SEEN_SECONDS)) or redis.get(name) == till.encode()


def give_token(card_id: int, terminal_id: int) -> LookupToken:
    """A token for sales to this card at this till, good for the hours set."""
    expires = int(time.time()) + portal().config.lookup_token_s
    token = _signed().dumps([card_id, terminal_id, expires])
    return LookupToken(str(token), datetime.fromtimestamp(expires, UTC))


def read_token(token: str, terminal_id: int) -> int | Refusal:
    """The card that a token stands for. One that we did not give to this till is `UNKNOWN_CARD`."""
    try:
        card_id, given_to, expires = _signed().loads(token)
    except BadData:
        return Refusal.UNKNOWN_CARD
    if given_to != terminal_id:
        return Refusal.UNKNOWN_CARD
    return int(card_id) if time.time() < expires else Refusal.CODE_EXPIRED


def _signed() -> URLSafeSerializer:
    signing = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(str(current_app.secret_key), salt="atouts.look-up", signer_kwargs=signing)
