"""camt.053 statements and camt.054 notifications, versions .02 to .13.

The versions differ in small ways only, so one reader serves them all: where an element has moved, both its places have
the same key. Optional elements that say nothing of our money (addresses, tax, securities) are not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from batch.bank.document import Format, Layout, Reading, records
from batch.bank.header import HEADER, MessageHeader, header_of
from batch.bank.refusal import BankFileRefused
from batch.bank.shape import Amount, Group, Item, Once, Said, Shape
from batch.bank.transactions import CHARGES, DETAIL, TRANSACTION_CODE, charges_of, detail_of, transaction_code_of
from batch.bank.values import (
    code_of,
    count_of,
    day_of,
    direction_of,
    flag_of,
    identifier_of,
    instant_of,
    text_of,
    total_of,
)
from ledger.bank_messages import AnnouncedTotals, Balance, Batch, Detail, Entry, MessageKind, Statement, Tally

_BATCH: Shape = {
    "MsgId": Item("message_id", identifier_of),
    "PmtInfId": Item("payment_information_id", identifier_of),
    "NbOfTxs": Item("payments", count_of),
    "TtlAmt": Amount("total"),
    "CdtDbtInd": Once("direction", direction_of),
}

_ENTRY: Shape = {
    "NtryRef": Item("reference", identifier_of),
    "Amt": Amount("amount"),
    "CdtDbtInd": Once("direction", direction_of),
    "RvslInd": Once("reversal", flag_of),
    # Since version .08 the status is a choice of an ISO code or the bank's own.
    "Sts": Once("status", code_of),
    "Sts/Cd": Once("status", code_of),
    "Sts/Prtry": Once("own_status", text_of),
    "BookgDt/Dt": Item("booking_date", day_of),
    "BookgDt/DtTm": Item("booking_date", day_of),
    "ValDt/Dt": Item("value_date", day_of),
    "ValDt/DtTm": Item("value_date", day_of),
    "AcctSvcrRef": Item("account_servicer_ref", identifier_of),
    **TRANSACTION_CODE,
    **CHARGES,
    "NtryDtls": Group("parts", {"Btch": Group("batches", _BATCH)}),
    "AddtlNtryInf": Item("information", text_of),
}

_BALANCE: Shape = {
    "Tp/CdOrPrtry/Cd": Item("code", text_of),
    "Tp/CdOrPrtry/Prtry": Item("code", text_of),
    "Tp/SubTp/Cd": Item("subtype", text_of),
    "Tp/SubTp/Prtry": Item("subtype", text_of),
    "Amt": Amount("amount"),
    "CdtDbtInd": Once("direction", direction_of),
    "Dt": Item("on", day_of),
    "Dt/Dt": Item("on", day_of),
    "Dt/DtTm": Item("on", day_of),
}

_STATEMENT: Shape = {
    "Id": Item("statement_id", identifier_of),
    "ElctrncSeqNb": Item("sequence", count_of),
    "LglSeqNb": Item("sequence", count_of),
    "StmtPgntn/PgNb": Item("page", count_of),
    "StmtPgntn/LastPgInd": Item("last_page", flag_of),
    "NtfctnPgntn/PgNb": Item("page", count_of),
    "NtfctnPgntn/LastPgInd": Item("last_page", flag_of),
    "CreDtTm": Item("created_at", instant_of),
    "FrToDt/FrDtTm": Item("from_date", day_of),
    "FrToDt/ToDtTm": Item("to_date", day_of),
    "CpyDplctInd": Item("copy", text_of),
    "Acct/Id/IBAN": Once("account", identifier_of),
    "Acct/Id/Othr/Id": Once("account", identifier_of),
    "Acct/Ccy": Item("currency", identifier_of),
    "Bal": Group("balances", _BALANCE),
    "TxsSummry/TtlNtries/NbOfNtries": Item("entries", count_of),
    "TxsSummry/TtlNtries/Sum": Once("sum_cents", total_of),
    "TxsSummry/TtlCdtNtries/NbOfNtries": Item("credit_entries", count_of),
    "TxsSummry/TtlCdtNtries/Sum": Once("credit_cents", total_of),
    "TxsSummry/TtlDbtNtries/NbOfNtries": Item("debit_entries", count_of),
    "TxsSummry/TtlDbtNtries/Sum": Once("debit_cents", total_of),
}


def _layout(body: str, statement: str) -> Layout:
    return {
        ("GrpHdr", body): HEADER,
        (statement, body): _STATEMENT,
        ("Ntry", statement): _ENTRY,
        ("TxDtls", "NtryDtls"): DETAIL,
    }


_LAYOUTS = {
    MessageKind.STATEMENT: _layout("BkToCstmrStmt", "Stmt"),
    MessageKind.NOTIFICATION: _layout("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def read_statements(reading: Reading, form: Format) -> Iterator[MessageHeader | Detail | Entry | Statement]:
    """What the message holds, in its order: the header, then details, each entry after its details (it comes without
    them: they may be many), and each statement after its entries, since its totals are theirs.

    Raises BankFileRefused at the first thing that cannot be trusted.
    """
    statements = details = 0
    sums = _Sums()
    header_seen = False
    try:
        for name, said in records(reading, form, _LAYOUTS[form.kind]):
            match name:
                case "TxDtls":
                    details += 1
                    yield detail_of(said, details)
                case "Ntry":
                    entry = _entry(said, sums.all_entries.entries + 1)
                    sums.add(entry, details)
                    details = 0
                    yield entry
                case "GrpHdr":
                    header_seen = True
                    yield header_of(said)
                case _:
                    statements += 1
                    yield _statement(said, form.kind, statements, sums)
                    sums = _Sums()
    except BankFileRefused as refusal:
        if header_seen:
            refusal.place = f"relevé n° {statements + 1}"
            if (refusal.element or "Ntry").startswith(("Ntry", "TxDtls")):
                refusal.place += f", écriture n° {sums.all_entries.entries + 1}"
        raise
    if not statements:
        raise BankFileRefused("il ne contient aucun relevé.")


class _Sums:
    """What the entries of one statement come to."""

    def __init__(self) -> None:
        self.all_entries = Tally()
        self.booked_entries = Tally()
        self.currencies: set[str] = set()
        self.digest = hashlib.sha256()

    def add(self, entry: Entry, details: int) -> None:
        """Count one more entry."""
        self.all_entries.add(entry)
        if entry.booked:
            self.booked_entries.add(entry)
            self.currencies.add(entry.currency)
        self.digest.update(
            f"{entry.signed_cents} {entry.currency} {entry.status} {entry.booking_date} {entry.reference}"
            f" {entry.account_servicer_ref} {details}\n".encode()
        )


def _entry(said: Said, number: int) -> Entry:
    cents, currency = said.required("amount", "Amt")
    return Entry(
        number=number,
        cents=cents,
        currency=currency,
        direction=said.required("direction", "CdtDbtInd"),
        # A bank's own status is not `BOOK`, whatever it reads.
        status=f"own:{said['own_status']}" if "own_status" in said else said.required("status", "Sts"),
        reversal=said.get("reversal"),
        booking_date=said.get("booking_date"),
        value_date=said.get("value_date"),
        reference=said.get("reference"),
        account_servicer_ref=said.get("account_servicer_ref"),
        transaction_code=transaction_code_of(said),
        charges=charges_of(said),
        batches=tuple(_batch(batch) for part in said.get("parts", ()) for batch in part.get("batches", ())),
        information=said.get("information"),
    )


def _batch(said: Said) -> Batch:
    return Batch(
        message_id=said.get("message_id"),
        payment_information_id=said.get("payment_information_id"),
        payments=said.get("payments"),
        total_cents=said.get("total", (None,))[0],
        direction=said.get("direction"),
    )


def _statement(said: Said, kind: MessageKind, number: int, sums: _Sums) -> Statement:
    account = said.required("account", "Acct/Id")
    balances = tuple(_balance(balance) for balance in said.get("balances", ()))
    sums.digest.update(repr((account, balances)).encode())
    return Statement(
        kind=kind,
        number=number,
        statement_id=said.required("statement_id", "Id"),
        account=account,
        currency=said.get("currency"),
        sequence=said.get("sequence"),
        page=said.get("page"),
        last_page=said.get("last_page"),
        duplicate=said.get("copy") in ("DUPL", "CODU"),
        created_at=said.get("created_at"),
        from_date=said.get("from_date"),
        to_date=said.get("to_date"),
        balances=balances,
        announced=AnnouncedTotals(
            entries=said.get("entries"),
            sum_cents=said.get("sum_cents"),
            credit_entries=said.get("credit_entries"),
            credit_cents=said.get("credit_cents"),
            debit_entries=said.get("debit_entries"),
            debit_cents=said.get("debit_cents"),
        ),
        all_entries=sums.all_entries,
        booked_entries=sums.booked_entries,
        currencies=frozenset(sums.currencies),
        fingerprint=sums.digest.hexdigest(),
    )


def _balance(said: Said) -> Balance:
    cents, currency = said.required("amount", "Amt")
    return Balance(
        code=said.required("code", "Tp"),
        subtype=said.get("subtype"),
        signed_cents=said.required("direction", "CdtDbtInd").signed(cents),
        currency=currency,
        on=said.required("on", "Dt"),
    )
