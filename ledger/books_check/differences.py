"""What the check of the books can find: the promises of the books, and a difference from one of them."""

from dataclasses import dataclass
from enum import StrEnum


class Promise(StrEnum):
    """A promise of the books that the check proves; `SENTENCES` tells each in French."""

    SIDES_FIT = "sides_fit"
    ACCOUNT_EXISTS = "account_exists"
    NUMBER_WAS_GIVEN_OUT = "number_was_given_out"
    POSTED_ONCE = "posted_once"
    ZERO_SUM = "zero_sum"
    BALANCE_FOLLOWS = "balance_follows"
    NEVER_NEGATIVE = "never_negative"
    HELD_FOLLOWS = "held_follows"
    REVERSAL_MIRRORS = "reversal_mirrors"
    REVERSED_ONCE = "reversed_once"
    SALE_AGREES = "sale_agrees"
    HOLD_AGREES = "hold_agrees"
    CANCELLATION_AGREES = "cancellation_agrees"
    PAID_ONCE = "paid_once"
    PAYOUT_AGREES = "payout_agrees"
    BANK_AGREES = "bank_agrees"
    GUARD_STANDS = "guard_stands"


SENTENCES: dict[Promise, str] = {
    Promise.SIDES_FIT: "Une écriture a des comptes, un montant ou une ligne impossibles pour sa nature.",
    Promise.ACCOUNT_EXISTS: "Une écriture mouvemente un compte qui n’existe pas.",
    Promise.NUMBER_WAS_GIVEN_OUT: "Une écriture porte un numéro que les livres n’ont jamais donné.",
    Promise.POSTED_ONCE: "La même pièce est comptabilisée plusieurs fois.",
    Promise.ZERO_SUM: "La somme de tous les comptes n’est pas nulle.",
    Promise.BALANCE_FOLLOWS: "Le solde enregistré n’est pas la somme des écritures.",
    Promise.NEVER_NEGATIVE: "Le solde d’un avantage a été négatif.",
    Promise.HELD_FOLLOWS: "Le montant réservé n’est pas la somme des réservations ouvertes.",
    Promise.REVERSAL_MIRRORS: "Une annulation ne correspond pas à l’écriture qu’elle annule.",
    Promise.REVERSED_ONCE: "Une écriture est annulée plusieurs fois.",
    Promise.SALE_AGREES: "Une vente et ses écritures ne concordent pas.",
    Promise.HOLD_AGREES: "Une réservation et sa vente ne concordent pas.",
    Promise.CANCELLATION_AGREES: "Une annulation de vente et ses écritures ne concordent pas.",
    Promise.PAID_ONCE: "Une écriture est payée plusieurs fois.",
    Promise.PAYOUT_AGREES: "Un virement et les écritures qu’il paie ne concordent pas.",
    Promise.BANK_AGREES: "Le compte bancaire des livres n’est pas celui des relevés.",
    Promise.GUARD_STANDS: "Une protection de la base de données manque ou est désactivée.",
}
"""What the auditor reads when a promise was broken."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the books are not what they promise.

    `subject` names the row ("account 1000000000007", "transfer 12", "sale 5 line 1"); `expected` and `found` say what
    there should be and what there is, amounts in cents.
    """

    promise: Promise
    subject: str
    expected: str
    found: str
