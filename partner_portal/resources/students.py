"""Students: their own balances and history, and nobody else's. Who asks is who it is about: no address names them."""

from typing import Any

import marshmallow as ma
from flask import Response

from ledger import wallets
from partner_portal.api import ApiBlueprint
from partner_portal.auth.principals import current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources import fields, student_schemas
from partner_portal.resources.answers import readable, utc
from partner_portal.resources.cursors import cursor_after, number_in
from partner_portal.resources.fields import AnswerSchema, PageAsked
from partner_portal.resources.operations import Answer, Asked, operation
from partner_portal.resources.student_schemas import WALLET_EXAMPLE, wallet_json

blueprint = ApiBlueprint("élève", __name__, description="Ses propres avantages.")
KINDS = ["grant", "sale", "refund", "lapse", "grant_withdrawal"]


class WalletsAnswer(AnswerSchema):
    """What the student has this school year."""

    benefits = student_schemas.wallets()


class MovementAnswer(AnswerSchema):
    """One movement of the student's money."""

    posted_at = fields.instant("Instant de l’écriture")
    kind = fields.said(
        "`grant` accordé, `sale` débité, `refund` rendu, `lapse` perdu à la date limite, `grant_withdrawal` retiré",
        validate=ma.validate.OneOf(KINDS),
    )
    benefit = fields.said("Code de l’avantage")
    label = fields.said("Nom de l’avantage")
    amount_cents = fields.cents("Montant, négatif pour ce qui sort")
    partner = ma.fields.String(required=True, allow_none=True, metadata={"description": "Établissement qui a débité"})
    title = ma.fields.String(required=True, allow_none=True, metadata={"description": "Article"})


class MovementPage(AnswerSchema):
    """Movements, the latest first."""

    items = ma.fields.List(ma.fields.Nested(MovementAnswer), required=True)
    next_cursor = fields.next_cursor()


@operation(
    blueprint,
    "GET",
    "/student/wallets",
    "wallet.read",
    "Lire ses avantages",
    answer=Answer(WalletsAnswer, {"benefits": [WALLET_EXAMPLE]}),
)
def read_wallets() -> Response:
    """What the student who asks has."""
    with portal().reading() as conn:
        found = wallets.wallets_of(conn, _own_id())
    return readable({"benefits": [wallet_json(wallet) for wallet in found]})


@operation(
    blueprint,
    "GET",
    "/student/history",
    "wallet.read",
    "Relire ses opérations",
    asked=Asked(PageAsked, location="query"),
    answer=Answer(
        MovementPage,
        {
            "items": [
                {
                    "posted_at": "2026-09-03T08:05:12.482Z",
                    "kind": "sale",
                    "benefit": "books",
                    "label": "Livres scolaires",
                    "amount_cents": -1250,
                    "partner": "Lycée Malherbe",
                    "title": "Mathématiques 2de, licence élève",
                }
            ],
            "next_cursor": None,
        },
    ),
)
def read_history(asked: dict[str, Any]) -> Response:
    """What happened to the money of the student who asks."""
    before = number_in("history", asked["cursor"])
    with portal().reading() as conn:
        found = wallets.history(conn, _own_id(), before=before, limit=asked["limit"] + 1)
    page = found[: asked["limit"]]
    following = cursor_after("history", page[-1].number) if len(found) > len(page) else None
    items = [
        {
            "posted_at": utc(movement.posted_at),
            "kind": movement.kind,
            "benefit": movement.benefit,
            "label": movement.label,
            "amount_cents": movement.amount,
            "partner": movement.partner,
            "title": movement.title,
        }
        for movement in page
    ]
    return readable({"items": items, "next_cursor": following})


def _own_id() -> int:
    student_id = current_principal().id
    if student_id is None:
        raise Problem("unauthenticated")
    return student_id
