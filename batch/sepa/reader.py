"""Reading a pain.001 file block by block, with line numbers and without ever holding the whole of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, cast

from lxml import etree

from batch.sepa.profile import Version

_BOM = b"\xef\xbb\xbf"
_DECLARATION = re.compile(rb'<\?xml version="1\.0" encoding="(?i:utf-8)"( standalone="(yes|no)")?\s*\?>')
_KINDS = ("GrpHdr", "PmtInf", "CdtTrfTxInf")
_SAFE = {"resolve_entities": False, "no_network": True, "remove_comments": True, "remove_pis": True}


class NotXmlError(ValueError):
    """The file is not well-formed XML; `line` is where its reader gave up."""

    def __init__(self, error: etree.XMLSyntaxError) -> None:
        super().__init__(error.msg)
        self.line = error.lineno or 1


@dataclass(frozen=True, slots=True)
class Opening:
    """What the beginning of a file says about the rest."""

    has_bom: bool
    has_proper_declaration: bool
    has_doctype: bool
    root: str
    root_line: int
    prefix: str | None
    version: Version | None


class Leaf(NamedTuple):
    """An element without children: its path below its block, its text and attributes, and its line."""

    path: str
    text: str
    line: int
    currency: str | None = None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Block:
    """A group header, the header of a batch or a payment, as the list of its leaves.

    `path` is what tells the block from others of its kind, such as "PmtInf[1]/CdtTrfTxInf[37]".
    """

    kind: str
    path: str
    line: int
    leaves: list[Leaf]

    def first(self, *paths: str) -> Leaf | None:
        """The first leaf that stands at one of `paths`."""
        return next((leaf for leaf in self.leaves if leaf.path in paths), None)

    def text(self, *paths: str) -> str | None:
        """The text of the first leaf that stands at one of `paths`."""
        leaf = self.first(*paths)
        return None if leaf is None else leaf.text


def read_opening(stream: BinaryIO) -> Opening:
    """Look at the declaration and the root of the file, and go back to its beginning.

    Raises NotXmlError when there is no root element to be found.
    """
    start = stream.read(1024)
    has_bom = start.startswith(_BOM)
    stream.seek(0)
    try:
        _, root = next(iter(etree.iterparse(stream, events=("start",), **_SAFE)))
    except etree.XMLSyntaxError as error:
        raise NotXmlError(error) from error
    finally:
        stream.seek(0)
    name = etree.QName(root)
    versions = [v for v in Version if v.namespace == name.namespace and name.localname == "Document"]
    return Opening(
        has_bom=has_bom,
        has_proper_declaration=_DECLARATION.match(start.removeprefix(_BOM)) is not None,
        has_doctype=bool(root.getroottree().docinfo.doctype),
        root=root.tag,
        root_line=_line(root),
        prefix=root.prefix,
        version=versions[0] if versions else None,
    )


def read_blocks(stream: BinaryIO, version: Version) -> Iterator[Block]:
    """The group header, then per batch its header followed by its payments, in the order of the file.

    Raises NotXmlError where the file stops being well-formed.
    """
    namespace = f"{{{version.namespace}}}"
    parser = etree.iterparse(stream, events=("start", "end"), tag=[namespace + kind for kind in _KINDS], **_SAFE)
    batches = payments = 0
    try:
        for event, element in parser:
            kind = element.tag.removeprefix(namespace)
            if event == "start":
                if kind == "PmtInf":
                    batches, payments = batches + 1, 0
                elif kind == "CdtTrfTxInf":
                    if payments == 0 and (parent := element.getparent()) is not None:
                        yield _block("PmtInf", f"PmtInf[{batches}]", parent)
                    payments += 1
                continue
            if kind == "GrpHdr":
                yield _block(kind, kind, element)
            elif kind == "CdtTrfTxInf":
                yield _block(kind, f"PmtInf[{batches}]/CdtTrfTxInf[{payments}]", element)
            elif payments == 0:
                yield _block(kind, f"PmtInf[{batches}]", element)
            _forget(element)
    except etree.XMLSyntaxError as error:
        raise NotXmlError(error) from error


def _block(kind: str, path: str, element: etree._Element) -> Block:
    return Block(kind, path, _line(element), list(_leaves(element, "")))


def _line(element: etree._Element) -> int:
    return cast(int, element.sourceline)


def _leaves(element: etree._Element, above: str) -> Iterator[Leaf]:
    """The leaves below `element`; those of a batch end where its payments begin, each of which is its own block."""
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name == "CdtTrfTxInf":
            return
        if len(child):
            yield from _leaves(child, f"{above}{name}/")
        else:
            yield Leaf(above + name, child.text or "", _line(child), child.get("Ccy"))


def _forget(element: etree._Element) -> None:
    """Free a block that was read, and its place among its parent's children."""
    parent = element.getparent()
    element.clear()
    if parent is not None:
        parent.remove(element)
