"""The content of a run as one text and its hash: what two people approve, and what the file must say.

The text is canonical JSON: keys sorted, no spaces, UTF-8, integers for cents, instants in UTC. Any two people who write
down the same run get the same bytes; any change to payee, account, amount or transfer gives another SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from ledger.payouts.rules import Flag, Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenHead:
    """What a run says of itself before its first payment."""

    reference: str
    weekly: bool
    cutoff: datetime
    settled_through: int
    payer: Mapping[str, Any]
    bank_profile: Mapping[str, Any]
    amount_limit: int
    advance_ceiling: int | None
    seal_number: int | None
    prepared_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenPayment:
    """One payment as it was frozen. `amount` in cents, `transfers_digest` over every transfer that it pays."""

    line: int
    partner_id: int
    bank_account_id: int
    name: str
    iban: str
    bic: str | None
    siren: str
    amount: int
    transfers: int
    transfers_digest: str
    reissue: int
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenHeld:
    """What is owed to a partner and not in the run, with the reason."""

    partner_id: int
    amount: int
    transfers: int
    reason: Hold


_NAMES = {part: tuple(field.name for field in fields(part)) for part in (FrozenHead, FrozenPayment, FrozenHeld)}


def entries(part: FrozenHead | FrozenPayment | FrozenHeld) -> dict[str, Any]:
    """The values of a part by their names; `dataclasses.asdict` copies each of them, and there may be a million."""
    return {name: getattr(part, name) for name in _NAMES[type(part)]}


class ContentHash:
    """The hash of a run, taken as its parts go by: the head, then what became of each partner, by its number."""

    def __init__(self, head: FrozenHead) -> None:
        self._hash = hashlib.sha256()
        self._say({"run": entries(head)})

    def add(self, part: FrozenPayment | FrozenHeld) -> None:
        """Take in the next part."""
        self._say({"payment" if isinstance(part, FrozenPayment) else "held": entries(part)})

    def digest(self) -> bytes:
        """SHA-256 over the canonical text, one line per part."""
        return self._hash.digest()

    def _say(self, part: Mapping[str, Any]) -> None:
        text = json.dumps(part, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_instant)
        self._hash.update(text.encode() + b"\n")


def _instant(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} has no place in the content of a run")
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
