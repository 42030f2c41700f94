"""How movements and payments are called in front of a school."""

from ledger.bank_messages import Reason
from ledger.partner_activity import Movement
from ledger.return_reasons import words

STATES: dict[str, tuple[str, str]] = {
    "planned": ("En préparation", "info"),
    "issued": ("Remis à la banque", "info"),
    "booked": ("Versé", "success"),
    "rejected": ("Rejeté par la banque", "danger"),
    "returned": ("Retourné par la banque", "danger"),
}
"""By the state of a payment: its words, and the tone of its badge."""

KINDS = {
    "sale": "Vente",
    "refund": "Annulation",
    "payout": "Virement",
    "payout_reopened": "Virement revenu",
    "write_off": "Régularisation",
}

FILTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ventes": ("Ventes", ("sale",)),
    "annulations": ("Annulations", ("refund",)),
    "virements": ("Virements", ("payout", "payout_reopened", "write_off")),
}
"""What a statement can be reduced to, by its name in the address: its words, and the kinds of movements."""


def kind_of(movement: Movement) -> str:
    """What sort of movement it is."""
    return KINDS.get(movement.kind, "Mouvement")


def subject_of(movement: Movement) -> str:
    """What it is about: a licence, or a payment by the reference on the bank statement."""
    if movement.title:
        return movement.title
    if movement.end_to_end_id:
        return f"Référence {movement.end_to_end_id}"
    return "En préparation" if movement.kind == "payout" else ""


def student_of(movement: Movement) -> str:
    """Whose sale it was: "Léa M."."""
    return f"{movement.first_name} {movement.initial}." if movement.initial else movement.first_name


def reason_of(code: str | None) -> str:
    """Why a payment came back, from the code that the bank gave."""
    return words([Reason(code=code)]) if code else "La banque n’a pas dit pourquoi."
