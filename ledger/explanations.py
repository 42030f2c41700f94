"""What an entry of the bank means for the payments it speaks of.

`explain` divides an entry into shares that always add up to it, so that every cent on the bank account has a name in
the books. Nothing is decided from a reversal indicator: the direction of the movement and the payment's own story do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import TypeGuard

from ledger import match_reasons
from ledger.bank_messages import CURRENCY, Detail, Direction, Entry, MessageKind, Reason, References
from ledger.expected import Expected, ExpectedPayment, worth
from ledger.matching import Found, Transaction, find, is_charge, payee_accounts
from ledger.return_reasons import iso_code
from ledger.shares import Certainty, Conflict, ConflictKind, Match, MatchKind, Share, Unmatched, UnmatchedKind

_MOVED_ALL_THE_SAME = frozenset({ConflictKind.REJECTED_YET_DEBITED, ConflictKind.REJECTED_AND_CREDITED})


def explain(entry: Entry, told_by: MessageKind, expected: Expected) -> tuple[Share, ...]:
    """Divide an entry into shares. `told_by` says whether a statement or a notification tells it.

    An announced entry and one of another currency are one unmatched share; an entry of nothing has no share.
    """
    if not entry.booked:
        reason = f"Écriture seulement annoncée ({entry.status}), sans effet."
        return (Unmatched(signed_cents=entry.signed_cents, kind=UnmatchedKind.PENDING, reason=reason),)
    if entry.currency != CURRENCY:
        reason = f"Montant en {entry.currency}, hors de nos livres en euros."
        return (Unmatched(signed_cents=entry.signed_cents, kind=UnmatchedKind.OTHER_CURRENCY, reason=reason),)
    if entry.cents == 0:
        return ()
    return tuple(_Explanation(entry, told_by, expected).shares())


def learn(shares: Iterable[Share], told_by: MessageKind, expected: Expected) -> None:
    """Record in `expected` what the shares of an entry tell for certain, so that the next is read in their light."""
    for share in shares:
        if isinstance(share, Conflict) and share.kind is ConflictKind.DEBITED_TWICE:
            for payment in share.payments if share.named and told_by is MessageKind.STATEMENT else ():
                expected.debited_twice(payment, still=True)
        elif share_moves(share):
            references = share.bank_references if isinstance(share, Match) else frozenset()
            for payment in share.payments:
                expected.moved(payment, _direction(share.signed_cents), told_by, references)


def share_moves(share: Share) -> TypeGuard[Match | Conflict]:
    """Whether a share tells for certain that its payments were debited, or credited, be it against their story."""
    if isinstance(share, Match):
        return share.certain
    return isinstance(share, Conflict) and share.kind in _MOVED_ALL_THE_SAME and share.named


class _Explanation:
    """One entry on its way to shares."""

    def __init__(self, entry: Entry, told_by: MessageKind, expected: Expected) -> None:
        self._entry = entry
        self._told_by = told_by
        self._expected = expected
        self._taken: set[tuple[str, Direction]] = set()
        """Payments that certain shares of this very entry have used up."""

    def shares(self) -> list[Share]:
        """The shares, adding up to the entry."""
        firm: list[Share] = []
        loose: list[Share] = []
        for transaction in self._transactions():
            share = self._of_transaction(transaction)
            is_firm = share.certain if isinstance(share, Match) else isinstance(share, Conflict)
            (firm if is_firm else loose).append(share)
        rest = self._entry.signed_cents - _sum(firm)
        told_charges = -sum(charge.cents for charge in self._entry.charges)
        if rest and rest == told_charges:
            return [*firm, _charges(rest, "Chrgs", None)]
        # Most entries are explained by now: a run may be a hundred thousand payments, and is looked at only if need be.
        run = (self._run or _common_run(firm, self._expected)) if rest or loose else []
        if run and self._may_be_batch(rest, firm):
            # What single transactions leave open, the batch as a whole may explain.
            whole = self._of_run(run, rest, guess=not (firm or loose))
            if whole:
                return firm + whole
        rest -= _sum(loose)
        if rest:
            loose.append(self._remainder(rest, run))
        return firm + loose

    def _may_be_batch(self, rest: int, firm: list[Share]) -> bool:
        """Whether a batch total may be looked for: on our side of the entry, and among returns only where all are."""
        if rest == 0 or _direction(rest) is not self._entry.direction:
            return False
        return rest < 0 or (bool(self._run) and all(share.signed_cents > 0 for share in firm))

    @cached_property
    def _run(self) -> list[ExpectedPayment]:
        """The run that the entry names, itself or in its details; empty where it names none."""
        named = [(batch.payment_information_id, batch.message_id) for batch in self._entry.batches]
        named += [(d.references.payment_information_id, d.references.message_id) for d in self._entry.details]
        return self._expected.run(*(one for ids in dict.fromkeys(named) for one in ids))

    def _transactions(self) -> Iterator[Transaction]:
        entry = self._entry
        if entry.details:
            for detail, signed in zip(entry.details, self._signed_details(), strict=True):
                if signed:
                    yield Transaction(entry, detail, signed, self._told_by)
        elif not self._run:
            references = References(account_servicer_ref=entry.account_servicer_ref)
            yield Transaction(entry, Detail(number=0, references=references), entry.signed_cents, self._told_by)

    def _signed_details(self) -> list[int | None]:
        """What each detail does to our account, None where neither the bank nor the ledger knows."""
        entry = self._entry
        own: list[int | None] = []
        along: list[int | None] = []
        for detail in entry.details:
            cents = self._cents_of(detail)
            own.append(None if cents is None else (detail.direction or entry.direction).signed(cents))
            along.append(None if cents is None else entry.direction.signed(cents))
        # Details may go against their entry (a return netted in a batch), or merely be told from the other side: what
        # adds up to the entry is true.
        return along if _total(own) != entry.signed_cents == _total(along) else own

    def _cents_of(self, detail: Detail) -> int | None:
        if detail.cents is not None and detail.currency == CURRENCY:
            return detail.cents
        if len(self._entry.details) == 1:
            return self._entry.cents
        payment = self._expected.payment(detail.references.end_to_end_id)
        return None if payment is None else payment.cents

    def _of_transaction(self, transaction: Transaction) -> Share:
        found = find(transaction, self._expected)
        share: Share | None = None
        if is_charge(self._entry) and (found is None or found.payment.cents != abs(transaction.signed_cents)):
            # A fee may well quote the payment that it was taken for.
            share = _charges(transaction.signed_cents, "BkTxCd", transaction.detail.number or None)
        elif found is not None:
            share = self._of_payment(transaction, found)
        elif not payee_accounts(transaction, self._expected):
            share = self._of_total_alone(transaction)
        return share or Unmatched(
            signed_cents=transaction.signed_cents,
            detail=transaction.detail.number or None,
            kind=UnmatchedKind.UNKNOWN,
            reason=match_reasons.unknown(transaction),
        )

    def _of_payment(self, transaction: Transaction, found: Found) -> Share | None:
        """The share of one payment; None when an uncertain finding does not even agree in its amount."""
        payment, signed = found.payment, transaction.signed_cents
        short = payment.cents - abs(signed)
        returned = transaction.direction is Direction.CREDIT
        if short and not found.certain:
            return None
        state = self._state(payment, transaction.direction)
        if short < 0 or (short and not returned):
            state = ConflictKind.AMOUNT_DIFFERS
        detail = transaction.detail.number or None
        reasons = _reasons(transaction) if returned else ()
        if isinstance(state, ConflictKind):
            if found.named or found.certain:
                return self._conflict(state, [payment], signed, detail, reasons, found.keys)
            return self._match([payment], signed, keys=found.keys, certain=False, detail=detail, offset=True)
        proven = short in (0, *_known_charges(transaction)) or transaction.detail.instructed_cents == payment.cents
        return self._match(
            [payment],
            signed,
            keys=found.keys if short or "montant" in found.keys else (*found.keys, "montant"),
            certain=found.certain and proven,
            told_before=state,
            detail=detail,
            charges_cents=short,
            reasons=reasons,
            bank_references=transaction.bank_references,
        )

    def _state(self, payment: ExpectedPayment, direction: Direction) -> ConflictKind | bool:
        """Why the payment's story does not allow the movement; else whether the movement was told before."""
        debit = direction is Direction.DEBIT
        if payment.rejected:
            return ConflictKind.REJECTED_YET_DEBITED if debit else ConflictKind.REJECTED_AND_CREDITED
        if payment.doubled and not debit:
            # One of the two debits has paid the partner still: nothing is owed again for this credit.
            return ConflictKind.DOUBLE_CREDITED
        if (payment.end_to_end_id, direction) not in self._taken:
            told = payment.told(direction)
            if told is None:
                return False
            if MessageKind.NOTIFICATION in (told, self._told_by):
                return True
        if debit and payment.returned_by is not None:
            return ConflictKind.RETURN_TAKEN_BACK
        return ConflictKind.DEBITED_TWICE if debit else ConflictKind.RETURNED_TWICE

    def _of_run(self, run: list[ExpectedPayment], signed: int, *, guess: bool) -> list[Share]:
        """The shares of those payments of the run that come to exactly this amount, if some natural choice does.

        `guess` allows a proposal; not where single transactions speak for the amount.
        """
        direction = _direction(signed)
        left = [payment for payment in run if (payment.end_to_end_id, direction) not in self._taken]
        still_open = [payment for payment in left if payment.open_for(direction, self._told_by, None)]
        choices = [
            still_open,
            [payment for payment in left if not payment.rejected],
            left,
        ]
        if direction is Direction.CREDIT:
            choices.insert(0, [payment for payment in still_open if payment.debited_by])
            # It debits none but the rejected only by chance: until the others are known to be rejected too.
            choices.append([payment for payment in left if payment.rejected])
        for choice in choices:
            if worth(choice) == abs(signed):
                return self._by_state(choice, direction)
        return self._all_but_one(still_open, signed) if guess else []

    def _by_state(self, payments: list[ExpectedPayment], direction: Direction) -> list[Share]:
        groups: dict[ConflictKind | bool, list[ExpectedPayment]] = {}
        for payment in payments:
            groups.setdefault(self._state(payment, direction), []).append(payment)
        shares: list[Share] = []
        for state, group in groups.items():
            signed = direction.signed(worth(group))
            if isinstance(state, ConflictKind):
                shares.append(self._conflict(state, group, signed))
            else:
                shares.append(self._match(group, signed, keys=("PmtInfId/MsgId", "montant total"), told_before=state))
        return shares

    def _all_but_one(self, still_open: list[ExpectedPayment], signed: int) -> list[Share]:
        """A batch debited short of one payment, or one payment credited: proposed where only one fits."""
        debit = signed < 0
        wanted = worth(still_open) - abs(signed) if debit else signed
        suspects = [payment for payment in still_open if payment.cents == wanted]
        if len(suspects) != 1:
            return []
        payments = [payment for payment in still_open if payment not in suspects] if debit else suspects
        keys = ("PmtInfId/MsgId", "montant total sauf un virement") if debit else ("PmtInfId/MsgId", "montant")
        return [self._match(payments, signed, keys=keys, certain=False)]

    def _of_total_alone(self, transaction: Transaction) -> Match | None:
        """The one run that comes to the amount of a debit without any id: proposed, an amount proves little."""
        if transaction.direction is Direction.CREDIT:
            return None
        told_by, day = self._told_by, transaction.day
        fitting = [
            run
            for run in self._expected.open_in_runs(-transaction.signed_cents, Direction.DEBIT, told_by)
            if all(payment.open_for(Direction.DEBIT, told_by, day) for payment in run)
        ]
        if len(fitting) != 1:
            return None
        detail = transaction.detail.number or None
        return self._match(fitting[0], transaction.signed_cents, keys=("montant total",), certain=False, detail=detail)

    def _remainder(self, signed: int, run: list[ExpectedPayment]) -> Share:
        charges = sum(charge.cents for detail in self._entry.details for charge in detail.charges)
        if charges and signed == -charges:
            return _charges(signed, "Chrgs", None)
        if run:
            kind, reason = UnmatchedKind.BATCH_TOTAL, match_reasons.batch(run, self._entry, signed)
        else:
            kind, reason = UnmatchedKind.REMAINDER, match_reasons.remainder(signed)
        return Unmatched(signed_cents=signed, kind=kind, reason=reason)

    def _conflict(
        self,
        kind: ConflictKind,
        payments: list[ExpectedPayment],
        signed: int,
        detail: int | None = None,
        reasons: tuple[Reason, ...] = (),
        keys: tuple[str, ...] = (),
    ) -> Conflict:
        self._take(payments, signed)
        return Conflict(
            signed_cents=signed,
            detail=detail,
            kind=kind,
            keys=keys,
            payments=tuple(payments),
            reasons=reasons,
            reason=match_reasons.conflict(kind, payments, signed, keys),
        )

    def _match(
        self,
        payments: list[ExpectedPayment],
        signed: int,
        *,
        keys: tuple[str, ...],
        certain: bool = True,
        told_before: bool = False,
        offset: bool = False,
        detail: int | None = None,
        charges_cents: int = 0,
        reasons: tuple[Reason, ...] = (),
        bank_references: frozenset[str] = frozenset(),
    ) -> Match:
        if certain:
            self._take(payments, signed)
        kind = MatchKind.OFFSET if offset else MatchKind.DEBITED if signed < 0 else MatchKind.RETURNED
        match = Match(
            signed_cents=signed,
            reason="",
            detail=detail,
            kind=kind,
            certainty=Certainty.CERTAIN if certain else Certainty.PROPOSED,
            keys=keys,
            payments=tuple(payments),
            told_before=told_before,
            debit_awaited=kind is MatchKind.RETURNED and any(payment.debited_by is None for payment in payments),
            charges_cents=charges_cents,
            reasons=reasons,
            bank_references=bank_references,
        )
        return replace(match, reason=match_reasons.match(match))

    def _take(self, payments: list[ExpectedPayment], signed: int) -> None:
        self._taken |= {(payment.end_to_end_id, _direction(signed)) for payment in payments}


def _common_run(shares: Iterable[Share], expected: Expected) -> list[ExpectedPayment]:
    """The run of all the payments that these shares speak of; empty where there are several."""
    messages = {paid.message_id for share in shares if isinstance(share, Match | Conflict) for paid in share.payments}
    return expected.run(messages.pop()) if len(messages) == 1 else []


def _charges(signed: int, key: str, detail: int | None) -> Match:
    reason = match_reasons.charges(key, signed)
    return Match(signed_cents=signed, detail=detail, kind=MatchKind.CHARGES, keys=(key,), reason=reason)


def _known_charges(transaction: Transaction) -> tuple[int, int]:
    """What a bank says it kept: on the detail, or on an entry that has no other."""
    alone = len(transaction.entry.details) <= 1
    return (
        sum(charge.cents for charge in transaction.detail.charges),
        sum(charge.cents for charge in transaction.entry.charges) if alone else 0,
    )


def _reasons(transaction: Transaction) -> tuple[Reason, ...]:
    """Why it came back, where the bank says so; some say it in the free text of the entry only."""
    if transaction.detail.return_reason is not None:
        return (transaction.detail.return_reason,)
    if transaction.entry.information is None:
        return ()
    in_text = (Reason(texts=(transaction.entry.information,)),)
    return in_text if iso_code(in_text) else ()


def _direction(signed: int) -> Direction:
    return Direction.CREDIT if signed > 0 else Direction.DEBIT


def _sum(shares: Iterable[Share]) -> int:
    return sum(share.signed_cents for share in shares)


def _total(amounts: Iterable[int | None]) -> int:
    return sum(amount or 0 for amount in amounts)
