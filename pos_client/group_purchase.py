"""A class's group purchase, from the first card to what is sent: who is in it, what each takes, who has enough."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Self

from pos_client.answers import Product
from pos_client.basket import EMPTY, Basket
from pos_client.codes import CardCode
from pos_client.french import count, euros
from pos_client.group_results import Row
from pos_client.groups import Listed
from pos_client.refusals import Refusal
from pos_client.till import GROUP_LIMIT, Mode, Scan


@dataclass(frozen=True, slots=True)
class Member:
    """One student of the group."""

    code: CardCode
    own: Basket = EMPTY
    """What this student takes, where it is not what the whole group takes."""
    found: Scan | Refusal | None = None
    """Who it is; None until the service has said it."""

    @property
    def name(self) -> str:
        """The student for people, or the beginning of the card's text."""
        return self.found.student if isinstance(self.found, Scan) else Scan(self.code, None).student


@dataclass(frozen=True, slots=True)
class GroupPurchase:
    """The group so far; changing it gives another."""

    members: tuple[Member, ...] = ()
    common: Basket = EMPTY
    mode: Mode = "each"

    def __contains__(self, code: CardCode) -> bool:
        return any(member.code.text == code.text for member in self.members)

    def with_member(self, member: Member) -> Self:
        """The group with a student more."""
        return replace(self, members=(*self.members, member))

    def with_found(self, code: CardCode, found: Scan | Refusal) -> Self:
        """The group, now that the service has said whose card this is."""
        members = (replace(each, found=found) if each.code == code else each for each in self.members)
        return replace(self, members=tuple(members))

    def basket_of(self, member: Member) -> Basket:
        """What a student takes."""
        return member.own or self.common

    def ready(self) -> list[tuple[Scan, Basket]]:
        """The sales to be sent: those of the students whom the service knows."""
        return [(each.found, self.basket_of(each)) for each in self.members if isinstance(each.found, Scan)]

    def turned_away(self) -> list[Row]:
        """The students whose card the service refused already."""
        return [
            Row(each.name, "refusée", 0, each.found.balance_cents, each.found.sentence)
            for each in self.members
            if isinstance(each.found, Refusal)
        ]

    @property
    def total_cents(self) -> int:
        return sum(basket.total_cents for _, basket in self.ready())

    def obstacle(self) -> str | None:
        """The sentence that says why the group cannot be sent as it is, or None when it can."""
        if not self.members:
            return "Scannez les cartes des élèves, ou donnez le chemin d’un fichier CSV."
        if unknown := sum(each.found is None for each in self.members):
            return f"{count(unknown, 'carte')} pas encore lue{'s' if unknown > 1 else ''} par le service."
        if not self.ready():
            return "Toutes les cartes ont été refusées."
        if any(not basket for _, basket in self.ready()):
            return "Aucun manuel n’est choisi : scannez-le ou tapez les mots de son titre."
        if self.mode == "all_or_nothing" and self.turned_away():
            return "Une carte est refusée, et c’est tous ou aucun : rien n’est envoyé."
        if self.mode == "all_or_nothing" and len(self.members) > GROUP_LIMIT:
            return f"« Tous ou aucun » vaut pour {GROUP_LIMIT} élèves au plus : partagez le groupe."
        return None

    def question(self) -> str:
        """What the clerk confirms."""
        return f"Débiter {euros(self.total_cents)} à {count(len(self.ready()), 'élève')} ?"


def members_of(listed: Iterable[Listed], product_of: Callable[[str], Product]) -> list[Member]:
    """The students of a file, with their own products where it names some; `product_of` finds a product by its EAN."""
    members = []
    for each in listed:
        own = EMPTY
        for taken in each.products:
            own = own.with_product(product_of(taken.ean), taken.price_cents)
        members.append(Member(each.code, own))
    return members
