"""What statements say below the entry: transaction details, references, charges, reasons of return."""

from __future__ import annotations

from functools import lru_cache

from batch.bank.shape import Amount, Each, Group, Item, Once, Said, Shape
from batch.bank.values import direction_of, flag_of, identifier_of, text_of
from ledger.bank_messages import CURRENCY, Charge, Detail, Reason, References, TransactionCode

REASON: Shape = {
    "Rsn/Cd": Item("code", text_of),
    "Rsn/Prtry": Item("proprietary", text_of),
    "AddtlInf": Each("texts", text_of),
}

TRANSACTION_CODE: Shape = {
    "BkTxCd/Domn/Cd": Item("domain", text_of),
    "BkTxCd/Domn/Fmly/Cd": Item("family", text_of),
    "BkTxCd/Domn/Fmly/SubFmlyCd": Item("subfamily", text_of),
    "BkTxCd/Prtry/Cd": Item("proprietary", text_of),
}

_CHARGE: Shape = {
    "Amt": Amount("amount"),
    "CdtDbtInd": Once("direction", direction_of),
    "ChrgInclInd": Once("included", flag_of),
}

CHARGES: Shape = {"Chrgs": Group("charges", {**_CHARGE, "Rcrd": Group("records", _CHARGE)})}
"""In versions .02 and .03 the element itself is repeated, later on it holds records."""

DETAIL: Shape = {
    "Refs/MsgId": Item("message_id", identifier_of),
    "Refs/PmtInfId": Item("payment_information_id", identifier_of),
    "Refs/InstrId": Item("instruction_id", identifier_of),
    "Refs/EndToEndId": Item("end_to_end_id", identifier_of),
    "Refs/UETR": Item("uetr", identifier_of),
    "Refs/TxId": Item("transaction_id", identifier_of),
    "Refs/AcctSvcrRef": Item("account_servicer_ref", identifier_of),
    "Refs/ClrSysRef": Item("clearing_ref", identifier_of),
    "Amt": Amount("amount"),
    "AmtDtls/TxAmt/Amt": Amount("transaction_amount"),
    "AmtDtls/InstdAmt/Amt": Amount("instructed_amount"),
    "CdtDbtInd": Once("direction", direction_of),
    **TRANSACTION_CODE,
    **CHARGES,
    "RltdPties/Dbtr/Nm": Item("debtor_name", text_of),
    "RltdPties/Dbtr/Pty/Nm": Item("debtor_name", text_of),
    "RltdPties/DbtrAcct/Id/IBAN": Item("debtor_account", identifier_of),
    "RltdPties/DbtrAcct/Id/Othr/Id": Item("debtor_account", identifier_of),
    "RltdPties/Cdtr/Nm": Item("creditor_name", text_of),
    "RltdPties/Cdtr/Pty/Nm": Item("creditor_name", text_of),
    "RltdPties/CdtrAcct/Id/IBAN": Item("creditor_account", identifier_of),
    "RltdPties/CdtrAcct/Id/Othr/Id": Item("creditor_account", identifier_of),
    "RmtInf/Ustrd": Each("remittance", text_of),
    "RmtInf/Strd/CdtrRefInf/Ref": Each("remittance", text_of),
    "RtrInf": Group("returns", REASON),
    "AddtlTxInf": Item("information", text_of),
}


def detail_of(said: Said, number: int) -> Detail:
    """One TxDtls."""
    get = said.get
    # The detail's own amount stands beside it since version .03, among the amount details before.
    cents, currency = get("amount") or get("transaction_amount") or (None, None)
    instructed_cents, instructed_currency = get("instructed_amount") or (None, None)
    returns = get("returns")
    return Detail(
        number=number,
        references=References(
            message_id=get("message_id"),
            payment_information_id=get("payment_information_id"),
            instruction_id=get("instruction_id"),
            end_to_end_id=get("end_to_end_id"),
            uetr=get("uetr"),
            transaction_id=get("transaction_id"),
            account_servicer_ref=get("account_servicer_ref"),
            clearing_ref=get("clearing_ref"),
        ),
        cents=cents,
        currency=currency,
        direction=get("direction"),
        instructed_cents=instructed_cents if instructed_currency == CURRENCY else None,
        debtor_account=get("debtor_account"),
        debtor_name=get("debtor_name"),
        creditor_account=get("creditor_account"),
        creditor_name=get("creditor_name"),
        transaction_code=transaction_code_of(said),
        return_reason=reason_of(returns[0]) if returns else None,
        charges=charges_of(said),
        remittance=" ".join(filter(None, get("remittance", ()))) or None,
        information=get("information"),
    )


def reason_of(said: Said) -> Reason:
    """Why a payment came back (RtrInf) or has its status (StsRsnInf)."""
    return Reason(said.get("code"), said.get("proprietary"), tuple(filter(None, said.get("texts", ()))))


def transaction_code_of(said: Said) -> TransactionCode:
    """The bank transaction code of an entry or detail."""
    return _code(said.get("domain"), said.get("family"), said.get("subfamily"), said.get("proprietary"))


@lru_cache(maxsize=1024)
def _code(domain: str | None, family: str | None, subfamily: str | None, proprietary: str | None) -> TransactionCode:
    # A statement repeats a handful of codes thousands of times.
    return TransactionCode(domain, family, subfamily, proprietary)


def charges_of(said: Said) -> tuple[Charge, ...]:
    """The charges of an entry or detail."""
    charges = []
    for above in said.get("charges", ()):
        for charge in above.get("records") or [above]:
            if "amount" in charge:
                cents, currency = charge["amount"]
                charges.append(Charge(cents, currency, charge.get("direction"), charge.get("included")))
    return tuple(charges)
