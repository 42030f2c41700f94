"""The shares into which an entry of the bank is divided: each is a match, a conflict or an unmatched amount."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.bank_messages import Reason
from ledger.expected import ExpectedPayment


class MatchKind(StrEnum):
    """What happened to the matched share of an entry."""

    DEBITED = "debited"
    RETURNED = "returned"
    CHARGES = "charges"
    OFFSET = "offset"
    """A movement of a rejected payment, which the bank has made good by the opposite one. Always proposed."""


class ConflictKind(StrEnum):
    """A payment that is known, yet whose story does not allow what the bank says."""

    REJECTED_YET_DEBITED = "rejected_yet_debited"
    REJECTED_AND_CREDITED = "rejected_and_credited"
    DEBITED_TWICE = "debited_twice"
    DOUBLE_CREDITED = "double_credited"
    RETURNED_TWICE = "returned_twice"
    RETURN_TAKEN_BACK = "return_taken_back"
    AMOUNT_DIFFERS = "amount_differs"


class UnmatchedKind(StrEnum):
    """Why nothing of ours explains a share."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    OTHER_CURRENCY = "other_currency"
    BATCH_TOTAL = "batch_total"
    REMAINDER = "remainder"


class Certainty(StrEnum):
    """Whether a match may be applied at once or waits for a person."""

    CERTAIN = "certain"
    PROPOSED = "proposed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of an entry. `signed_cents` is how it changes the bank account; `reason` says in French why it is so."""

    signed_cents: int
    reason: str
    detail: int | None = None
    """Number of the detail within the entry, None for what the entry says as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(Share):
    """A share that is explained by payments of ours, or by the bank's own charges."""

    kind: MatchKind
    certainty: Certainty = Certainty.CERTAIN
    keys: tuple[str, ...]
    """What agreed, by its ISO name where it has one: ("EndToEndId", "montant")."""
    payments: tuple[ExpectedPayment, ...] = ()
    """As they were known before this share."""
    told_before: bool = False
    """Another message told it already: it counts once."""
    debit_awaited: bool = False
    """The money came back before we were told that it left."""
    charges_cents: int = 0
    """What a bank kept on the way back: the payments are worth the share and this."""
    reasons: tuple[Reason, ...] = ()
    bank_references: frozenset[str] = frozenset()

    @property
    def certain(self) -> bool:
        """Whether it may be applied without asking."""
        return self.certainty is Certainty.CERTAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict(Share):
    """A share for a person to look at; its amount stays in suspense.

    The conflicts of one payment close by themselves once their amounts add up to nothing: a bank that debits a rejected
    payment usually credits it again.
    """

    kind: ConflictKind
    keys: tuple[str, ...] = ()
    """What agreed; nothing where the batch as a whole did."""
    payments: tuple[ExpectedPayment, ...]
    reasons: tuple[Reason, ...] = ()

    @property
    def named(self) -> bool:
        """Whether an id led to the payments. An amount alone proves nothing that could be learned."""
        return "montant" not in self.keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched(Share):
    """A share that nothing of ours explains: it goes to suspense."""

    kind: UnmatchedKind
