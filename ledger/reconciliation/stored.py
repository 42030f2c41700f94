"""The bank's values as JSON and back, so that what stayed open can be looked at again as it was told."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from ledger.bank_messages import Detail, Entry

Value = TypeVar("Value", Entry, Detail)


def as_json(value: Entry | Detail) -> str:
    """An entry without its details, or a detail, leaving out what the bank left out."""
    told = asdict(value)
    told.pop("details", None)
    return json.dumps(_said(told), ensure_ascii=False, separators=(",", ":"), default=date.isoformat)


def from_json(cls: type[Value], told: Mapping[str, Any]) -> Value:
    """The value that `as_json` wrote."""
    value: Value = _read(cls, told)
    return value


def _said(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _said(value) for name, value in told.items() if value not in (None, (), [])}
    return [_said(value) for value in told] if isinstance(told, (list, tuple)) else told


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
