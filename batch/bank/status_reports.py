"""pain.002 reports on the payments we sent, versions .03 to .14."""

from __future__ import annotations

from collections.abc import Iterator

from batch.bank.document import Format, Layout, Reading, records
from batch.bank.header import HEADER, MessageHeader, header_of
from batch.bank.refusal import BankFileRefused
from batch.bank.shape import Amount, Group, Item, Once, Said, Shape
from batch.bank.transactions import REASON, reason_of
from batch.bank.values import code_of, count_of, identifier_of, total_of
from ledger.bank_messages import InstructionStatus, Reason, StatusReport, TransactionStatus

_REASONS: Shape = {"StsRsnInf": Group("reasons", REASON)}

_TOTALS: Shape = {"OrgnlNbOfTxs": Item("payments", count_of), "OrgnlCtrlSum": Once("total_cents", total_of)}

_LAYOUT: Layout = {
    ("GrpHdr", "CstmrPmtStsRpt"): HEADER,
    ("OrgnlGrpInfAndSts", "CstmrPmtStsRpt"): {
        "OrgnlMsgId": Item("message_id", identifier_of),
        "OrgnlMsgNmId": Item("message_name", identifier_of),
        "GrpSts": Once("status", code_of),
        **_TOTALS,
        **_REASONS,
    },
    ("OrgnlPmtInfAndSts", "CstmrPmtStsRpt"): {
        "OrgnlPmtInfId": Item("payment_information_id", identifier_of),
        "PmtInfSts": Once("status", code_of),
        **_TOTALS,
        **_REASONS,
    },
    ("TxInfAndSts", "OrgnlPmtInfAndSts"): {
        "OrgnlInstrId": Item("instruction_id", identifier_of),
        "OrgnlEndToEndId": Item("end_to_end_id", identifier_of),
        "OrgnlUETR": Item("uetr", identifier_of),
        "TxSts": Once("status", code_of),
        "AcctSvcrRef": Item("account_servicer_ref", identifier_of),
        "OrgnlTxRef/Amt/InstdAmt": Amount("amount"),
        "OrgnlTxRef/CdtrAcct/Id/IBAN": Item("creditor_account", identifier_of),
        **_REASONS,
    },
}


def read_status_report(
    reading: Reading, form: Format
) -> Iterator[MessageHeader | StatusReport | TransactionStatus | InstructionStatus]:
    """What the report holds, in its order: the header, its word on the whole message, then for each batch its payments
    and the batch itself, which comes without them.

    Raises BankFileRefused at the first thing that cannot be trusted.
    """
    transactions = instructions = 0
    report_seen = False
    try:
        for name, said in records(reading, form, _LAYOUT):
            match name:
                case "TxInfAndSts":
                    transactions += 1
                    yield _transaction(said)
                case "OrgnlPmtInfAndSts":
                    instructions += 1
                    transactions = 0
                    yield _instruction(said)
                case "OrgnlGrpInfAndSts":
                    if report_seen:
                        raise said.refusal("", "il porte sur plusieurs fichiers.")
                    report_seen = True
                    yield _report(said)
                case _:
                    yield header_of(said)
    except BankFileRefused as refusal:
        if report_seen:
            refusal.place = f"lot n° {instructions + 1}, virement n° {transactions + 1}"
        raise


def _report(said: Said) -> StatusReport:
    return StatusReport(
        original_message_id=said.get("message_id"),
        original_message_name=said.get("message_name"),
        status=said.get("status"),
        reasons=_reasons(said),
        payments=said.get("payments"),
        total_cents=said.get("total_cents"),
    )


def _instruction(said: Said) -> InstructionStatus:
    return InstructionStatus(
        payment_information_id=said.get("payment_information_id"),
        status=said.get("status"),
        reasons=_reasons(said),
        payments=said.get("payments"),
        total_cents=said.get("total_cents"),
    )


def _transaction(said: Said) -> TransactionStatus:
    cents, currency = said.get("amount", (None, None))
    return TransactionStatus(
        instruction_id=said.get("instruction_id"),
        end_to_end_id=said.get("end_to_end_id"),
        uetr=said.get("uetr"),
        status=said.get("status"),
        reasons=_reasons(said),
        account_servicer_ref=said.get("account_servicer_ref"),
        cents=cents,
        currency=currency,
        creditor_account=said.get("creditor_account"),
    )


def _reasons(said: Said) -> tuple[Reason, ...]:
    return tuple(reason_of(reason) for reason in said.get("reasons", ()))
