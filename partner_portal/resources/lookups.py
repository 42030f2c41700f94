"""Look-ups: whose card this is, and what its student can spend here."""

from typing import Any

import marshmallow as ma
from flask import Response

from ledger.refusals import Refusal
from ledger.wallets import look_up
from partner_portal.api import ApiBlueprint
from partner_portal.auth.principals import acting_partner_id
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources import fields
from partner_portal.resources.answers import answer, utc
from partner_portal.resources.fields import AnswerSchema, RequestSchema
from partner_portal.resources.operations import Answer, Asked, operation
from partner_portal.resources.sale_schemas import CODE, LOOKUP
from partner_portal.resources.scans import give_token, read_scan
from partner_portal.resources.student_schemas import (
    STUDENT_EXAMPLE,
    WALLET_EXAMPLE,
    StudentAnswer,
    wallet_json,
    wallets,
)
from partner_portal.resources.tills import acting_till

blueprint = ApiBlueprint("cartes", __name__, description="Lire la carte d’un élève avant de vendre.")


class LookupAsked(RequestSchema):
    """What was scanned."""

    code = fields.text(512, "Texte du code QR scanné.", required=True, example=CODE)


class LookupAnswer(AnswerSchema):
    """Who it is, what is left, and the token that stands for this scan in the sales that follow."""

    lookup_token = fields.said("À donner dans les ventes qui suivent, à cette caisse.")
    expires_at = fields.instant("Fin de validité du jeton")
    student = ma.fields.Nested(StudentAnswer, required=True)
    benefits = wallets()


@operation(
    blueprint,
    "POST",
    "/lookups",
    "students.look_up",
    "Lire une carte",
    description="Ne montre que les avantages que l’établissement accepte. Le code d’un téléphone ne vaut qu’une "
    "minute et qu’à une caisse : c’est le jeton qui le représente ensuite.",
    asked=Asked(LookupAsked, example={"code": CODE}),
    answer=Answer(
        LookupAnswer,
        {
            "lookup_token": LOOKUP,
            "expires_at": "2026-09-03T16:05:12.000Z",
            "student": STUDENT_EXAMPLE,
            "benefits": [WALLET_EXAMPLE],
        },
    ),
    problems=(
        "unknown_card",
        "card_revoked",
        "code_expired",
        "student_not_enrolled",
        "partner_not_validated",
        "partner_suspended",
    ),
)
def make_lookup(body: dict[str, Any]) -> Response:
    """Whose card it is."""
    till = acting_till()
    card_id = read_scan(body["code"], till.terminal_id)
    if isinstance(card_id, Refusal):
        raise Problem(card_id)
    with portal().reading() as conn:
        holder = look_up(conn, card_id, partner_id=acting_partner_id())
    if isinstance(holder, Refusal):
        raise Problem(holder)
    given = give_token(card_id, till.terminal_id)
    return answer(
        {
            "lookup_token": given.token,
            "expires_at": utc(given.expires_at),
            "student": {
                "first_name": holder.first_name,
                "initial": holder.initial,
                "class_name": holder.class_name,
            },
            "benefits": [wallet_json(wallet) for wallet in holder.wallets],
        }
    )
