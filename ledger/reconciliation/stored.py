"""The bank's values as JSON and back, so that what stayed open can be looked at again as it was told."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from ledger.bank_messages import Detail, Entry

Value = TypeVar("Value", Entry, Detail)


def as_json(value: Entry | Detail) -> str:
    """An entry without its details, or a detail, leaving out what the bank left out."""
    said = {name: _said(told) for name, told in _told(value) if name != "details"}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=date.isoformat)


def from_json(cls: type[Value], told: Mapping[str, Any]) -> Value:
    """The value that `as_json` wrote."""
    value: Value = _read(cls, told)
    return value


def _said(told: Any) -> Any:
    # Four times as fast as `dataclasses.asdict`, which copies every value: this is done for each entry of a statement.
    if isinstance(told, tuple):
        return [_said(value) for value in told]
    return {name: _said(value) for name, value in _told(told)} if is_dataclass(told) else told


def _told(value: Any) -> Iterator[tuple[str, Any]]:
    said = ((name, getattr(value, name)) for name in _types(value.__class__))
    return ((name, told) for name, told in said if told not in (None, ()))


@cache
def _types(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _read(kind: Any, told: Any) -> Any:
    if isinstance(kind, types.UnionType):
        (kind,) = (one for one in typing.get_args(kind) if one is not type(None))
    if typing.get_origin(kind) is tuple:
        return tuple(_read(typing.get_args(kind)[0], one) for one in told)
    if is_dataclass(kind):
        known = _types(typing.cast(type, kind))
        return kind(**{name: _read(known[name], value) for name, value in told.items()})  # type: ignore[operator]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(told)
    return date.fromisoformat(told) if kind is date else told
