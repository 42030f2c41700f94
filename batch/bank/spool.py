"""Where entries wait on disk until the whole file has been read and found sound."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import fields
from operator import attrgetter
from typing import Any

from ledger.bank_messages import (
    Batch,
    Charge,
    Detail,
    Entry,
    InstructionStatus,
    Reason,
    References,
    TransactionCode,
    TransactionStatus,
)

_CHUNK = 256
"""Values written at once: strings that they share are written once."""

_CLASSES: tuple[type, ...] = (
    Batch,
    Charge,
    Detail,
    Entry,
    InstructionStatus,
    Reason,
    References,
    TransactionCode,
    TransactionStatus,
)
_SETTERS = {cls: [cls.__dict__[field.name].__set__ for field in fields(cls)] for cls in _CLASSES}


def _remade(cls: type, values: tuple[Any, ...]) -> Any:
    instance: Any = object.__new__(cls)
    for put, value in zip(_SETTERS[cls], values, strict=True):
        put(instance, value)
    return instance


def _reduction(cls: type) -> Callable[[Any], tuple[Any, ...]]:
    values_of = attrgetter(*(field.name for field in fields(cls)))
    return lambda instance: (_remade, (cls, values_of(instance)))


# What dataclasses give pickle for frozen classes with slots takes three times as long.
_REDUCTIONS = {cls: _reduction(cls) for cls in _CLASSES}


class Spool:
    """Values in the order they were put, on an anonymous temporary file that goes with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="atouts-")  # noqa: SIM115 - closed by close()
        self._waiting: list[Any] = []

    def put(self, value: Any) -> None:
        """Add a value."""
        self._waiting.append(value)
        if len(self._waiting) >= _CHUNK:
            self._write()

    def _write(self) -> None:
        pickler = pickle.Pickler(self._file, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = _REDUCTIONS
        pickler.dump(self._waiting)
        self._waiting = []

    def __iter__(self) -> Iterator[Any]:
        """The values from the first on. The spool takes no more values after that."""
        if self._waiting:
            self._write()
        self._file.seek(0)
        while True:
            try:
                # Nobody but this process ever had access to these bytes.
                chunk = pickle.load(self._file)  # noqa: S301
            except EOFError:
                return
            yield from chunk

    def close(self) -> None:
        """Drop the values."""
        self._file.close()
