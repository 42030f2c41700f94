"""Sales: the redemption itself, and sales read again."""

from typing import Any

import marshmallow as ma
from flask import Response

from ledger import sold
from ledger.calendar import last_day_before
from partner_portal.api import ApiBlueprint
from partner_portal.auth.gate import proves_terminal
from partner_portal.auth.principals import acting_partner_id
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources import fields, sale_answers
from partner_portal.resources.answers import readable, utc
from partner_portal.resources.cursors import cursor_after, number_in
from partner_portal.resources.fields import AnswerSchema, PageAsked
from partner_portal.resources.keys import request_hash, request_key
from partner_portal.resources.operations import Answer, Asked, operation
from partner_portal.resources.sale_schemas import ASKED_EXAMPLE, SALE_EXAMPLE, SALE_ID, SaleAnswer, SaleAsked
from partner_portal.resources.student_schemas import STUDENT_EXAMPLE, StudentAnswer
from partner_portal.resources.tills import acting_till, ask

blueprint = ApiBlueprint("ventes", __name__, description="Débiter un élève, relire ses ventes.")
SALE_REFUSALS = (
    "partner_not_validated",
    "partner_suspended",
    "unknown_card",
    "card_revoked",
    "code_expired",
    "student_not_enrolled",
    "product_not_covered",
    "benefit_not_accepted",
    "benefit_not_granted",
    "deadline_passed",
    "price_above_real_cost",
    "limit_reached",
    "insufficient_balance",
)
STATES = ["accepted", "partly_cancelled", "cancelled", "held", "voided", "expired", "refused"]


class SoldLineAnswer(AnswerSchema):
    """One line, and what has become of it."""

    line = fields.number("Numéro de la ligne, à partir de 1.")
    ean = fields.said("EAN ou ISBN")
    title = fields.said("Titre")
    benefit = fields.said("Code de l’avantage qui paie")
    price_cents = fields.cents("Prix")
    state = fields.said("État de la ligne", validate=ma.validate.OneOf(STATES))


class LabelledBalance(AnswerSchema):
    """What was left of a benefit, as the student was told last about this sale."""

    benefit = fields.said("Code de l’avantage")
    label = fields.said("Nom de l’avantage")
    balance_cents = fields.cents("Solde après la vente, ou après sa dernière annulation")
    usable_until = fields.day("Dernier jour d’utilisation")


class SoldAnswer(AnswerSchema):
    """A sale read again: with names, and with what has become of it."""

    sale_id = fields.said("Numéro de la vente")
    created_at = fields.instant("Instant de la vente")
    state = fields.said("État de la vente", validate=ma.validate.OneOf(STATES))
    student = ma.fields.Nested(StudentAnswer, required=True)
    lines = ma.fields.List(ma.fields.Nested(SoldLineAnswer), required=True)
    debited_cents = fields.cents("Montant débité à la vente")
    refunded_cents = fields.cents("Montant rendu depuis")
    balances = ma.fields.List(ma.fields.Nested(LabelledBalance), required=True)
    usable_until = ma.fields.String(
        required=True, allow_none=True, metadata={"format": "date", "description": "Premier des derniers jours."}
    )
    terminal_id = fields.said("Caisse qui a vendu")
    held_cents = ma.fields.Integer(metadata={"description": "Montant encore réservé, pour une réservation."})
    held_until = ma.fields.String(metadata={"format": "date-time", "description": "Fin de la réservation."})
    refusal = ma.fields.String(metadata={"description": "Motif, pour une vente refusée."})


class SoldPage(AnswerSchema):
    """Sales, the latest first."""

    items = ma.fields.List(ma.fields.Nested(SoldAnswer), required=True)
    next_cursor = fields.next_cursor()


SOLD_EXAMPLE: dict[str, Any] = {
    "sale_id": SALE_ID,
    "created_at": "2026-09-03T08:05:12.482Z",
    "state": "accepted",
    "student": STUDENT_EXAMPLE,
    "lines": [
        {
            "line": 1,
            "ean": "9782091729107",
            "title": "Mathématiques 2de, licence élève",
            "benefit": "books",
            "price_cents": 1250,
            "state": "accepted",
        }
    ],
    "debited_cents": 1250,
    "refunded_cents": 0,
    "balances": [
        {"benefit": "books", "label": "Livres scolaires", "balance_cents": 5750, "usable_until": "2027-06-30"}
    ],
    "usable_until": "2027-06-30",
    "terminal_id": "7",
}


def sold_json(sale: sold.SoldSale) -> dict[str, Any]:
    """A sale as it is read again."""
    days = [last_day_before(line.usable_until) for line in sale.lines if line.usable_until]
    told: dict[str, Any] = {
        "sale_id": str(sale.sale_id),
        "created_at": utc(sale.sold_at),
        "state": sale.state,
        "student": {"first_name": sale.first_name, "initial": sale.initial, "class_name": sale.class_name},
        "lines": [
            {
                "line": line.line,
                "ean": f"{line.ean:013}",
                "title": line.title,
                "benefit": line.benefit,
                "price_cents": line.price,
                "state": line.state,
            }
            for line in sale.lines
        ],
        "debited_cents": sale.debited,
        "refunded_cents": sale.refunded,
        "balances": [
            {
                "benefit": left.benefit,
                "label": left.label,
                "balance_cents": left.balance,
                "usable_until": last_day_before(left.usable_until).isoformat(),
            }
            for left in sale.left
        ],
        "usable_until": min(days).isoformat() if days else None,
        "terminal_id": str(sale.terminal_id),
    }
    if sale.held_until is not None:
        told |= {"held_cents": sale.held, "held_until": utc(sale.held_until)}
    if sale.refusal is not None:
        told["refusal"] = sale.refusal.value
    return told


@operation(
    blueprint,
    "POST",
    "/sales",
    "sales.make",
    "Débiter un élève",
    description="La vente est dans les comptes quand la réponse arrive. Un refus est définitif pour sa clé : après un "
    "nouveau scan ou une correction, prenez une nouvelle clé. Sans réponse, renvoyez la même demande avec la même clé.",
    asked=Asked(SaleAsked, example=ASKED_EXAMPLE),
    answer=Answer(SaleAnswer, SALE_EXAMPLE, 201),
    problems=SALE_REFUSALS,
    with_key=True,
)
@proves_terminal
def make_sale(body: dict[str, Any]) -> Response:
    """One sale, in one round trip to the books."""
    key, till = request_key(), acting_till()
    (sale,) = ask(till, key, request_hash(body), [sale_answers.asked_sale(body, till.terminal_id)])
    return sale_answers.sale_answer(sale)


@operation(
    blueprint,
    "GET",
    "/sales",
    "sales.read",
    "Relire ses ventes",
    description="Les ventes de toutes les caisses de l’établissement, la dernière d’abord.",
    asked=Asked(PageAsked, location="query"),
    answer=Answer(SoldPage, {"items": [SOLD_EXAMPLE], "next_cursor": None}),
)
def list_sales(asked: dict[str, Any]) -> Response:
    """The partner's sales, page by page."""
    before = number_in("sales", asked["cursor"])
    with portal().reading() as conn:
        found = sold.sales_of_partner(conn, acting_partner_id(), before=before, limit=asked["limit"] + 1)
    page = found[: asked["limit"]]
    following = cursor_after("sales", page[-1][0]) if len(found) > len(page) else None
    return readable({"items": [sold_json(sale) for _, sale in page], "next_cursor": following})


@operation(
    blueprint,
    "GET",
    "/sales/<id:sale_id>",
    "sales.read",
    "Relire une vente",
    answer=Answer(SoldAnswer, SOLD_EXAMPLE),
    problems=("not_found",),
)
def read_sale(sale_id: int) -> Response:
    """One sale of the partner; another partner's is not there."""
    with portal().reading() as conn:
        sale = sold.sale_of_partner(conn, sale_id, acting_partner_id())
    if sale is None:
        raise Problem("not_found", "Cette vente n’existe pas.")
    return readable(sold_json(sale))
