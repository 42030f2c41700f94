"""What a group purchase would do: who takes what for how much, and who has not enough. Pure functions on values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from batch.french import euros
from ledger.catalogue import Offer
from ledger.classes import Member
from ledger.refusals import SENTENCES
from ledger.sales import AskedLine, AskedSale
from partner_portal.groups.drafts import Draft

NO_RIGHT = "N’a pas droit à l’avantage qui paie."


@dataclass(frozen=True, slots=True)
class Place:
    """One student: what they take, its total in cents, and the sentence that says why it cannot be debited, if so."""

    member: Member
    taken: tuple[Offer, ...]
    total: int
    obstacle: str

    def takes(self, offer: Offer) -> bool:
        """Whether this student takes this licence."""
        return offer in self.taken


@dataclass(frozen=True, slots=True)
class Plan:
    """Every student, in the order of the draft, and the licences that are offered."""

    places: tuple[Place, ...]
    offers: tuple[Offer, ...]

    @property
    def buyers(self) -> list[Place]:
        """Those who take anything."""
        return [place for place in self.places if place.taken]

    @property
    def ready(self) -> list[Place]:
        """Those whose benefits hold out."""
        return [place for place in self.buyers if not place.obstacle]

    @property
    def short(self) -> list[Place]:
        """Those who take something that cannot be debited."""
        return [place for place in self.buyers if place.obstacle]

    @property
    def amount(self) -> int:
        """What would be debited, in cents."""
        return sum(place.total for place in self.ready)

    @property
    def asked(self) -> list[AskedSale]:
        """What to ask of the books, for everybody who takes anything: they have the last word on who has enough."""
        return [
            AskedSale(place.member.card_id, [AskedLine(int(offer.ean), offer.real_cost) for offer in place.taken])
            for place in self.buyers
        ]


def plan(draft: Draft, members: Sequence[Member], offers: Sequence[Offer]) -> Plan:
    """What the draft comes to. `members` are its students, `offers` those of its licences that are still offered."""
    return Plan(tuple(_place(draft, member, offers) for member in members), tuple(offers))


def _place(draft: Draft, member: Member, offers: Sequence[Offer]) -> Place:
    taken = tuple(offer for offer in offers if draft.takes(member.card_id, offer.ean))
    return Place(member, taken, sum(offer.real_cost for offer in taken), _obstacle(member, taken))


def _obstacle(member: Member, taken: Sequence[Offer]) -> str:
    if member.refusal is not None:
        return SENTENCES[member.refusal]
    asked: Counter[str] = Counter()
    for offer in taken:
        asked[offer.benefit] += offer.real_cost
    missing = 0
    for benefit, total in asked.items():
        if benefit not in member.available:
            return NO_RIGHT
        missing += max(0, total - member.available[benefit])
    return f"Il manque {euros(missing)}." if missing else ""
