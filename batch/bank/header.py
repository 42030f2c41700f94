"""The head that every message of a bank has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from batch.bank.shape import Item, Said, Shape
from batch.bank.values import identifier_of, instant_of

HEADER: Shape = {"MsgId": Item("message_id", identifier_of), "CreDtTm": Item("created_at", instant_of)}


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """The bank's own id for its message and when it was made, in UTC."""

    message_id: str
    created_at: datetime


def header_of(said: Said) -> MessageHeader:
    """The group header (GrpHdr)."""
    return MessageHeader(said.required("message_id", "MsgId"), said.required("created_at", "CreDtTm"))
