"""Payouts: the weekly transfers that a school receives, explained to the cent."""

from typing import Any

import marshmallow as ma
from flask import Response

from ledger.identifiers import mask_iban
from ledger.payouts import received
from ledger.payouts.received import Received
from partner_portal.api import ApiBlueprint
from partner_portal.auth.principals import acting_partner_id
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources import fields
from partner_portal.resources.answers import readable, utc
from partner_portal.resources.cursors import cursor_after, number_in
from partner_portal.resources.fields import AnswerSchema, PageAsked
from partner_portal.resources.operations import Answer, Asked, operation

blueprint = ApiBlueprint("versements", __name__, description="Les virements hebdomadaires, au centime près.")
STATES = ["planned", "issued", "booked", "rejected", "returned"]


class PayoutAnswer(AnswerSchema):
    """One transfer to the school's bank account."""

    payout_id = fields.said("Numéro du versement")
    reference = fields.said("Campagne de versement : la semaine, ou un numéro en `-X` pour un versement exceptionnel")
    last_day = fields.day("Dernier jour de ce qu’il paie")
    amount_cents = fields.cents("Montant")
    transfers = fields.number("Nombre d’écritures qu’il paie")
    state = fields.said(
        "`planned` en préparation, `issued` remis à la banque, `booked` exécuté, `rejected` rejeté, "
        "`returned` retourné",
        validate=ma.validate.OneOf(STATES),
    )
    state_reason = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Code ISO du rejet ou du retour"}
    )
    end_to_end_id = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Référence de bout en bout, telle que sur le relevé bancaire de l’établissement"},
    )
    execution_date = ma.fields.String(
        required=True, allow_none=True, metadata={"format": "date", "description": "Date d’exécution demandée"}
    )
    iban = fields.said("Compte crédité, masqué")


class PayoutPage(AnswerSchema):
    """Transfers, the latest first."""

    items = ma.fields.List(ma.fields.Nested(PayoutAnswer), required=True)
    next_cursor = fields.next_cursor()


class PayoutLineAnswer(AnswerSchema):
    """One movement that a transfer pays."""

    posted_at = fields.instant("Instant de l’écriture")
    kind = fields.said("Nature : `sale`, `refund`, `payout_reopened`, `write_off`")
    amount_cents = fields.cents("Montant, négatif pour ce qui a été rendu")
    sale_id = ma.fields.String(required=True, allow_none=True, metadata={"description": "Vente"})
    line = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "Ligne de la vente"})
    ean = ma.fields.String(required=True, allow_none=True, metadata={"description": "EAN ou ISBN"})
    title = ma.fields.String(required=True, allow_none=True, metadata={"description": "Titre"})


class PayoutLinePage(AnswerSchema):
    """Movements, in the order of the books; over all pages they add up to the transfer's amount."""

    items = ma.fields.List(ma.fields.Nested(PayoutLineAnswer), required=True)
    next_cursor = fields.next_cursor()


PAYOUT_EXAMPLE = {
    "payout_id": "91",
    "reference": "2026-W36",
    "last_day": "2026-09-06",
    "amount_cents": 482500,
    "transfers": 386,
    "state": "booked",
    "state_reason": None,
    "end_to_end_id": "ATOUTS-000012-000091",
    "execution_date": "2026-09-08",
    "iban": "FR76 •••• 0189",
}
LINE_EXAMPLE = {
    "posted_at": "2026-09-03T08:05:12.482Z",
    "kind": "sale",
    "amount_cents": 1250,
    "sale_id": "48213",
    "line": 1,
    "ean": "9782091729107",
    "title": "Mathématiques 2de, licence élève",
}


def payout_json(payment: Received) -> dict[str, Any]:
    """A transfer as the API tells it."""
    return {
        "payout_id": str(payment.payment_id),
        "reference": payment.reference,
        "last_day": payment.last_day.isoformat(),
        "amount_cents": payment.amount,
        "transfers": payment.transfers,
        "state": payment.state,
        "state_reason": payment.state_reason,
        "end_to_end_id": payment.end_to_end_id,
        "execution_date": payment.execution_date.isoformat() if payment.execution_date else None,
        "iban": mask_iban(payment.iban),
    }


@operation(
    blueprint,
    "GET",
    "/payouts",
    "partner.statement",
    "Relire les versements",
    asked=Asked(PageAsked, location="query"),
    answer=Answer(PayoutPage, {"items": [PAYOUT_EXAMPLE], "next_cursor": None}),
)
def list_payouts(asked: dict[str, Any]) -> Response:
    """The transfers to the school."""
    before = number_in("payouts", asked["cursor"])
    with portal().engine.connect() as conn:
        found = received.payments(conn, acting_partner_id(), before=before, limit=asked["limit"] + 1)
    page = found[: asked["limit"]]
    following = cursor_after("payouts", page[-1].payment_id) if len(found) > len(page) else None
    return readable({"items": [payout_json(payment) for payment in page], "next_cursor": following})


@operation(
    blueprint,
    "GET",
    "/payouts/<id:payout_id>",
    "partner.statement",
    "Relire un versement",
    answer=Answer(PayoutAnswer, PAYOUT_EXAMPLE),
    problems=("not_found",),
)
def read_payout(payout_id: int) -> Response:
    """One transfer to the school; another school's is not there."""
    with portal().engine.connect() as conn:
        payment = received.payment(conn, acting_partner_id(), payout_id)
    if payment is None:
        raise _not_there()
    return readable(payout_json(payment))


@operation(
    blueprint,
    "GET",
    "/payouts/<id:payout_id>/lines",
    "partner.statement",
    "Relire les lignes d’un versement",
    asked=Asked(PageAsked, location="query"),
    answer=Answer(PayoutLinePage, {"items": [LINE_EXAMPLE], "next_cursor": None}),
    problems=("not_found",),
)
def list_lines(asked: dict[str, Any], payout_id: int) -> Response:
    """What one transfer to the school is made of."""
    after = number_in("lines", asked["cursor"]) or 0
    with portal().engine.connect() as conn:
        if received.payment(conn, acting_partner_id(), payout_id) is None:
            raise _not_there()
        found = received.lines(conn, payout_id, after=after, limit=asked["limit"] + 1)
    page = found[: asked["limit"]]
    following = cursor_after("lines", page[-1].transfer_id) if len(found) > len(page) else None
    items = [
        {
            "posted_at": utc(line.posted_at),
            "kind": line.kind,
            "amount_cents": line.amount,
            "sale_id": None if line.sale_id is None else str(line.sale_id),
            "line": line.sale_line,
            "ean": None if line.ean is None else f"{line.ean:013}",
            "title": line.title,
        }
        for line in page
    ]
    return readable({"items": items, "next_cursor": following})


def _not_there() -> Problem:
    return Problem("not_found", "Ce versement n’existe pas.")
