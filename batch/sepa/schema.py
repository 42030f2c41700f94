"""Validation of payment files against the official ISO 20022 schemas.

The schemas are those that the sepaxml package ships. A file is read line by line and forgotten as it is read, so that
its size costs no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import BinaryIO, cast

from lxml import etree

from batch.sepa.profile import Version

# A whole file may stand on one line.
_PIECE = 1 << 16
_NAMESPACE_BRACES = "{urn:iso:std:iso:20022:tech:xsd:"


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One place where a file departs from its schema; the message is the validator's own, in English."""

    line: int
    message: str


@cache
def official_schema(version: Version) -> etree.XMLSchema:
    """The official schema of a message version."""
    with files("sepaxml").joinpath("schemas", f"{version}.xsd").open("rb") as source:
        return etree.XMLSchema(etree.parse(source))


def schema_errors(stream: BinaryIO, version: Version, limit: int = 100) -> list[SchemaError]:
    """What in the file departs from the schema of `version`, in the order of the lines; empty for a valid file.

    Reading stops after `limit` errors, and at the first place where the file is not even XML.
    """
    # Validating while reading, lxml 6.1 crashes on an entity that it resolves.
    parser = etree.XMLPullParser(
        events=("end",), schema=official_schema(version), resolve_entities=False, no_network=True
    )
    errors: list[SchemaError] = []
    line = 1
    complete = False
    try:
        for piece in iter(lambda: stream.readline(_PIECE), b""):
            parser.feed(piece)
            # The validator does not say where it stands, but each line is validated as it is fed.
            for entry in list(parser.feed_error_log)[len(errors) :]:
                errors.append(SchemaError(line, _readable(entry.message)))
            if len(errors) >= limit:
                return errors[:limit]
            for _, element in cast("Iterator[tuple[str, etree._Element]]", parser.read_events()):
                complete = element.getparent() is None
                _forget(element)
            line += piece.endswith(b"\n")
        parser.close()
    except etree.XMLSyntaxError as error:
        # A file that departs from its schema ends here too, with nothing new to say.
        if not errors:
            errors.append(SchemaError(error.lineno or line, _readable(error.msg)))
    # With resolve_entities=False, lxml 6.1 lets a truncated file pass when it validates while reading.
    if not errors and not complete:
        errors.append(SchemaError(line, "the file ends before its last element is closed"))
    return errors


def _forget(element: etree._Element) -> None:
    parent = element.getparent()
    element.clear()
    if parent is not None and element.tag.endswith("}CdtTrfTxInf"):
        parent.remove(element)


def _readable(message: str) -> str:
    """The validator's message without the namespace in front of each element name."""
    parts = message.split(_NAMESPACE_BRACES)
    return parts[0] + "".join(part.partition("}")[2] for part in parts[1:])
