"""Holds: a school reserves now and debits later, when its supplier has confirmed the licences."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import marshmallow as ma
from flask import Response
from sqlalchemy import Connection

from ledger import holds, sold
from ledger.holds import ClosedHold, HoldIsClosed, MayNotSell, UnknownHold
from ledger.refusals import Refusal
from ledger.sales import KeyReused
from partner_portal.api import ApiBlueprint
from partner_portal.auth.gate import proves_terminal
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources import fields
from partner_portal.resources.answers import answer, readable, utc
from partner_portal.resources.fields import AnswerSchema, Whole
from partner_portal.resources.keys import REPLAYED, request_hash, request_key
from partner_portal.resources.operations import Answer, Asked, operation
from partner_portal.resources.sale_answers import asked_sale, sale_answer
from partner_portal.resources.sale_schemas import ASKED_EXAMPLE, SALE_EXAMPLE, SALE_ID, SaleAnswer, SaleAsked
from partner_portal.resources.sales import SALE_REFUSALS, SOLD_EXAMPLE, SoldAnswer, sold_json
from partner_portal.resources.tills import acting_till, ask

blueprint = ApiBlueprint("réservations", __name__, description="Réserver maintenant, débiter plus tard.")
MOST_HOURS = 336
OUTCOMES = {
    "captured": "La réservation a déjà été débitée.",
    "voided": "La réservation a déjà été abandonnée.",
    "expired": "La réservation a expiré.",
}


class HoldAsked(SaleAsked):
    """A sale, to be debited within some hours."""

    hours = Whole(
        least=1, most=MOST_HOURS, required=True, metadata={"description": "Durée de la réservation, en heures."}
    )


class HoldList(AnswerSchema):
    """What is reserved at this moment."""

    items = ma.fields.List(ma.fields.Nested(SoldAnswer), required=True)


class ClosedHoldAnswer(AnswerSchema):
    """How a reservation ended."""

    sale_id = fields.said("Numéro de la vente")
    outcome = fields.said("Ce qu’elle est devenue", validate=ma.validate.OneOf(["captured", "voided"]))
    closed_at = fields.instant("Instant de la fin")
    debited_cents = fields.cents("Montant débité : 0 si elle est abandonnée")


HELD_EXAMPLE = SALE_EXAMPLE | {
    "state": "held",
    "debited_cents": 0,
    "held_cents": 1250,
    "held_until": "2026-09-05T08:05:12.480Z",
}


@operation(
    blueprint,
    "POST",
    "/holds",
    "sales.make",
    "Réserver",
    description="Comme une vente, mais le montant est seulement réservé : l’élève ne peut pas le dépenser ailleurs.",
    asked=Asked(HoldAsked, example=ASKED_EXAMPLE | {"hours": 48}),
    answer=Answer(SaleAnswer, HELD_EXAMPLE, 201),
    problems=SALE_REFUSALS,
    with_key=True,
)
@proves_terminal
def hold(body: dict[str, Any]) -> Response:
    """Reserve."""
    key, till = request_key(), acting_till()
    until = datetime.now(UTC) + timedelta(hours=body["hours"])
    wanted = [asked_sale(body, till.terminal_id)]
    (held,) = ask(till, key, request_hash(body), wanted, held_until=until)
    return sale_answer(held)


@operation(
    blueprint,
    "GET",
    "/holds",
    "sales.read",
    "Relire ce qui est réservé",
    description="Les réservations ouvertes de l’établissement, mille au plus, la première à expirer d’abord.",
    answer=Answer(
        HoldList,
        {
            "items": [
                SOLD_EXAMPLE
                | {
                    "state": "held",
                    "lines": [SOLD_EXAMPLE["lines"][0] | {"state": "held"}],
                    "debited_cents": 0,
                    "held_cents": 1250,
                    "held_until": "2026-09-05T08:05:12.480Z",
                }
            ]
        },
    ),
)
def list_holds() -> Response:
    """What the school has reserved."""
    with portal().reading() as conn:
        found = sold.holds_of_partner(conn, acting_partner_id())
    return readable({"items": [sold_json(sale) for sale in found]})


@operation(
    blueprint,
    "POST",
    "/holds/<id:sale_id>/capture",
    "sales.make",
    "Débiter une réservation",
    answer=Answer(
        ClosedHoldAnswer,
        {"sale_id": SALE_ID, "outcome": "captured", "closed_at": "2026-09-04T09:00:00.000Z", "debited_cents": 1250},
    ),
    problems=("not_found", "conflict", "partner_not_validated", "partner_suspended"),
    with_key=True,
)
def capture(sale_id: int) -> Response:
    """Debit what was reserved."""
    return _close(holds.capture, sale_id)


@operation(
    blueprint,
    "POST",
    "/holds/<id:sale_id>/void",
    "sales.cancel",
    "Abandonner une réservation",
    answer=Answer(
        ClosedHoldAnswer,
        {"sale_id": SALE_ID, "outcome": "voided", "closed_at": "2026-09-04T09:00:00.000Z", "debited_cents": 0},
    ),
    problems=("not_found", "conflict"),
    with_key=True,
)
def void(sale_id: int) -> Response:
    """Give up what was reserved."""
    return _close(holds.void, sale_id)


def _close(close: Callable[..., ClosedHold], sale_id: int) -> Response:
    try:
        with portal().engine.begin() as conn:
            closed = _closed(conn, close, sale_id)
    except KeyReused as error:
        raise Problem(Refusal.KEY_REUSED) from error
    except UnknownHold as error:
        raise Problem("not_found", "Cette réservation n’existe pas.") from error
    except MayNotSell as error:
        raise Problem(error.refusal) from error
    except HoldIsClosed as error:
        raise Problem("conflict", OUTCOMES[error.outcome], outcome=error.outcome) from error
    told = {
        "sale_id": str(closed.sale_id),
        "outcome": closed.outcome,
        "closed_at": utc(closed.closed_at),
        "debited_cents": closed.amount if closed.outcome == "captured" else 0,
    }
    return answer(told, headers=REPLAYED if closed.again else {})


def _closed(conn: Connection, close: Callable[..., ClosedHold], sale_id: int) -> ClosedHold:
    principal = current_principal()
    key, digest, origin = request_key(), request_hash(None), principal.actor
    if principal.is_revoked:
        # It may hear again what it was told before, and nothing new.
        told = holds.answered(conn, origin=origin, key=key, request_hash=digest)
        if told is None:
            raise Problem(Refusal.TERMINAL_REVOKED)
        return told
    return close(conn, sale_id, partner_id=acting_partner_id(), origin=origin, key=key, request_hash=digest)
