"""As much of a student as a clerk sees, and what a student has."""

from typing import Any

import marshmallow as ma

from ledger.calendar import last_day_before
from ledger.wallets import Wallet
from partner_portal.resources import fields
from partner_portal.resources.fields import AnswerSchema


class StudentAnswer(AnswerSchema):
    """Enough to see that it is the right student; empty texts once the student has been erased."""

    first_name = fields.said("Prénom")
    initial = fields.said("Première lettre du nom")
    class_name = fields.said("Classe")


class WalletAnswer(AnswerSchema):
    """What a student has of one benefit of the current school year."""

    benefit = fields.said("Code de l’avantage")
    label = fields.said("Nom de l’avantage")
    granted_cents = fields.cents("Montant accordé par la Région")
    balance_cents = fields.cents("Solde : ce qui n’est pas dépensé")
    held_cents = fields.cents("Part du solde qui est réservée")
    available_cents = fields.cents("Ce qui peut être débité maintenant")
    usable_until = fields.day("Dernier jour d’utilisation")


STUDENT_EXAMPLE = {"first_name": "Léa", "initial": "M", "class_name": "2de 4"}
WALLET_EXAMPLE = {
    "benefit": "books",
    "label": "Livres scolaires",
    "granted_cents": 7000,
    "balance_cents": 7000,
    "held_cents": 0,
    "available_cents": 7000,
    "usable_until": "2027-06-30",
}


def wallet_json(wallet: Wallet) -> dict[str, str | int]:
    """A wallet as it is told."""
    return {
        "benefit": wallet.benefit,
        "label": wallet.label,
        "granted_cents": wallet.granted,
        "balance_cents": wallet.balance,
        "held_cents": wallet.held,
        "available_cents": wallet.available,
        "usable_until": last_day_before(wallet.usable_until).isoformat(),
    }


def wallets() -> ma.fields.Field[Any]:
    """What a student has, in an answer."""
    return ma.fields.List(ma.fields.Nested(WalletAnswer), required=True)
