"""What is read of an element and how: paths of local names, each with the key it is kept under.

A shape is declared once and serves all versions of a message. Only its paths are walked, which is what makes reading
fast: most of a message is addresses that nobody asks for. Elements of foreign namespaces are not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from batch.bank.refusal import BankFileRefused
from batch.bank.values import cents_of, currency_of

Shape = Mapping[str, "Item"]
"""Paths below an element ("Refs/EndToEndId") and what is done with what they lead to."""


class Item:
    """An element that is read by a function from its text. The function raises ValueError with the end of a sentence.

    A value of None is as good as absent. Where the element is repeated, or another path has the same key, the first
    one counts.
    """

    __slots__ = ("key", "read")

    def __init__(self, key: str, read: Callable[[str], Any]) -> None:
        self.key = key
        self.read = read

    def keep(self, said: Said, element: etree._Element, path: str) -> None:
        """Read the element and keep its value. Raises BankFileRefused when it cannot be read."""
        if self.key not in said:
            value = self.value(element, path)
            if value is not None:
                said[self.key] = value

    def value(self, element: etree._Element, path: str) -> Any:
        """What the function makes of the text. Raises BankFileRefused where it makes nothing of it."""
        try:
            return self.read((element.text or "").strip())
        except ValueError as error:
            raise unreadable(element, path, error) from None


class Once(Item):
    """An element that decides about money: twice in one place, either could be meant, and the file is refused."""

    __slots__ = ()

    def keep(self, said: Said, element: etree._Element, path: str) -> None:
        """Read the element and keep its value. Raises BankFileRefused for a second one, and for elements inside."""
        if self.key in said:
            raise refusal_of(element, path, "figure deux fois : laquelle croire ?")
        if len(element):
            raise refusal_of(element, path, "contient d'autres éléments au lieu d'une valeur.")
        super().keep(said, element, path)


class Amount(Once):
    """An amount with its currency, kept as (hundredths, currency)."""

    __slots__ = ()

    def __init__(self, key: str) -> None:
        super().__init__(key, cents_of)

    def keep(self, said: Said, element: etree._Element, path: str) -> None:
        """Keep the amount beside its currency."""
        super().keep(said, element, path)
        try:
            said[self.key] = said[self.key], currency_of(element.get("Ccy"))
        except ValueError as error:
            raise unreadable(element, path, error) from None


class Each(Item):
    """A repeated element, kept as the list of its values."""

    __slots__ = ()

    def keep(self, said: Said, element: etree._Element, path: str) -> None:
        """Add the value to those before it."""
        value = self.value(element, path)
        if value is not None:
            said.setdefault(self.key, []).append(value)


class Group(Item):
    """A repeated element that holds others, kept as the list of what each says."""

    __slots__ = ("shape",)

    def __init__(self, key: str, shape: Shape) -> None:
        super().__init__(key, str)
        self.shape = shape

    def open(self, said: Said, element: etree._Element, path: str) -> Said:
        """One more of the group, yet to be filled."""
        one = Said(element, path)
        said.setdefault(self.key, []).append(one)
        return one

    def keep(self, said: Said, element: etree._Element, path: str) -> None:
        """An empty element is one of the group all the same: what it lacks is for the reader to miss."""
        self.open(said, element, path)


class Said(dict[str, Any]):
    """What an element says: the values of its shape by their keys. What is absent has no key."""

    __slots__ = ("_element", "_path")

    def __init__(self, element: etree._Element, path: str) -> None:
        super().__init__()
        self._element = element
        self._path = path

    def required(self, key: str, path: str) -> Any:
        """The value of a mandatory element. Raises BankFileRefused when it is absent."""
        value = self.get(key)
        if value is None:
            raise self.refusal(path, "est obligatoire et manque.")
        return value

    def refusal(self, path: str, fault: str) -> BankFileRefused:
        """A refusal of the file for what this element says, or does not, at a path below it."""
        return refusal_of(self._element, f"{self._path}/{path}".rstrip("/"), fault)


class Reader:
    """Reads the elements of one name by a shape. `tag` gives the qualified name of a local one."""

    def __init__(self, name: str, shape: Shape, tag: Callable[[str], str]) -> None:
        self.name = name
        self._below = _compile(shape, name, tag)

    def read(self, element: etree._Element) -> Said:
        """What the element says. Raises BankFileRefused for a value that cannot be read."""
        said = Said(element, self.name)
        _fill(said, element, self._below)
        return said


class _Node:
    """A step of a path: what to do with the element there, and the steps that go on from it."""

    __slots__ = ("below", "item", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.item: Item | None = None
        self.below: dict[str, _Node] = {}


def _compile(shape: Shape, above: str, tag: Callable[[str], str]) -> dict[str, _Node]:
    top: dict[str, _Node] = {}
    for path, item in shape.items():
        level, so_far = top, above
        for name in path.split("/"):
            so_far = f"{so_far}/{name}"
            node = level.setdefault(tag(name), _Node(so_far))
            level = node.below
        node.item = item
        if isinstance(item, Group):
            node.below = _compile(item.shape, node.path, tag)
    return top


def _fill(said: Said, element: etree._Element, below: dict[str, _Node]) -> None:
    for child in element:
        node = below.get(child.tag)
        if node is None:
            continue
        item = node.item
        if item is None:
            _fill(said, child, node.below)
        elif len(child) and node.below:
            # A group; or a value in old versions that is a choice of values in later ones.
            if isinstance(item, Group):
                _fill(item.open(said, child, node.path), child, node.below)
            else:
                _fill(said, child, node.below)
        else:
            item.keep(said, child, node.path)


def refusal_of(element: etree._Element, path: str, fault: str) -> BankFileRefused:
    """A refusal of the file for one of its elements."""
    line = element.sourceline
    # libxml2 counts to 65535 for elements that hold elements.
    return BankFileRefused(fault, line=line if isinstance(line, int) and line != 65535 else None, element=path)


def unreadable(element: etree._Element, path: str, error: ValueError) -> BankFileRefused:
    """A refusal of the file for a text that cannot be read."""
    return refusal_of(element, path, f"« {(element.text or '').strip()[:60]} » {error}.")
