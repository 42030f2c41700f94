"""The partner's catalogue, with a copy on this computer so that a queue does not wait for each title."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pos_client import durable
from pos_client.answers import Product
from pos_client.api import Api


class Catalogue:
    """The products of one partner, as last heard from the service."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._products: dict[str, Product] = {}
        try:
            self._add(Product(**item) for item in durable.read_json(file)["products"])
        except (OSError, ValueError, KeyError, TypeError):
            self._products = {}  # no copy yet, or one of another version: the service has the original

    def __len__(self) -> int:
        return len(self._products)

    def refresh(self, api: Api) -> None:
        """Replace the copy by what the service now has. Raises NoAnswer, and then changes nothing."""
        products = list(api.whole_catalogue())
        self._products = {}
        self._add(products)
        try:
            durable.make_folder(self._file.parent)
            durable.write_json(self._file, {"products": [asdict(product) for product in products]})
        except OSError:
            return  # the copy is a convenience: the till works without it

    def by_ean(self, ean: str) -> Product | None:
        """The product of an EAN."""
        return self._products.get(ean)

    def search(self, words: str, limit: int = 8) -> list[Product]:
        """The products whose title, publisher or EAN have all these words or beginnings of words, accents or not."""
        wanted = _plain(words).split()
        if not wanted:
            return []
        found = [product for product in self._products.values() if _has_all(product, wanted)]
        return sorted(found, key=lambda product: product.title)[:limit]

    def all(self) -> list[Product]:
        """Every product, by title."""
        return sorted(self._products.values(), key=lambda product: product.title)

    def _add(self, products: Iterable[Product]) -> None:
        self._products.update((product.ean, product) for product in products)


def _has_all(product: Product, wanted: list[str]) -> bool:
    words = _plain(f"{product.title} {product.publisher} {product.ean}").split()
    return all(any(word.startswith(part) for word in words) for part in wanted)


def _plain(text: str) -> str:
    """Lower case, no accents, no punctuation."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9]+", " ", bare)
