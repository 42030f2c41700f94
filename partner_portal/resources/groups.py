"""Group purchases: a class in one call, each for itself or all together."""

from typing import Any

import marshmallow as ma
from flask import Response

from ledger.refusals import Refusal
from ledger.sales import AnsweredSale
from partner_portal.api import ApiBlueprint
from partner_portal.auth.gate import proves_terminal
from partner_portal.resources import fields
from partner_portal.resources.answers import answer
from partner_portal.resources.fields import AnswerSchema, RequestSchema
from partner_portal.resources.keys import REPLAYED, request_hash, request_key
from partner_portal.resources.operations import Answer, Asked, operation
from partner_portal.resources.sale_answers import asked_sale, refusal_json, sale_json
from partner_portal.resources.sale_schemas import (
    ASKED_EXAMPLE,
    MOST_SALES,
    SALE_EXAMPLE,
    RefusedLine,
    SaleAnswer,
    SaleAsked,
)
from partner_portal.resources.tills import acting_till, ask

blueprint = ApiBlueprint("achats groupés", __name__, description="Débiter une classe en une demande.")


class GroupAsked(RequestSchema):
    """Up to a hundred sales."""

    mode = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["each", "all_or_nothing"], error="« each » ou « all_or_nothing » est attendu."),
        metadata={"description": "`each` : chaque vente pour elle-même ; `all_or_nothing` : toutes ou aucune."},
    )
    sales = ma.fields.List(
        ma.fields.Nested(SaleAsked),
        required=True,
        validate=ma.validate.Length(1, MOST_SALES, error=f"De 1 à {MOST_SALES} ventes sont attendues."),
    )


class RefusalAnswer(AnswerSchema):
    """Why one sale of a group was refused."""

    code = fields.said("Motif", validate=ma.validate.OneOf([refusal.value for refusal in Refusal]))
    detail = fields.said("Phrase pour les personnes")
    balance_cents = ma.fields.Integer(
        metadata={
            "description": "Solde de l’élève pour l’avantage en cause, s’il est connu et que la caisse peut le lire."
        }
    )
    lines = ma.fields.List(ma.fields.Nested(RefusedLine), required=True)


class ResultAnswer(AnswerSchema):
    """What became of one sale of a group."""

    item = fields.number("Place dans la demande, à partir de 0.")
    outcome = fields.said("`accepted` ou `refused`", validate=ma.validate.OneOf(["accepted", "refused"]))
    sale = ma.fields.Nested(SaleAnswer, metadata={"description": "La vente, si elle est acceptée."})
    refusal = ma.fields.Nested(RefusalAnswer, metadata={"description": "Le refus, sinon."})


class GroupAnswer(AnswerSchema):
    """What became of each sale, in the order asked."""

    results = ma.fields.List(ma.fields.Nested(ResultAnswer), required=True)
    accepted = fields.number("Ventes acceptées")
    refused = fields.number("Ventes refusées")
    debited_cents = fields.cents("Montant débité en tout")


@operation(
    blueprint,
    "POST",
    "/sales/groups",
    "sales.make",
    "Débiter une classe",
    description="Les refus sont des résultats, non des erreurs : la réponse est 200 dès que la demande est comprise. "
    "Une clé vaut pour le groupe entier.",
    asked=Asked(GroupAsked, example={"mode": "each", "sales": [ASKED_EXAMPLE]}),
    answer=Answer(
        GroupAnswer,
        {
            "results": [
                {"item": 0, "outcome": "accepted", "sale": SALE_EXAMPLE},
                {
                    "item": 1,
                    "outcome": "refused",
                    "refusal": {
                        "code": "insufficient_balance",
                        "detail": "Le solde de l’élève ne suffit pas pour cette vente.",
                        "balance_cents": 300,
                        "lines": [
                            {"line": 1, "ean": "9782091729107", "code": "insufficient_balance", "balance_cents": 300}
                        ],
                    },
                },
            ],
            "accepted": 1,
            "refused": 1,
            "debited_cents": 1250,
        },
    ),
    with_key=True,
)
@proves_terminal
def make_group(body: dict[str, Any]) -> Response:
    """A class in one round trip to the books."""
    key, till = request_key(), acting_till()
    asked = [asked_sale(sale, till.terminal_id) for sale in body["sales"]]
    answered = ask(till, key, request_hash(body), asked, all_or_nothing=body["mode"] == "all_or_nothing")
    accepted = [sale for sale in answered if sale.refusal is None]
    return answer(
        {
            "results": [_result(sale) for sale in answered],
            "accepted": len(accepted),
            "refused": len(answered) - len(accepted),
            "debited_cents": sum(sale.amount for sale in accepted),
        },
        headers=REPLAYED if answered[0].replayed else {},
    )


def _result(sale: AnsweredSale) -> dict[str, Any]:
    if sale.refusal is None:
        return {"item": sale.item - 1, "outcome": "accepted", "sale": sale_json(sale)}
    return {"item": sale.item - 1, "outcome": "refused", "refusal": refusal_json(sale)}
