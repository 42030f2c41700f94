"""Reading pain.002 in its versions and dialects."""

import pytest

from batch.bank.files import StatusFile, open_bank_file
from batch.bank.refusal import BankFileRefused
from ledger.bank_messages import InstructionStatus, Reason, StatusReport, TransactionStatus

from .messages import report

GROUP = (
    "<OrgnlGrpInfAndSts><OrgnlMsgId>AN-37</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts>"
)
REASON = "<StsRsnInf><Rsn><{0}>{1}</{0}></Rsn><AddtlInf>un</AddtlInf><AddtlInf>deux</AddtlInf></StsRsnInf>"


def read(source: bytes) -> tuple[StatusReport, list[InstructionStatus]]:
    """The report and what it says of each batch."""
    with open_bank_file(source) as bank_file:
        assert isinstance(bank_file, StatusFile)
        return bank_file.report, list(bank_file.instructions())


@pytest.mark.parametrize("version", range(3, 15))
def test_all_versions_read_alike(version: int) -> None:
    told, _ = read(report(GROUP, message=f"pain.002.001.{version:02}"))
    assert told == StatusReport(original_message_id="AN-37", original_message_name="pain.001.001.09", status=None)


def test_all_levels_with_their_reasons_and_totals() -> None:
    told, instructions = read(
        report(
            "<OrgnlGrpInfAndSts><OrgnlMsgId>AN-37</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
            "<OrgnlNbOfTxs>3</OrgnlNbOfTxs><OrgnlCtrlSum>220.5000</OrgnlCtrlSum><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>"
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>AN-37-1</OrgnlPmtInfId><OrgnlNbOfTxs>3</OrgnlNbOfTxs>"
            f"<OrgnlCtrlSum>220.5</OrgnlCtrlSum><PmtInfSts>PART</PmtInfSts>{REASON.format('Prtry', '914')}"
            "<TxInfAndSts><OrgnlInstrId>AN-37-001</OrgnlInstrId><OrgnlEndToEndId>AN-37-001</OrgnlEndToEndId>"
            f"<OrgnlUETR>u-1</OrgnlUETR><TxSts>RJCT</TxSts>{REASON.format('Prtry', '914')}{REASON.format('Cd', 'AC01')}"
            "<AcctSvcrRef>BK-1</AcctSvcrRef><OrgnlTxRef><Amt><InstdAmt Ccy='EUR'>120.00</InstdAmt></Amt>"
            "<CdtrAcct><Id><IBAN>FR7630001007941234567890185</IBAN></Id></CdtrAcct></OrgnlTxRef></TxInfAndSts>"
            "<TxInfAndSts><OrgnlEndToEndId>AN-37-002</OrgnlEndToEndId></TxInfAndSts></OrgnlPmtInfAndSts>"
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>AN-37-2</OrgnlPmtInfId></OrgnlPmtInfAndSts>"
        )
    )
    assert (told.status, told.payments, told.total_cents) == ("PART", 3, 220_50)
    assert instructions == [
        InstructionStatus(
            payment_information_id="AN-37-1",
            status="PART",
            reasons=(Reason(None, "914", ("un", "deux")),),
            payments=3,
            total_cents=220_50,
            transactions=(
                TransactionStatus(
                    instruction_id="AN-37-001",
                    end_to_end_id="AN-37-001",
                    uetr="u-1",
                    status="RJCT",
                    reasons=(Reason(None, "914", ("un", "deux")), Reason("AC01", None, ("un", "deux"))),
                    account_servicer_ref="BK-1",
                    cents=120_00,
                    currency="EUR",
                    creditor_account="FR7630001007941234567890185",
                ),
                TransactionStatus(end_to_end_id="AN-37-002"),
            ),
        ),
        InstructionStatus(payment_information_id="AN-37-2"),
    ]


def test_16_a_padded_message_id_is_trimmed() -> None:
    told, _ = read(report(GROUP.replace(">AN-37<", ">\n   AN-37  <")))
    assert told.original_message_id == "AN-37"


@pytest.mark.parametrize("replacement", ["", "<OrgnlMsgId/>", "<OrgnlMsgId>  </OrgnlMsgId>"])
def test_16_a_missing_message_id_is_none(replacement: str) -> None:
    told, _ = read(report(GROUP.replace("<OrgnlMsgId>AN-37</OrgnlMsgId>", replacement)))
    assert told.original_message_id is None


@pytest.mark.parametrize("groups", ["", GROUP * 2])
def test_a_report_is_about_one_file(groups: str) -> None:
    with pytest.raises(BankFileRefused, match="OrgnlGrpInfAndSts"):
        open_bank_file(report(groups))


def test_a_status_that_is_given_twice_is_refused() -> None:
    twice = "<OrgnlPmtInfAndSts><TxInfAndSts><TxSts>ACSP</TxSts><TxSts>RJCT</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>"
    with pytest.raises(
        BankFileRefused, match=r"lot n° 1, virement n° 1, élément TxInfAndSts/TxSts\) : figure deux fois"
    ):
        open_bank_file(report(GROUP, twice))
