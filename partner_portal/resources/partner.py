"""A school's account: what the Region owes it, and how it came to that."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import marshmallow as ma
from flask import Response

from batch.left_out_letters import WHAT_NEXT
from ledger import partner_activity
from ledger.accounts import partner_account
from ledger.calendar import paris_date, paris_midnight
from ledger.partner_activity import LeftOut
from ledger.payouts import received
from ledger.payouts.rules import Hold
from ledger.statements import statement
from partner_portal.api import ApiBlueprint
from partner_portal.auth.principals import acting_partner_id
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources import fields
from partner_portal.resources.answers import readable, utc
from partner_portal.resources.fields import AnswerSchema, RequestSchema
from partner_portal.resources.operations import Answer, Asked, operation

blueprint = ApiBlueprint("compte", __name__, description="Ce que la Région doit à l’établissement.")
LONGEST = timedelta(days=100)
MOST_LEFT_OUT = 1000
"""More than there are runs in the longest period."""


class StandingAnswer(AnswerSchema):
    """What is owed, and where it is on its way."""

    unpaid_cents = fields.cents("Vendu et pas encore parti en virement, annulations déduites")
    planned_cents = fields.cents("Dont déjà dans une campagne de versement en préparation")
    in_transit_cents = fields.cents("Remis à la banque, dont l’exécution n’est pas encore confirmée")


class PeriodAsked(RequestSchema):
    """Which days; by default the current month so far."""

    from_day = ma.fields.Date(
        data_key="from", load_default=None, metadata={"description": "Premier jour ; par défaut le 1er du mois."}
    )
    to_day = ma.fields.Date(
        data_key="to", load_default=None, metadata={"description": "Dernier jour, inclus ; par défaut aujourd’hui."}
    )


class StatementLineAnswer(AnswerSchema):
    """One movement of the account."""

    posted_at = fields.instant("Instant de l’écriture")
    kind = fields.said("Nature : `sale`, `refund`, `payout`, `payout_reopened`, `write_off`")
    document = fields.said("Numéro de la vente, de l’annulation ou du virement")
    line = fields.number("Ligne du document")
    amount_cents = fields.cents("Montant, positif quand il est dû à l’établissement")
    balance_cents = fields.cents("Solde du compte ensuite")


class LeftOutAnswer(AnswerSchema):
    """What a payout run of the period did not pay although it was on the account."""

    reference = fields.said("Campagne de versement")
    last_day = fields.day("Dernier jour de ce que la campagne paie")
    amount_cents = fields.cents("Montant, négatif quand l’établissement doit plus qu’on ne lui doit")
    carried = ma.fields.Boolean(
        required=True,
        metadata={
            "description": "Vrai si la campagne suivante le reprend d’elle-même, faux s’il est retenu jusqu’à ce que "
            "quelqu’un agisse"
        },
    )
    reason = fields.said("Raison", validate=ma.validate.OneOf(list(Hold)))
    detail = fields.said("La raison et ce que le montant devient, en une phrase")


class StatementAnswer(AnswerSchema):
    """The account from one day to another, both included."""

    first_day = ma.fields.String(
        data_key="from", required=True, metadata={"format": "date", "description": "Premier jour"}
    )
    last_day = ma.fields.String(
        data_key="to", required=True, metadata={"format": "date", "description": "Dernier jour"}
    )
    opening_cents = fields.cents("Solde au début du premier jour")
    closing_cents = fields.cents("Solde à la fin du dernier jour")
    lines = ma.fields.List(ma.fields.Nested(StatementLineAnswer), required=True)
    left_out = ma.fields.List(
        ma.fields.Nested(LeftOutAnswer),
        required=True,
        metadata={
            "description": "Ce que les campagnes de la période n’ont pas payé, la dernière en premier. Le montant "
            "reste sur le compte : il n’est pas à ajouter au solde"
        },
    )


@operation(
    blueprint,
    "GET",
    "/partner/balance",
    "partner.balance",
    "Lire ce qui sera versé",
    answer=Answer(StandingAnswer, {"unpaid_cents": 482500, "planned_cents": 310000, "in_transit_cents": 0}),
)
def read_balance() -> Response:
    """What the school has sold and was not yet paid for."""
    with portal().reading() as conn:
        found = received.standing(conn, acting_partner_id())
    return readable({"unpaid_cents": found.unpaid, "planned_cents": found.planned, "in_transit_cents": found.issued})


@operation(
    blueprint,
    "GET",
    "/partner/statement",
    "partner.statement",
    "Lire le relevé",
    description=f"{LONGEST.days} jours au plus, comptés à l’heure de Paris.",
    asked=Asked(PeriodAsked, location="query"),
    answer=Answer(
        StatementAnswer,
        {
            "from": "2026-09-01",
            "to": "2026-09-30",
            "opening_cents": 0,
            "closing_cents": 1250,
            "lines": [
                {
                    "posted_at": "2026-09-03T08:05:12.482Z",
                    "kind": "sale",
                    "document": "48213",
                    "line": 1,
                    "amount_cents": 1250,
                    "balance_cents": 1250,
                }
            ],
            "left_out": [
                {
                    "reference": "2026-W36",
                    "last_day": "2026-09-06",
                    "amount_cents": 1250,
                    "carried": False,
                    "reason": "bank_account_cooling_off",
                    "detail": "Nouveau compte bancaire, délai de sûreté en cours. Ce montant part avec le premier "
                    "virement qui suit ce délai.",
                }
            ],
        },
    ),
)
def read_statement(asked: dict[str, Any]) -> Response:
    """The school's account over some days."""
    first, last = _period(asked["from_day"], asked["to_day"])
    start, end = paris_midnight(first), paris_midnight(last + timedelta(days=1))
    partner_id = acting_partner_id()
    with portal().reading() as conn:
        found = statement(conn, partner_account(partner_id), start, end)
        left_out = partner_activity.left_out(conn, partner_id, start, end, limit=MOST_LEFT_OUT)
    return readable(
        {
            "from": first.isoformat(),
            "to": last.isoformat(),
            "opening_cents": found.opening,
            "closing_cents": found.closing,
            "lines": [
                {
                    "posted_at": utc(line.posted_at),
                    "kind": line.kind,
                    "document": str(line.document),
                    "line": line.line,
                    "amount_cents": line.amount,
                    "balance_cents": line.balance,
                }
                for line in found.lines
            ],
            "left_out": [_left_out_json(one) for one in left_out],
        }
    )


def _left_out_json(one: LeftOut) -> dict[str, Any]:
    words = one.reason.words
    return {
        "reference": one.reference,
        "last_day": one.last_day.isoformat(),
        "amount_cents": one.amount,
        "carried": one.reason.carried,
        "reason": one.reason.value,
        "detail": f"{words[0].upper()}{words[1:]}. {WHAT_NEXT[one.reason]}",
    }


def _period(first: date | None, last: date | None) -> tuple[date, date]:
    last = last or paris_date(datetime.now(UTC))
    first = first or last.replace(day=1)
    if first.year < 2000 or last.year > 2999 or not timedelta(0) <= last - first < LONGEST:
        sentence = f"La période va d’un jour à un autre, sur {LONGEST.days} jours au plus."
        raise Problem("invalid", errors=[{"pointer": "#/from", "detail": sentence, "in": "query"}])
    return first, last
