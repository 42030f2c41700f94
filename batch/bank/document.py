"""A bank's XML opened safely and walked one record at a time.

Nothing outside the file is ever fetched, a DOCTYPE is refused before its entities could do harm, and what one record
may hold is bounded, so that a hostile or broken file costs a sentence and not the machine.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from batch.bank.refusal import BankFileRefused
from batch.bank.shape import Reader, Said, Shape
from ledger.bank_messages import MessageKind

Source = Path | bytes
"""A file by its path, or its very bytes."""

MAX_FILE_BYTES = 1 << 30
MAX_RECORD_BYTES = 4 << 20
"""What may be read between two records: the heads, or one detail of an entry. A detail takes about a kilobyte."""

_NAMESPACE = re.compile(r"\Aurn:iso:std:iso:20022:tech:xsd:((?:camt|pain)\.[0-9]{3})\.001\.([0-9]{2})\Z")
_VERSIONS = {
    MessageKind.STATEMENT: range(2, 14),
    MessageKind.NOTIFICATION: range(2, 14),
    MessageKind.STATUS_REPORT: range(3, 15),
}

Layout = Mapping[tuple[str, str], Shape]
"""The records of a message, each by its name and the name of the element that holds it, and what is read of it."""


@dataclass(frozen=True, slots=True)
class Format:
    """Which message a document is, by its namespace."""

    kind: MessageKind
    version: str
    namespace: str

    def tag(self, name: str) -> str:
        """The qualified name of an element of this message."""
        return f"{{{self.namespace}}}{name}"


class Reading:
    """A pass over the bytes of a file: counts them, takes their SHA-256, and stops where a bound is passed."""

    def __init__(self, source: Source) -> None:
        self._stream: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        self.rewind()

    def rewind(self) -> None:
        """Start from the first byte."""
        self._stream.seek(0)
        self._sha256 = hashlib.sha256()
        self._record_began = 0
        self.size = 0
        self.ended = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes, for the parser."""
        data = self._stream.read(size)
        self.ended = not data
        self._sha256.update(data)
        self.size += len(data)
        if self.size > MAX_FILE_BYTES:
            raise BankFileRefused(f"il dépasse {MAX_FILE_BYTES >> 20} Mio.")
        if self.size - self._record_began > MAX_RECORD_BYTES:
            raise BankFileRefused(f"un seul de ses enregistrements dépasse {MAX_RECORD_BYTES >> 20} Mio.")
        return data

    def record_ends(self) -> None:
        """Start the count for the next record."""
        self._record_began = self.size

    @property
    def sha256(self) -> str:
        """Of the bytes read so far, in hexadecimal."""
        return self._sha256.hexdigest()

    def close(self) -> None:
        """Let the file go."""
        self._stream.close()


def recognise(reading: Reading) -> Format:
    """Which message the file is, from its first element. The reading is back at the first byte after that.

    Raises BankFileRefused when it is no XML, has a DOCTYPE, or is a message that we do not read.
    """
    try:
        _, root = next(iter(_parser(reading, events=("start",))))
    except StopIteration:
        raise BankFileRefused("il est vide.") from None
    except etree.XMLSyntaxError as error:
        raise _not_well_formed(error, reading) from None
    reading.rewind()
    if root.getroottree().docinfo.internalDTD is not None:
        raise BankFileRefused("il contient une déclaration DOCTYPE, qu'aucune banque n'écrit.", line=1)
    name = etree.QName(root)
    if name.localname != "Document":
        raise BankFileRefused(
            "ce n'est pas un message bancaire ISO 20022.", line=root.sourceline, element=name.localname
        )
    return _format_of(name.namespace, root.sourceline)


def _format_of(namespace: str | None, line: int | None) -> Format:
    parts = _NAMESPACE.match(namespace or "")
    if parts is None:
        said = f"« {(namespace or '')[:100]} »" if namespace else "absent"
        raise BankFileRefused(
            f"son espace de noms ({said}) n'est pas celui d'un message ISO 20022.", line=line, element="Document"
        )
    if parts[1] not in list(MessageKind):
        raise BankFileRefused(
            f"c'est un message {parts[1]} ; seuls les relevés camt.053, les avis camt.054 et les comptes rendus "
            "pain.002 se déposent ici.",
            line=line,
            element="Document",
        )
    kind = MessageKind(parts[1])
    if int(parts[2]) not in _VERSIONS[kind]:
        raise BankFileRefused(f"la version {parts[2]} du message {kind} n'est pas lue.", line=line, element="Document")
    return Format(kind=kind, version=parts[2], namespace=str(namespace))


def records(reading: Reading, form: Format, layout: Layout) -> Iterator[tuple[str, Said]]:
    """The records of a layout in document order, each with its name and what it says.

    A record leaves the tree when the next of its kind has ended, so that the tree stays small.
    Raises BankFileRefused when the XML breaks off or is not well formed, and for what the shapes of the layout refuse.
    """
    wanted = {
        (form.tag(name), form.tag(above)): Reader(name, shape, form.tag) for (name, above), shape in layout.items()
    }
    try:
        for _, element in _parser(reading, events=("end",), tag=[tag for tag, _ in wanted]):
            parent = element.getparent()
            reader = None if parent is None else wanted.get((element.tag, parent.tag))
            if reader is not None:
                yield reader.name, reader.read(element)
            element.clear()
            # The parser still holds on to this record, so it is the one before that can go.
            before = element.getprevious()
            if before is not None and before.tag == element.tag:
                parent.remove(before)
            reading.record_ends()
    except etree.XMLSyntaxError as error:
        raise _not_well_formed(error, reading) from None


def _parser(reading: Reading, events: tuple[str, ...], tag: list[str] | None = None) -> Any:
    return etree.iterparse(
        reading,
        events=events,
        tag=tag,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        # Without comments and instructions, "12<!-- -->34" is one text; with them, half of it would be lost.
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,
        huge_tree=False,
    )


def _not_well_formed(error: etree.XMLSyntaxError, reading: Reading) -> BankFileRefused:
    line = error.lineno or None
    # The parser complains as soon as it can, so a fault that shows at the end only is that there is no more.
    if reading.ended and reading.size:
        return BankFileRefused("il s'arrête avant sa fin : le transfert a sans doute été interrompu.", line=line)
    if getattr(error, "code", None) == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return BankFileRefused("un de ses éléments est démesurément long ou imbriqué.", line=line)
    return BankFileRefused("ce n'est pas du XML bien formé.", line=line)
