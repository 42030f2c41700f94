"""What a student takes: products, each once, at a price that may be below the real cost and never above."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

from pos_client.answers import Lookup, Product
from pos_client.french import euros


@dataclass(frozen=True, slots=True)
class Line:
    """One product at its price in cents."""

    product: Product
    price_cents: int


@dataclass(frozen=True, slots=True)
class Basket:
    """The lines of one sale; changing it gives another basket."""

    lines: tuple[Line, ...] = ()

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __contains__(self, product: Product) -> bool:
        return any(line.product.ean == product.ean for line in self.lines)

    def with_product(self, product: Product, price_cents: int | None = None) -> Self:
        """The basket with a product more, at its real cost where no price is said.

        A product that is there already stays as it is: one student needs one licence, the second scan is a slip.
        """
        if product in self:
            return self
        price = product.real_cost_cents if price_cents is None else price_cents
        return replace(self, lines=(*self.lines, Line(product, price)))

    def without_last(self) -> Self:
        """The basket without the line added last."""
        return replace(self, lines=self.lines[:-1])

    @property
    def total_cents(self) -> int:
        return sum(line.price_cents for line in self.lines)

    @property
    def titles(self) -> str:
        return ", ".join(line.product.title for line in self.lines)

    def as_json(self) -> list[dict[str, Any]]:
        """The lines as the API takes them."""
        return [{"ean": line.product.ean, "price_cents": line.price_cents} for line in self.lines]

    def shortfall(self, lookup: Lookup) -> str | None:
        """The sentence that says what a student lacks for this basket, or None when it fits.

        Only a help for the clerk: the service decides, on balances that may have changed meanwhile.
        """
        totals: Counter[str] = Counter()
        for line in self.lines:
            totals[line.product.benefit] += line.price_cents
        for benefit, total in totals.items():
            label = next((each.label for each in lookup.benefits if each.code == benefit), None)
            if label is None:
                return f"l’élève n’a pas l’avantage qui paierait {euros(total)}"
            available = lookup.available_cents(benefit)
            if total > available:
                return f"il manque {euros(total - available)} ({label} : {euros(available)} disponibles)"
        return None


EMPTY = Basket()
