"""What a till sends in order to sell, and what it is answered; shared by sales, groups and holds."""

from typing import Any

import marshmallow as ma

from ledger.refusals import Refusal
from partner_portal.resources import fields
from partner_portal.resources.fields import LARGEST_AMOUNT, AnswerSchema, RequestSchema, Whole

MOST_LINES = 50
MOST_SALES = 100
CODE = "AAUZ2N4LSM4UBUAAAC2T7WQKJ5XH3VGD"
LOOKUP = "WzQ3MTEsNywxNzkwMDAwMDAwXQ.q1n0d3xH0mJ5Zb9cV8sY2kLwPfR7tUeGiAoB4vNzXhM"
SALE_ID = "48213"


class LineAsked(RequestSchema):
    """One licence or article."""

    ean = fields.ean(required=True)
    price_cents = Whole(
        least=1, most=LARGEST_AMOUNT, required=True, metadata={"description": "Prix demandé, au plus le coût réel."}
    )


class SaleAsked(RequestSchema):
    """One student's sale: what was scanned (`code` or `lookup_token`, not both) and what is taken."""

    json_schema = {"oneOf": [{"required": ["code"]}, {"required": ["lookup_token"]}]}  # noqa: RUF012

    code = fields.text(512, "Texte du code QR scanné.", example=CODE)
    lookup_token = fields.text(512, "Jeton reçu de `POST /lookups`.", example=LOOKUP)
    lines = ma.fields.List(
        ma.fields.Nested(LineAsked),
        required=True,
        validate=ma.validate.Length(1, MOST_LINES, error=f"De 1 à {MOST_LINES} lignes sont attendues."),
    )

    @ma.validates_schema
    def one_scan(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse none and both."""
        if ("code" in data) == ("lookup_token" in data):
            raise ma.ValidationError("Un des deux membres « code » et « lookup_token » est attendu.")


class LineAnswer(AnswerSchema):
    """One line, and what was left once it was taken."""

    line = fields.number("Numéro de la ligne, à partir de 1.")
    ean = fields.said("EAN ou ISBN")
    benefit = fields.said("Code de l’avantage qui paie")
    price_cents = fields.cents("Prix")
    balance_after_cents = fields.cents("Solde de l’avantage après cette ligne")
    usable_until = fields.day("Dernier jour d’utilisation")


class BalanceAnswer(AnswerSchema):
    """What is left of a benefit, to be told to the student."""

    benefit = fields.said("Code de l’avantage")
    balance_cents = fields.cents("Solde restant")
    usable_until = fields.day("Dernier jour d’utilisation")


class SaleAnswer(AnswerSchema):
    """A sale as it was answered: it holds only what never changes, so that a replay is the same, byte for byte."""

    sale_id = fields.said("Numéro de la vente")
    created_at = fields.instant("Instant de la vente")
    state = fields.said("`accepted`, ou `held` pour une réservation", validate=ma.validate.OneOf(["accepted", "held"]))
    lines = ma.fields.List(ma.fields.Nested(LineAnswer), required=True)
    debited_cents = fields.cents("Montant débité")
    balances = ma.fields.List(ma.fields.Nested(BalanceAnswer), required=True)
    usable_until = fields.day("Premier des derniers jours d’utilisation")
    held_until = ma.fields.String(metadata={"format": "date-time", "description": "Fin de la réservation (UTC)"})
    held_cents = ma.fields.Integer(metadata={"description": "Montant réservé, pour une réservation."})


class RefusedLine(AnswerSchema):
    """A line that stands in the way of its sale."""

    line = fields.number("Numéro de la ligne, à partir de 1.")
    ean = fields.said("EAN ou ISBN")
    code = fields.said("Motif", validate=ma.validate.OneOf([refusal.value for refusal in Refusal]))
    balance_cents = ma.fields.Integer(metadata={"description": "Solde de l’élève pour l’avantage qui paierait."})


SALE_EXAMPLE: dict[str, Any] = {
    "sale_id": SALE_ID,
    "created_at": "2026-09-03T08:05:12.482Z",
    "state": "accepted",
    "lines": [
        {
            "line": 1,
            "ean": "9782091729107",
            "benefit": "books",
            "price_cents": 1250,
            "balance_after_cents": 5750,
            "usable_until": "2027-06-30",
        }
    ],
    "debited_cents": 1250,
    "balances": [{"benefit": "books", "balance_cents": 5750, "usable_until": "2027-06-30"}],
    "usable_until": "2027-06-30",
}
ASKED_EXAMPLE = {"code": CODE, "lines": [{"ean": "9782091729107", "price_cents": 1250}]}
