"""The whole check of a payment file: the official schema and our rulebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, cast

from batch.sepa.profile import BankProfile
from batch.sepa.rulebook import check_rulebook
from batch.sepa.rules import Finding, Findings
from batch.sepa.schema import schema_errors

PASSES = 2
"""How often a file is read from one end to the other."""


def check_file(
    stream: BinaryIO, profile: BankProfile | None = None, progress: Callable[[int], None] | None = None
) -> list[Finding]:
    """All that is wrong with the pain.001 file in a seekable `stream`, in the order of its lines.

    An empty list is what a file needs to leave. Without a profile, the built-in standard one says what is accepted.
    The schema is not consulted for a file that is not XML, has a DOCTYPE or is not a pain.001 of a version we know.
    `progress` is told how many bytes each reading took.
    """
    source = cast(BinaryIO, _Told(stream, progress)) if progress else stream
    findings = Findings()
    opening = check_rulebook(source, profile or BankProfile(), findings)
    if opening is not None and opening.version is not None and not opening.has_doctype:
        stream.seek(0)
        for error in schema_errors(source, opening.version):
            findings.add("schema", error.line, "", error=error.message)
    return findings.sorted()


class _Told:
    """A stream that tells how many bytes are read from it."""

    def __init__(self, stream: BinaryIO, progress: Callable[[int], None]) -> None:
        self.stream = stream
        self.progress = progress

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.progress(len(data))
        return data

    def readline(self, size: int = -1) -> bytes:
        data = self.stream.readline(size)
        self.progress(len(data))
        return data

    def seek(self, position: int) -> int:
        return self.stream.seek(position)
