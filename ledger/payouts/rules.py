"""What becomes of what is owed to one partner: paid, carried over or held back, and what the approvers are told.

Pure functions on values. Amounts are in cents. The rules are those of the payout protocol: the net of sales and refunds
is paid; a net at or below zero, or below the minimum, goes over to the next run; doubts about the partner or its
account hold the amount back, with a reason that is shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ledger.identifiers import InvalidIdentifier, check_iban


class Hold(StrEnum):
    """Why an amount that is owed is not in the run."""

    NOTHING_DUE = "nothing_due"
    BELOW_MINIMUM = "below_minimum"
    PARTNER_SUSPENDED = "partner_suspended"
    PARTNER_NOT_VALIDATED = "partner_not_validated"
    NO_BANK_ACCOUNT = "no_bank_account"
    BANK_ACCOUNT_COOLING_OFF = "bank_account_cooling_off"
    BANK_ACCOUNT_BLOCKED = "bank_account_blocked"
    IBAN_WRONG = "iban_wrong"
    NAME_UNWRITABLE = "name_unwritable"
    PAYEE_IS_PAYER = "payee_is_payer"
    ABOVE_PAYMENT_LIMIT = "above_payment_limit"
    ABOVE_WEEKLY_LIMIT = "above_weekly_limit"

    @property
    def carried(self) -> bool:
        """Whether the next run simply takes it over; everything else needs somebody to act."""
        return self in (Hold.NOTHING_DUE, Hold.BELOW_MINIMUM)

    @property
    def words(self) -> str:
        """In French, for accountants."""
        return _HOLD_WORDS[self]


_HOLD_WORDS = {
    Hold.NOTHING_DUE: "les remboursements atteignent ou dépassent les ventes",
    Hold.BELOW_MINIMUM: "inférieur au minimum d’un virement",
    Hold.PARTNER_SUSPENDED: "partenaire suspendu",
    Hold.PARTNER_NOT_VALIDATED: "partenariat non validé",
    Hold.NO_BANK_ACCOUNT: "aucun compte bancaire validé",
    Hold.BANK_ACCOUNT_COOLING_OFF: "nouveau compte bancaire, délai de sûreté en cours",
    Hold.BANK_ACCOUNT_BLOCKED: "compte bancaire bloqué, à vérifier",
    Hold.IBAN_WRONG: "IBAN incorrect",
    Hold.NAME_UNWRITABLE: "nom du titulaire impossible à écrire dans un virement",
    Hold.PAYEE_IS_PAYER: "compte du payeur lui-même",
    Hold.ABOVE_PAYMENT_LIMIT: "au-dessus du plafond d’un virement",
    Hold.ABOVE_WEEKLY_LIMIT: "au-dessus du plafond hebdomadaire d’un partenaire",
}


class Flag(StrEnum):
    """What the approvers of a run are told about a payment, or about the run."""

    FIRST_PAYMENT = "first_payment"
    IBAN_CHANGED = "iban_changed"
    IBAN_SHARED = "iban_shared"
    FOREIGN_IBAN = "foreign_iban"
    PAYEE_DIFFERS = "payee_differs"
    ABOVE_USUAL = "above_usual"
    REISSUE = "reissue"
    SINGLE_PAYMENT = "single_payment"
    ABOVE_RUN_LIMIT = "above_run_limit"

    @property
    def words(self) -> str:
        """In French, in a few words."""
        return _FLAG_WORDS[self]


_FLAG_WORDS = {
    Flag.FIRST_PAYMENT: "premier virement",
    Flag.IBAN_CHANGED: "IBAN modifié depuis le dernier virement",
    Flag.IBAN_SHARED: "IBAN commun à plusieurs partenaires",
    Flag.FOREIGN_IBAN: "IBAN étranger",
    Flag.PAYEE_DIFFERS: "nom du titulaire non confirmé par la banque",
    Flag.ABOVE_USUAL: "montant inhabituel",
    Flag.REISSUE: "réémission d’un virement rejeté ou retourné",
    Flag.SINGLE_PAYMENT: "un seul virement, que la banque vérifie comme un virement isolé",
    Flag.ABOVE_RUN_LIMIT: "au-dessus du plafond d’une campagne, qui ne peut pas être approuvée",
}


@dataclass(frozen=True, slots=True)
class Payer:
    """The account that pays, as the bank knows it."""

    name: str
    iban: str
    bic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which conditions a run is frozen; they become part of what is approved. Amounts are in cents."""

    payer: Payer
    bank_profile: Mapping[str, Any]
    """How the bank wants its file: values that JSON can hold, opaque here."""
    minimum: int = 1
    """Less than this is carried over."""
    payment_limit: int = 99_999_999_999
    """More than this in one payment is held back."""
    weekly_limit: int = 99_999_999_999
    """More than this to one partner within seven days of cut-offs is held back."""
    run_limit: int = 99_999_999_999
    """A run above this cannot be approved."""
    advance_ceiling: int | None = None
    """What the paying account may have advanced at any time; None where it has no such ceiling. See `advance`."""
    unusual_times: int = 3
    """From this many times the partner's median payment on, the approvers are told."""


@dataclass(frozen=True, slots=True)
class Account:
    """The bank account of a partner that is in force. `check` is the bank's last word on name and IBAN."""

    id: int
    holder: str
    iban: str
    bic: str | None
    usable_from: datetime
    blocked: bool
    shared: bool
    """Whether another partner has the same IBAN."""
    check: str | None


@dataclass(frozen=True, slots=True)
class History:
    """What was paid to a partner before. The median is over its last twelve payments, None before the third."""

    last_iban: str | None
    median: int | None
    recent: int
    """Cents in other live runs with a cut-off less than seven days before this one's."""


@dataclass(frozen=True, slots=True)
class Due:
    """All that is owed to a partner at a cut-off and in no run. `amount` is the net in cents, of any sign."""

    partner_id: int
    siren: str
    status: str
    amount: int
    transfers: int
    transfers_digest: str
    reissue: int
    """How often the bank has sent (part of) it back."""
    account: Account | None
    history: History


def hold(due: Due, terms: Terms, now: datetime) -> Hold | None:
    """Why the amount is not paid now, the most telling reason first; None if it is paid."""
    account = due.account
    if due.amount <= 0:
        return Hold.NOTHING_DUE
    if due.status == "suspended":
        return Hold.PARTNER_SUSPENDED
    if due.status != "validated":
        return Hold.PARTNER_NOT_VALIDATED
    if account is None:
        return Hold.NO_BANK_ACCOUNT
    if account.blocked:
        return Hold.BANK_ACCOUNT_BLOCKED
    if account.usable_from > now:
        return Hold.BANK_ACCOUNT_COOLING_OFF
    if not _payable(account.iban):
        return Hold.IBAN_WRONG
    if account.iban == terms.payer.iban:
        return Hold.PAYEE_IS_PAYER
    if not _writable(account.holder):
        return Hold.NAME_UNWRITABLE
    if due.amount > terms.payment_limit:
        return Hold.ABOVE_PAYMENT_LIMIT
    if due.amount + due.history.recent > terms.weekly_limit:
        return Hold.ABOVE_WEEKLY_LIMIT
    return Hold.BELOW_MINIMUM if due.amount < terms.minimum else None


def flags(due: Due, account: Account, terms: Terms) -> tuple[Flag, ...]:
    """What the approvers are told about the payment of `due` to `account`."""
    history = due.history
    told = {
        Flag.FIRST_PAYMENT: history.last_iban is None,
        Flag.IBAN_CHANGED: history.last_iban not in (None, account.iban),
        Flag.IBAN_SHARED: account.shared,
        Flag.FOREIGN_IBAN: not account.iban.startswith("FR"),
        Flag.PAYEE_DIFFERS: account.check in ("close_match", "no_match"),
        Flag.ABOVE_USUAL: history.median is not None and due.amount >= terms.unusual_times * history.median,
        Flag.REISSUE: due.reissue > 0,
    }
    return tuple(flag for flag, is_so in told.items() if is_so)


def run_flags(payments: int, amount: int, terms: Terms) -> tuple[Flag, ...]:
    """What the approvers are told about a run as a whole."""
    told = {Flag.SINGLE_PAYMENT: payments == 1, Flag.ABOVE_RUN_LIMIT: amount > terms.run_limit}
    return tuple(flag for flag, is_so in told.items() if is_so)


def _payable(iban: str) -> bool:
    try:
        return check_iban(iban) == iban
    except InvalidIdentifier:
        return False


def _writable(name: str) -> bool:
    """Whether a letter or digit is left once the name is brought into the characters that every bank takes."""
    return any(char.isascii() and char.isalnum() for char in unicodedata.normalize("NFKD", name))
