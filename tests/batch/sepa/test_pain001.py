"""The file that leaves: its bytes, and what an independent reader finds in it."""

import hashlib
import importlib
import io
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree
from xsdata.formats.dataclass.parsers import XmlParser

from batch.sepa.check import check_file
from batch.sepa.pain001 import (
    BatchError,
    Payment,
    PaymentBatch,
    end_to_end_id,
    message_id,
    payment_information_id,
    reissue_id,
    write_pain001,
)
from batch.sepa.profile import Addresses, BankProfile, CreditorAgent, Names, Version
from batch.sepa.rules import Finding
from batch.sepa.text import cut, to_sepa

BatchOf = Callable[..., PaymentBatch]
Written = Callable[[PaymentBatch], bytes]

both_versions = pytest.mark.parametrize("version", list(Version))


def findings(data: bytes, profile: BankProfile | None = None) -> list[Finding]:
    return check_file(io.BytesIO(data), profile)


def read_by_pyiso20022(data: bytes, version: Version) -> Any:
    """The message as pyiso20022, which shares no code with us, reads it."""
    module = "pain_001_001_" + version[-2:]
    document = importlib.import_module(f"pyiso20022.pain.{module}").Document
    return XmlParser().from_bytes(data, document).cstmr_cdt_trf_initn


def value(node: Any) -> Any:
    return getattr(node, "value", node)


def texts(data: bytes, path: str) -> list[str]:
    """The texts at `path` below the message's root, tags without namespace."""
    steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
    return [element.text or "" for element in etree.fromstring(data).iterfind(f"{{*}}CstmrCdtTrfInitn/{steps}")]


def test_the_file_opens_as_banks_want_it(batch_of: BatchOf, written: Written) -> None:
    lines = written(batch_of()).splitlines()
    assert lines[0] == b'<?xml version="1.0" encoding="UTF-8"?>'
    assert lines[1].startswith(b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>')


def test_each_payment_stands_on_a_line_of_its_own(batch_of: BatchOf, written: Written) -> None:
    lines = [line for line in written(batch_of()).splitlines() if line.startswith(b"<CdtTrfTxInf>")]
    assert len(lines) == 3
    assert b"ATOUTS-000037-000002" in lines[1]


@both_versions
@pytest.mark.parametrize("agent", list(CreditorAgent))
@pytest.mark.parametrize("addresses", list(Addresses))
@pytest.mark.parametrize("names", list(Names))
def test_every_switch_gives_a_file_that_schema_and_rulebook_accept(
    batch_of: BatchOf, written: Written, version: Version, agent: CreditorAgent, addresses: Addresses, names: Names
) -> None:
    profile = BankProfile(
        version=version,
        creditor_agent=agent,
        addresses=addresses,
        names=names,
        category_purpose="GOVT",
        initiator_id="200053403",
        initiator_id_issuer="INSEE",
        batch_booking=False,
    )
    assert findings(written(batch_of(profile=profile)), profile) == []


@both_versions
def test_an_independent_reader_reads_back_every_payment(batch_of: BatchOf, written: Written, version: Version) -> None:
    profile = BankProfile(version=version, creditor_agent=CreditorAgent.BIC, addresses=Addresses.STRUCTURED)
    batch = batch_of(profile=profile)
    message = read_by_pyiso20022(written(batch), version)
    header, [information] = message.grp_hdr, message.pmt_inf
    assert (header.msg_id, header.nb_of_txs, header.ctrl_sum) == ("ATOUTS-000037", "3", Decimal("1304.57"))
    assert str(header.cre_dt_tm).startswith("2026-09-14T08:30:00")
    assert (information.pmt_inf_id, information.nb_of_txs) == ("ATOUTS-000037-1", "3")
    assert information.ctrl_sum == Decimal("1304.57")
    requested = information.reqd_exctn_dt
    assert str(requested if version is Version.V03 else requested.dt) == "2026-09-15"
    assert information.dbtr.nm == "Region Normandie"
    assert information.dbtr_acct.id.iban == batch.debtor.iban
    read = [_payment(transfer, version) for transfer in information.cdt_trf_tx_inf]
    assert read == [
        (
            payment.end_to_end_id,
            payment.end_to_end_id,
            payment.amount_cents,
            "EUR",
            cut(to_sepa(payment.name), 70),
            payment.iban,
            payment.bic,
            [payment.remittance],
            payment.address and payment.address.town,
        )
        for payment in batch.payments
    ]


def _payment(transfer: Any, version: Version) -> tuple[object, ...]:
    amount = transfer.amt.instd_amt
    agent = transfer.cdtr_agt and transfer.cdtr_agt.fin_instn_id
    bic = agent and (agent.bic if version is Version.V03 else agent.bicfi)
    address = transfer.cdtr.pstl_adr
    return (
        transfer.pmt_id.instr_id,
        transfer.pmt_id.end_to_end_id,
        int(amount.value * 100),
        value(amount.ccy),
        transfer.cdtr.nm,
        transfer.cdtr_acct.id.iban,
        bic,
        transfer.rmt_inf.ustrd,
        address and address.twn_nm,
    )


def test_the_switches_of_the_profile_show_in_the_file(batch_of: BatchOf, written: Written) -> None:
    plain = written(batch_of())
    assert texts(plain, "PmtInf/PmtTpInf/CtgyPurp/Cd") == []
    assert texts(plain, "GrpHdr/InitgPty/Id/OrgId/Othr/Id") == []
    assert texts(plain, "PmtInf/BtchBookg") == ["true"]
    assert texts(plain, "PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/*") == []
    assert b"PstlAdr" not in plain
    profile = BankProfile(
        category_purpose="GOVT",
        initiator_id="200053403",
        initiator_id_issuer="INSEE",
        batch_booking=False,
        creditor_agent=CreditorAgent.NOT_PROVIDED,
        addresses=Addresses.STRUCTURED,
    )
    rich = written(batch_of(profile=profile))
    assert texts(rich, "PmtInf/PmtTpInf/CtgyPurp/Cd") == ["GOVT"]
    assert texts(rich, "GrpHdr/InitgPty/Id/OrgId/Othr/Id") == ["200053403"]
    assert texts(rich, "GrpHdr/InitgPty/Id/OrgId/Othr/Issr") == ["INSEE"]
    assert texts(rich, "PmtInf/BtchBookg") == ["false"]
    assert texts(rich, "PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/Othr/Id") == ["NOTPROVIDED"] * 3
    assert texts(rich, "PmtInf/CdtTrfTxInf/Cdtr/PstlAdr/BldgNb") == ["14"]


def test_case_1_writing_again_gives_the_same_bytes(batch_of: BatchOf, written: Written) -> None:
    assert written(batch_of()) == written(batch_of())


def test_case_1_another_process_in_another_place_gives_the_same_bytes(batch_of: BatchOf, written: Written) -> None:
    program = (
        "import sys; sys.path.insert(0, 'tests/batch/sepa'); import conftest as c; from datetime import *;"
        "from batch.sepa.pain001 import *; from batch.sepa.profile import BankProfile;"
        "b = PaymentBatch(c.MESSAGE, datetime(2026, 9, 14, 6, 30, tzinfo=UTC), c.REGION, date(2026, 9, 15),"
        " BankProfile(), c.PAYMENTS, 3, 130457); write_pain001(b, sys.stdout.buffer)"
    )
    elsewhere = os.environ | {"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", program], env=elsewhere, capture_output=True, check=True)
    assert done.stdout == written(batch_of())


def test_the_writer_tells_size_and_hash_of_what_it_wrote(batch_of: BatchOf) -> None:
    stream = io.BytesIO()
    file = write_pain001(batch_of(), stream)
    assert file.size == len(stream.getvalue())
    assert file.sha256 == hashlib.sha256(stream.getvalue()).hexdigest()


def test_case_5_a_run_of_one_payment_is_a_valid_file(batch_of: BatchOf, written: Written, payment: Payment) -> None:
    data = written(batch_of(payment))
    assert texts(data, "GrpHdr/NbOfTxs") == ["1"]
    assert findings(data) == []


def test_case_6_an_empty_run_makes_no_file(batch_of: BatchOf) -> None:
    stream = io.BytesIO()
    with pytest.raises(BatchError, match="at least one"):
        write_pain001(batch_of(payments=(), count=0, total_cents=0), stream)
    assert stream.getvalue() == b""


class Counting(io.RawIOBase):
    """Forgets what is written to it."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


def drawn(count: int, like: Payment) -> Iterator[Payment]:
    return (replace(like, end_to_end_id=end_to_end_id(message_id(37), line)) for line in range(1, count + 1))


def test_case_6_a_large_run_is_drawn_and_written_payment_by_payment(batch_of: BatchOf, payment: Payment) -> None:
    count = 20_000
    batch = batch_of(payments=drawn(count, payment), count=count, total_cents=count * payment.amount_cents)
    told: list[int] = []
    tracemalloc.start()
    write_pain001(batch, Counting(), told.append)  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000
    assert told == [*range(1000, count + 1, 1000), count]


@pytest.mark.slow
def test_case_6_a_run_of_100_000_payments_is_valid(batch_of: BatchOf, written: Written, payment: Payment) -> None:
    count = 100_000
    data = written(batch_of(payments=drawn(count, payment), count=count, total_cents=count * payment.amount_cents))
    assert findings(data) == []


def test_case_8_names_are_written_in_sepa_characters_and_cut(
    batch_of: BatchOf, written: Written, payment: Payment
) -> None:
    names = {
        "Lycée du Sacré-Cœur & Cie": "Lycee du Sacre-Coeur + Cie",
        "MFR 🎓 Balleroy\x00\x1b": "MFR Balleroy",
        "x" * 71: "x" * 70,
    }
    payments = [
        replace(payment, name=name, end_to_end_id=end_to_end_id("M", line)) for line, name in enumerate(names, 1)
    ]
    data = written(batch_of(*payments))
    assert texts(data, "PmtInf/CdtTrfTxInf/Cdtr/Nm") == list(names.values())
    assert findings(data) == []


def test_case_8_a_bank_may_want_names_in_utf8(batch_of: BatchOf, written: Written, payment: Payment) -> None:
    profile = BankProfile(names=Names.UTF8)
    data = written(batch_of(replace(payment, name="Lycée <Sacré-Cœur> 🎓 & Cie\x07"), profile=profile))
    assert texts(data, "PmtInf/CdtTrfTxInf/Cdtr/Nm") == ["Lycée <Sacré-Cœur> & Cie"]
    assert findings(data, profile) == []


def test_case_8_a_name_of_which_nothing_is_left_is_refused(batch_of: BatchOf, payment: Payment) -> None:
    with pytest.raises(BatchError, match="name"):
        write_pain001(batch_of(replace(payment, name="🎓 ...")), io.BytesIO())


def test_case_8_a_long_remittance_text_is_cut_between_two_words(
    batch_of: BatchOf, written: Written, payment: Payment
) -> None:
    data = written(batch_of(replace(payment, remittance="Règlement des livres " * 10)))
    assert texts(data, "PmtInf/CdtTrfTxInf/RmtInf/Ustrd") == ["Reglement des livres " * 6 + "Reglement des"]


def test_a_payment_without_remittance_text_has_no_empty_element(
    batch_of: BatchOf, written: Written, payment: Payment
) -> None:
    data = written(batch_of(replace(payment, remittance=" ")))
    assert b"RmtInf" not in data
    assert findings(data) == []


def test_case_9_a_wrong_rib_key_does_not_leave(batch_of: BatchOf, written: Written, payment: Payment) -> None:
    # 06 in place of 05 as RIB key, the international check digits computed anew.
    [found] = findings(written(batch_of(replace(payment, iban="FR4930003001200002000123406"))))
    assert found.rule == "iban"
    assert "clé RIB" in found.message


def test_case_9_an_iban_with_no_break_spaces_does_not_leave(
    batch_of: BatchOf, written: Written, payment: Payment
) -> None:
    found = findings(written(batch_of(replace(payment, iban="FR76\u00a03000300120\u202f0002000123405"))))
    assert {finding.rule for finding in found} == {"iban", "schema"}


def test_case_9_an_account_at_an_unknown_bank_is_paid_without_bic(
    batch_of: BatchOf, written: Written, payment: Payment
) -> None:
    profile = BankProfile(creditor_agent=CreditorAgent.BIC)
    data = written(batch_of(replace(payment, iban="FR7699999123450000000001777", bic=None), profile=profile))
    assert b"CdtrAgt" not in data
    assert findings(data, profile) == []


def test_case_10_a_payment_to_the_payer_itself_does_not_leave(
    batch_of: BatchOf, written: Written, payment: Payment
) -> None:
    batch = batch_of(payment)
    [found] = findings(written(replace(batch, payments=[replace(payment, iban=batch.debtor.iban)])))
    assert found.rule == "payee-is-payer"


def test_case_10_two_payees_may_share_an_account(batch_of: BatchOf, written: Written, payment: Payment) -> None:
    other = replace(payment, end_to_end_id=end_to_end_id("M", 2), name="Lycée voisin")
    assert findings(written(batch_of(payment, other))) == []


@pytest.mark.parametrize("changes", [{"count": 4}, {"count": 2}, {"total_cents": 1304_56}])
def test_a_batch_that_does_not_hold_what_it_announced_is_refused(batch_of: BatchOf, changes: dict[str, int]) -> None:
    with pytest.raises(BatchError, match="announced"):
        write_pain001(batch_of(**changes), io.BytesIO())


@pytest.mark.parametrize("cents", [0, -1, 5_001])
def test_an_amount_that_no_transfer_can_pay_is_refused(batch_of: BatchOf, payment: Payment, cents: int) -> None:
    profile = BankProfile(max_payment_cents=5_000)
    with pytest.raises(BatchError, match="cannot be paid"):
        write_pain001(batch_of(replace(payment, amount_cents=cents), profile=profile), io.BytesIO())


@pytest.mark.parametrize("reference", ["/1", "é", "x" * 36])
def test_an_unsound_reference_is_refused(batch_of: BatchOf, payment: Payment, reference: str) -> None:
    with pytest.raises(BatchError, match="reference"):
        write_pain001(batch_of(replace(payment, end_to_end_id=reference)), io.BytesIO())
    with pytest.raises(BatchError, match="reference"):
        write_pain001(batch_of(message_id=reference), io.BytesIO())


def test_the_largest_amount_is_written_to_the_cent(batch_of: BatchOf, written: Written, payment: Payment) -> None:
    data = written(batch_of(replace(payment, amount_cents=99_999_999_999)))
    assert texts(data, "PmtInf/CdtTrfTxInf/Amt/InstdAmt") == ["999999999.99"]
    assert findings(data) == []


def test_ids_follow_from_the_number_of_the_run() -> None:
    message = message_id(37)
    assert message == "ATOUTS-000037"
    assert payment_information_id(message) == "ATOUTS-000037-1"
    assert end_to_end_id(message, 123) == "ATOUTS-000037-000123"
    assert message_id(1_234_567, "ATN14") == "ATN14-1234567"


def test_a_reissued_payment_is_named_after_the_one_it_replaces() -> None:
    first = reissue_id("ATOUTS-000037-000123")
    assert first == "ATOUTS-000037-000123-R1"
    assert reissue_id(first) == "ATOUTS-000037-000123-R2"
    assert reissue_id("ATOUTS-000037-000123-R9") == "ATOUTS-000037-000123-R10"


def test_ids_start_at_one_and_prefixes_are_plain() -> None:
    for wrong in (lambda: message_id(0), lambda: end_to_end_id("M", 0), lambda: message_id(1, "a/")):
        with pytest.raises(ValueError, match="not"):
            wrong()


def test_the_execution_date_of_version_03_is_a_bare_date(batch_of: BatchOf, written: Written) -> None:
    batch = batch_of(profile=BankProfile(version=Version.V03), requested_date=date(2026, 9, 16))
    assert texts(written(batch), "PmtInf/ReqdExctnDt") == ["2026-09-16"]
