"""What a clerk does at the till, whatever screen it is done on: look up, sell, sell to a class, cancel, send again."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from pos_client import delivery, terminal
from pos_client.answers import Lookup, Product, TerminalStatus
from pos_client.api import Api, NoAnswer
from pos_client.basket import Basket
from pos_client.catalogue import Catalogue
from pos_client.codes import CardCode
from pos_client.outbox import Intent, Kind, Outbox
from pos_client.refusals import Refusal
from pos_client.terminal import Profile, Terminal

GROUP_LIMIT = 100
"""The most sales that the API takes in one call."""
OTHER_PROCESS_SECONDS = 15.0
"""How long a clerk waits for another window of this till that is just sending the same sale."""

OUTDATED_CATALOGUE = ("product_not_covered", "price_above_real_cost")
"""Refusals after which the copy of the catalogue is not to be trusted."""
TELEPHONE_OFFLINE = (
    "Hors ligne, seule une carte imprimée peut être gardée en attente : le code d’un téléphone ne vaut qu’un instant."
)

Mode = Literal["each", "all_or_nothing"]


class CannotWait(Exception):
    """The sale cannot be kept for later; the message is the sentence for the clerk."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A card at the counter, and whose it is; nobody knows while the service is away."""

    code: CardCode
    lookup: Lookup | None

    @property
    def student(self) -> str:
        """The student for people, or the beginning of the card's text."""
        return self.lookup.student.called if self.lookup else f"Carte {self.code.text[:5]}…"


class Till:
    """A paired till, ready to work."""

    def __init__(self, profile: Profile, identity: Terminal, api: Api, outbox: Outbox) -> None:
        self.profile = profile
        self.identity = identity
        self.api = api
        self.outbox = outbox
        self.catalogue = Catalogue(profile.data / "catalogue.json")

    @classmethod
    def open(cls, profile: Profile) -> Self:
        """The till of a profile. Raises Misconfigured, OutboxUnusable."""
        identity = terminal.load(profile)
        api = Api(identity.api_url, terminal.secret(profile, identity))
        outbox = Outbox(profile.data / "outbox")
        outbox.forget_settled()
        return cls(profile, identity, api, outbox)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()

    def look_up(self, code: CardCode) -> Scan | Refusal:
        """Whose card it is. Raises NoAnswer."""
        found = self.api.lookup(code.text)
        return found if isinstance(found, Refusal) else Scan(code, found)

    def product(self, ean: str) -> Product | Refusal | None:
        """The product of an EAN, as the service now has it; while it is away, from the copy of the catalogue.

        Raises NoAnswer, when the copy does not have it either.
        """
        try:
            page = self.api.catalogue(ean=ean)
        except NoAnswer:
            if known := self.catalogue.by_ean(ean):
                return known
            raise
        if isinstance(page, Refusal):
            return page
        return next((item for item in page.items if item.ean == ean), None)

    def sell(self, scan: Scan, basket: Basket) -> Intent:
        """Make one sale. What comes back is accepted, refused, or waits in the outbox.

        Raises CannotWait, OutboxUnusable; nothing was sent then.
        """
        return self._decide(
            Intent(
                kind=Kind.SALE,
                path="sales",
                body=_sale_body(scan, basket),
                terminal_id=self.identity.terminal_id,
                students=[scan.student],
                title=basket.titles,
                amount_cents=basket.total_cents,
            )
        )

    def sell_group(self, members: Iterable[tuple[Scan, Basket]], mode: Mode) -> Iterator[Intent]:
        """Make the sales of a group, up to a hundred in each intent, which is given as soon as it is known.

        Raises CannotWait, before anything is sent, or OutboxUnusable; what was given before it stands.
        """
        everybody = list(members)
        if mode == "all_or_nothing" and len(everybody) > GROUP_LIMIT:
            raise CannotWait(f"« Tous ou aucun » vaut pour {GROUP_LIMIT} élèves au plus : partagez le groupe.")
        bodies = [(scan, basket, _sale_body(scan, basket)) for scan, basket in everybody]
        for start in range(0, len(bodies), GROUP_LIMIT):
            part = bodies[start : start + GROUP_LIMIT]
            titles = dict.fromkeys(line.product.title for _, basket, _ in part for line in basket)
            yield self._decide(
                Intent(
                    kind=Kind.GROUP,
                    path="sales/groups",
                    body={"mode": mode, "sales": [body for _, _, body in part]},
                    terminal_id=self.identity.terminal_id,
                    students=[scan.student for scan, _, _ in part],
                    title=", ".join(titles),
                    amount_cents=sum(basket.total_cents for _, basket, _ in part),
                )
            )

    def cancel(self, sale_id: str, student: str, lines: list[int] | None = None, reason: str = "") -> Intent:
        """Give a sale back, or some of its lines. Raises OutboxUnusable; nothing was sent then."""
        body: dict[str, Any] = {}
        if lines:
            body["lines"] = lines
        if reason:
            body["reason"] = reason
        return self._decide(
            Intent(
                kind=Kind.CANCELLATION,
                path=f"sales/{sale_id}/cancellations",
                body=body,
                terminal_id=self.identity.terminal_id,
                students=[student],
                title=f"annulation de la vente {sale_id[:8]}",
                amount_cents=0,
            )
        )

    def send_waiting(self) -> tuple[TerminalStatus | Refusal, list[Intent]]:
        """Send again what waits, once the service is known to be there; each intent as it then is. Raises NoAnswer."""
        status = self.api.terminal()
        if isinstance(status, Refusal):
            return status, []
        return status, list(delivery.deliver_all(self.outbox, self.api, terminal_id=self.identity.terminal_id))

    def _decide(self, intent: Intent) -> Intent:
        self.outbox.put(intent)
        after = delivery.deliver(
            self.outbox,
            self.api,
            intent,
            terminal_id=self.identity.terminal_id,
            wait_seconds=OTHER_PROCESS_SECONDS,
        )
        if after.refusal and after.refusal.code in OUTDATED_CATALOGUE:
            with contextlib.suppress(NoAnswer):
                self.catalogue.refresh(self.api)
        return after


def _sale_body(scan: Scan, basket: Basket) -> dict[str, Any]:
    """One sale as the API takes it: by the look-up that was made, else by a printed card's text. Raises CannotWait."""
    if scan.lookup:
        return {"lookup_token": scan.lookup.token, "lines": basket.as_json()}
    if scan.code.on_telephone:
        raise CannotWait(TELEPHONE_OFFLINE)
    return {"code": scan.code.text, "lines": basket.as_json()}
