"""Cancellations: a school gives a sale back, whole or line by line."""

from typing import Any

import marshmallow as ma
from flask import Response

from ledger import cancellations
from ledger.calendar import last_day_before
from ledger.cancellations import Cancellation
from ledger.refusals import Refusal
from ledger.sales import KeyReused
from partner_portal.api import ApiBlueprint
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources import fields
from partner_portal.resources.answers import answer, utc
from partner_portal.resources.fields import AnswerSchema, RequestSchema, Whole
from partner_portal.resources.keys import REPLAYED, request_hash, request_key
from partner_portal.resources.operations import Answer, Asked, operation
from partner_portal.resources.sale_schemas import MOST_LINES, SALE_ID, BalanceAnswer

blueprint = ApiBlueprint("annulations", __name__, description="Rendre une vente, entière ou ligne par ligne.")


class CancellationAsked(RequestSchema):
    """Which lines, and why."""

    lines = ma.fields.List(
        Whole(least=1, most=MOST_LINES),
        load_default=None,
        validate=ma.validate.Length(1, MOST_LINES, error=f"De 1 à {MOST_LINES} lignes sont attendues."),
        metadata={"description": "Numéros des lignes à rendre ; sans ce membre, toutes celles qui restent."},
    )
    reason = fields.text(200, "Raison, pour les personnes", least=0, load_default="")


class CancelledLineAnswer(AnswerSchema):
    """One line given back."""

    line = fields.number("Numéro de la ligne dans la vente.")
    benefit = fields.said("Code de l’avantage")
    refunded_cents = fields.cents("Montant rendu")
    balance_after_cents = fields.cents("Ce qui peut être dépensé de l’avantage ensuite")
    usable_until = fields.day("Dernier jour d’utilisation")


class CancellationAnswer(AnswerSchema):
    """What was given back. What comes back after the deadline lapses at once."""

    cancellation_id = fields.said("Numéro de l’annulation")
    sale_id = fields.said("Numéro de la vente")
    created_at = fields.instant("Instant de l’annulation")
    refunded_cents = fields.cents("Montant rendu")
    lapsed_cents = fields.cents("Part du montant rendu qui n’est plus utilisable, la date limite étant passée")
    lines = ma.fields.List(ma.fields.Nested(CancelledLineAnswer), required=True)
    balances = ma.fields.List(ma.fields.Nested(BalanceAnswer), required=True)


def cancellation_json(done: Cancellation) -> dict[str, Any]:
    """A cancellation, as it was answered."""
    return {
        "cancellation_id": str(done.cancellation_id),
        "sale_id": str(done.sale_id),
        "created_at": utc(done.asked_at),
        "refunded_cents": done.refunded,
        "lapsed_cents": done.lapsed,
        "lines": [
            {
                "line": line.line,
                "benefit": line.benefit,
                "refunded_cents": line.amount,
                "balance_after_cents": line.balance_after,
                "usable_until": last_day_before(line.usable_until).isoformat(),
            }
            for line in done.lines
        ],
        "balances": [
            {
                "benefit": line.benefit,
                "balance_cents": line.balance_after,
                "usable_until": last_day_before(line.usable_until).isoformat(),
            }
            for line in {line.benefit: line for line in done.lines}.values()
        ],
    }


@operation(
    blueprint,
    "POST",
    "/sales/<id:sale_id>/cancellations",
    "sales.cancel",
    "Annuler une vente",
    description="Avant le versement qui la paie, l’annulation le diminue ; après, elle est déduite du suivant. Ce qui "
    "est rendu après la date limite n’est plus utilisable par l’élève.",
    asked=Asked(CancellationAsked, example={"lines": [1], "reason": "Erreur de scan"}),
    answer=Answer(
        CancellationAnswer,
        {
            "cancellation_id": "512",
            "sale_id": SALE_ID,
            "created_at": "2026-09-03T08:11:40.105Z",
            "refunded_cents": 1250,
            "lapsed_cents": 0,
            "lines": [
                {
                    "line": 1,
                    "benefit": "books",
                    "refunded_cents": 1250,
                    "balance_after_cents": 7000,
                    "usable_until": "2027-06-30",
                }
            ],
            "balances": [{"benefit": "books", "balance_cents": 7000, "usable_until": "2027-06-30"}],
        },
        201,
    ),
    problems=("not_found", "conflict"),
    with_key=True,
)
def cancel(body: dict[str, Any], sale_id: int) -> Response:
    """Give a sale back."""
    principal = current_principal()
    key, digest, origin = request_key(), request_hash(body), principal.actor
    try:
        with portal().engine.begin() as conn:
            if principal.is_revoked:
                # It may hear again what it was told before, and nothing new.
                done = cancellations.answered(conn, origin=origin, key=key, request_hash=digest)
                if done is None:
                    raise Problem(Refusal.TERMINAL_REVOKED)
            else:
                done = cancellations.cancel(
                    conn,
                    sale_id,
                    partner_id=acting_partner_id(),
                    origin=origin,
                    key=key,
                    request_hash=digest,
                    lines=body["lines"],
                    reason=body["reason"],
                )
    except KeyReused as error:
        raise Problem(Refusal.KEY_REUSED) from error
    except cancellations.UnknownSale as error:
        raise Problem("not_found", "Cette vente n’existe pas, ou n’a rien débité.") from error
    except cancellations.NothingToCancel as error:
        sentence = "Ces lignes n’existent pas ou sont déjà annulées." if error.lines else "Tout est déjà annulé."
        raise Problem("conflict", sentence, lines=list(error.lines)) from error
    return answer(cancellation_json(done), 201, REPLAYED if done.replayed else {})
