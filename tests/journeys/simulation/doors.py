"""The two doors by which a till reaches the books: the ledger's own functions over a database connection, and HTTP."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx
from sqlalchemy.exc import DBAPIError

from ledger import cancellations, cards, sales, terminals
from ledger.database import engine_for
from ledger.refusals import Refusal
from ledger.sales import AskedLine, AskedSale
from partner_portal.auth.gate import bearer_token
from tests.journeys.simulation.journal import Intent
from tests.ledger.scheme import KEYS


class NoAnswer(Exception):
    """Whether it was done is not known: the same request has to be sent again."""


@dataclass(frozen=True)
class Accepted:
    """An accepted sale: its place in the request from 0, its number, benefit and price of each line."""

    place: int
    sale_id: int
    lines: list[tuple[str, int]]


class Door(Protocol):
    """Asks once. An answer is JSON that does not depend on how often it was asked for."""

    def ask(self, intent: Intent) -> Any:
        """Raises `NoAnswer`."""

    def accepted(self, answer: Any) -> list[Accepted]:
        """The accepted sales of an answer to a sale or group."""

    def given_back(self, answer: Any) -> list[int]:
        """The lines that an answer to a cancellation gave back."""


class LedgerDoor:
    """The ledger API over database connections of one's own."""

    def __init__(self, url: str, terminal_id: int, partner_id: int, secret: str) -> None:
        self.engine = engine_for(url)
        self.terminal_id, self.partner_id, self.secret = terminal_id, partner_id, secret

    def ask(self, intent: Intent) -> Any:
        digest = hashlib.sha256(json.dumps(asdict(intent), sort_keys=True).encode()).digest()
        try:
            if intent.kind == "cancellation":
                return self._cancel(intent, digest)
            answers = sales.sell_now(
                self.engine,
                terminal_id=self.terminal_id,
                secret_hash=terminals.hash_of_secret(self.secret),
                key=UUID(intent.key),
                request_hash=digest,
                sales=[AskedSale(card, [AskedLine(*line) for line in lines]) for card, lines in intent.sales],
                all_or_nothing=intent.all_or_nothing,
            )
        except (DBAPIError, sales.AskedTwiceAtOnce) as error:
            raise NoAnswer from error
        return [told(answer) for answer in answers]

    def _cancel(self, intent: Intent, digest: bytes) -> Any:
        try:
            with self.engine.begin() as conn:
                done = cancellations.cancel(
                    conn,
                    intent.sale_id,
                    partner_id=self.partner_id,
                    origin=f"terminal:{self.terminal_id}",
                    key=UUID(intent.key),
                    request_hash=digest,
                    lines=intent.lines,
                )
        except cancellations.NothingToCancel:
            return None
        return told(done)

    def accepted(self, answer: Any) -> list[Accepted]:
        return [
            Accepted(place, sale["sale_id"], [(line["benefit"], line["price"]) for line in sale["lines"]])
            for place, sale in enumerate(answer)
            if sale["refusal"] is None
        ]

    def given_back(self, answer: Any) -> list[int]:
        return [line["line"] for line in answer["lines"]] if answer else []


def told(answer: Any) -> Any:
    """An answer of the ledger as JSON, without the mark of a replay."""
    fields = asdict(answer)
    del fields["replayed"]
    return json.loads(json.dumps(fields, default=str))


class HttpDoor:
    """The API under /api/v1."""

    def __init__(self, url: str, terminal_id: int, secret: str) -> None:
        token = bearer_token(terminal_id, secret)
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def ask(self, intent: Intent) -> Any:
        path, body = self._request(intent)
        try:
            response = self.client.post(f"/api/v1{path}", json=body, headers={"Idempotency-Key": intent.key})
        except httpx.HTTPError as error:
            raise NoAnswer from error
        if response.status_code >= 500 or response.status_code == 429:
            raise NoAnswer
        if response.status_code >= 400 and response.json()["code"] not in {*Refusal, "conflict"}:
            raise RuntimeError(f"{intent} was answered {response.status_code} {response.text}")
        return {"status": response.status_code, "body": _lasting(response)}

    def _request(self, intent: Intent) -> tuple[str, dict[str, Any]]:
        asked = [
            {
                "code": cards.printed_code(KEYS, card, KEYS.current),
                "lines": [{"ean": f"{ean:013}", "price_cents": price} for ean, price in lines],
            }
            for card, lines in intent.sales
        ]
        if intent.kind == "sale":
            return "/sales", asked[0]
        if intent.kind == "group":
            return "/sales/groups", {"mode": "all_or_nothing" if intent.all_or_nothing else "each", "sales": asked}
        return f"/sales/{intent.sale_id}/cancellations", {"lines": intent.lines}

    def accepted(self, answer: Any) -> list[Accepted]:
        body = json.loads(answer["body"])
        results = body.get("results") or [{"item": 0, "sale": body}]
        return [
            Accepted(
                result["item"],
                int(result["sale"]["sale_id"]),
                [(line["benefit"], line["price_cents"]) for line in result["sale"]["lines"]],
            )
            for result in results
            if result.get("sale", {}).get("state") == "accepted"
        ]

    def given_back(self, answer: Any) -> list[int]:
        return [line["line"] for line in json.loads(answer["body"])["lines"]] if answer["status"] == 201 else []


def _lasting(response: httpx.Response) -> str:
    """The body, byte for byte; of a conflict only its code, as it tells of its moment and does nothing.

    Two clerks who cancel the same lines are both refused, once one and once two of them are gone already.
    """
    if response.status_code == 409 and response.json()["code"] == "conflict":
        return "conflict"
    return response.text
