"""The French sentences that are recorded with each share of an entry, for the accountant and the auditor."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.bank_messages import Entry
from ledger.expected import ExpectedPayment, worth
from ledger.matching import Transaction
from ledger.money import euros
from ledger.return_reasons import words
from ledger.shares import ConflictKind, Match, MatchKind

_CONFLICTS = {
    ConflictKind.REJECTED_YET_DEBITED: "rejeté par la banque, et pourtant débité : elle doit le recréditer.",
    ConflictKind.REJECTED_AND_CREDITED: "rejeté par la banque, et crédité : cela compense son débit, s'il a eu lieu.",
    ConflictKind.DEBITED_TWICE: "déjà débité par un autre mouvement : la banque a-t-elle payé deux fois ?",
    ConflictKind.DOUBLE_CREDITED: "débité deux fois, puis crédité : la banque corrige son double, il reste payé.",
    ConflictKind.RETURNED_TWICE: "déjà rendu par un autre mouvement.",
    ConflictKind.RETURN_TAKEN_BACK: "rendu, puis débité de nouveau par la banque.",
}
_WORDS = {
    "EndToEndId": "référence de bout en bout",
    "InstrId": "référence d'instruction",
    "TxId": "référence de la transaction",
    "PmtInfId": "lot",
    "MsgId": "message",
    "PmtInfId/MsgId": "lot",
    "AcctSvcrRef": "référence de la banque",
    "BkTxCd": "nature de l'opération",
    "Chrgs": "frais indiqués",
}
"""What the ISO names of keys are called; the others are called the same."""


def match(found: Match) -> str:
    """What agreed, what happened to which payments, and what is particular about it."""
    if found.kind is MatchKind.OFFSET:
        story = "rejeté et recrédité" if found.signed_cents < 0 else "débité à tort"
        what = "le débit" if found.signed_cents < 0 else "le crédit"
        return f"À confirmer : {_words(found.keys)} : {_named(found.payments)} {story}, {what} qui le compense."
    verb = "débité" if found.kind is MatchKind.DEBITED else "rendu"
    plural = "s" if len(found.payments) > 1 else ""
    parts = [f"{_words(found.keys)} : {_named(found.payments)} {verb}{plural}"]
    if found.kind is MatchKind.RETURNED and found.reasons:
        parts.append(f"motif : {words(found.reasons)}")
    if found.charges_cents:
        parts.append(f"{euros(found.charges_cents)} retenus par une banque")
    if found.debit_awaited:
        parts.append("le débit n'a pas encore été annoncé")
    if found.told_before:
        parts.append("déjà annoncé par un autre message, compté une seule fois")
    return f"{'' if found.certain else 'À confirmer : '}{' ; '.join(parts)}."


def conflict(
    kind: ConflictKind, payments: Sequence[ExpectedPayment], signed_cents: int, keys: Sequence[str] = ()
) -> str:
    """What the bank says and why the payments do not allow it. An amount that led to them is said to have."""
    if kind is ConflictKind.AMOUNT_DIFFERS:
        what = f"alors que la banque dit {euros(abs(signed_cents))}."
    else:
        what = _CONFLICTS[kind]
    replaced = [payment.replaced_by for payment in payments if payment.replaced_by]
    reissued = f" Réémis sous la référence {', '.join(replaced)}." if replaced else ""
    rests_on = f"{_words(keys)} : " if "montant" in keys else ""
    return f"{rests_on}{_named(payments)} {what}{reissued}"


def unknown(transaction: Transaction) -> str:
    """What the bank gave as references, none of which is ours."""
    references = transaction.detail.references
    told = {
        "EndToEndId": references.end_to_end_id,
        "InstrId": references.instruction_id,
        "UETR": references.uetr,
        "PmtInfId": references.payment_information_id,
        "MsgId": references.message_id,
        "AcctSvcrRef": references.account_servicer_ref,
        "IBAN": transaction.detail.creditor_account or transaction.detail.debtor_account,
    }
    named = [f"{_WORDS.get(name, name)} {value}" for name, value in told.items() if value]
    given = ", ".join(named) or "aucune référence"
    direction = "crédit" if transaction.signed_cents > 0 else "débit"
    return f"Aucun de nos virements ne correspond à ce {direction} de {euros(abs(transaction.signed_cents))} ({given})."


def batch(run: Sequence[ExpectedPayment], entry: Entry, signed_cents: int) -> str:
    """How an entry about one of our runs does not agree with it."""
    rejected = worth([payment for payment in run if payment.rejected])
    return (
        f"Lot {run[0].message_id} de {euros(worth(run))}, dont {euros(rejected)} rejetés : l'écriture de "
        f"{euros(entry.signed_cents)} laisse {euros(signed_cents)} sans explication."
    )


def remainder(signed_cents: int) -> str:
    """That details do not add up to their entry."""
    return f"Les détails de l'écriture laissent {euros(signed_cents)} sans explication."


def charges(key: str, signed_cents: int) -> str:
    """That a bank took its fee."""
    return f"{_words([key])} : frais de la banque de {euros(abs(signed_cents))}."


def _words(keys: Sequence[str]) -> str:
    said = " et ".join(_WORDS.get(key, key) for key in keys)
    return said[:1].upper() + said[1:]


def _named(payments: Sequence[ExpectedPayment]) -> str:
    if len(payments) == 1:
        return f"virement {payments[0].end_to_end_id} de {euros(payments[0].cents)}"
    return f"{len(payments)} virements du lot {payments[0].message_id}, {euros(worth(payments))} en tout,"
