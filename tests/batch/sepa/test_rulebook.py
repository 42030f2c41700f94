"""Every rule of the rulebook, each broken alone."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from lxml import etree

from batch.sepa.check import check_file
from batch.sepa.pain001 import PaymentBatch
from batch.sepa.profile import Addresses, BankProfile, Names, Version
from batch.sepa.rulebook import check_rulebook
from batch.sepa.rules import REPORTED_PER_RULE, RULES, Finding, Findings
from batch.sepa.schema import schema_errors

BatchOf = Callable[..., PaymentBatch]
Written = Callable[[PaymentBatch], bytes]

STRUCTURED = BankProfile(addresses=Addresses.STRUCTURED)
LAST = b"<InstrId>ATOUTS-000037-000003</InstrId><EndToEndId>ATOUTS-000037-000003</EndToEndId>"
NAME = b"<Nm>Lycee Jean Rostand</Nm>"
TEXT = b"<Ustrd>Atouts Normandie</Ustrd></RmtInf></CdtTrfTxInf></PmtInf>"
ADDRESS = (
    b"<StrtNm>Avenue Albert Sorel</StrtNm><BldgNb>14</BldgNb><PstCd>14000</PstCd><TwnNm>Caen</TwnNm><Ctry>FR</Ctry>"
)
IBAN = b"DE89370400440532013000"
AMOUNT = b'<InstdAmt Ccy="EUR">0.01</InstdAmt>'
TOTAL, COUNT = b"1304.57", b"<NbOfTxs>3</NbOfTxs>"
SECOND_BATCH = (
    b"<PmtInf>\n<PmtInfId>ATOUTS-000037-2</PmtInfId><PmtMtd>TRF</PmtMtd><NbOfTxs>1</NbOfTxs><CtrlSum>0.01</CtrlSum>"
    b"<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt><Dt>2026-09-15</Dt></ReqdExctnDt>"
    b"<Dbtr><Nm>Region</Nm></Dbtr><DbtrAcct><Id><IBAN>FR7610071140000000100000176</IBAN></Id></DbtrAcct>"
    b"<DbtrAgt><FinInstnId><BICFI>TRPUFRP1XXX</BICFI></FinInstnId></DbtrAgt>\n<CdtTrfTxInf>"
)


@dataclass(frozen=True)
class Breach:
    """Replacements that break a rule. `schema_passes` says that the official schema lets the file through."""

    replacements: dict[bytes, bytes]
    schema_passes: bool = True
    profile: BankProfile = STRUCTURED
    told: str = ""


def amount(text: bytes, total: bytes, currency: bytes = b"EUR") -> dict[bytes, bytes]:
    return {AMOUNT: b'<InstdAmt Ccy="%s">%s</InstdAmt>' % (currency, text), TOTAL: total}


BREACHES: dict[str, list[Breach]] = {
    "bom": [Breach({b"<?xml": b"\xef\xbb\xbf<?xml"})],
    "declaration": [
        Breach({b'<?xml version="1.0" encoding="UTF-8"?>': b"<?xml version='1.0' encoding='UTF-8'?>"}),
        Breach({b'<?xml version="1.0" encoding="UTF-8"?>\n': b""}),
        Breach({b'encoding="UTF-8"': b'encoding="ISO-8859-1"'}),
    ],
    "doctype": [Breach({b"<Document": b'<!DOCTYPE Document [<!ENTITY e "x">]>\n<Document'})],
    "syntax": [Breach({b"</Document>": b""}, schema_passes=False), Breach({b"</PmtInf>": b""}, schema_passes=False)],
    "namespace": [
        Breach({b"pain.001.001.09": b"pain.001.001.02"}, schema_passes=False, told="pain.001.001.02"),
        Breach(
            {b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"': b"<Document"}, schema_passes=False
        ),
    ],
    "prefix": [],  # no replacement does it: see the test of its own
    "no-payment": [],
    "one-batch": [Breach({}, told="2 lots")],
    "group-count": [
        Breach({COUNT + b"<CtrlSum>1304.57</CtrlSum><In": b"<NbOfTxs>4</NbOfTxs><CtrlSum>1304.57</CtrlSum><In"}),
        Breach({COUNT + b"<CtrlSum>1304.57</CtrlSum><In": b"<NbOfTxs>0</NbOfTxs><CtrlSum>1304.57</CtrlSum><In"}),
    ],
    "group-sum": [
        Breach({b"<CtrlSum>1304.57</CtrlSum><InitgPty>": b"<CtrlSum>1304.58</CtrlSum><InitgPty>"}, told="1304.58"),
        Breach({b"<CtrlSum>1304.57</CtrlSum><InitgPty>": b"<InitgPty>"}, told="absent"),
    ],
    "batch-count": [
        Breach({COUNT + b"\n": b"<NbOfTxs>2</NbOfTxs>\n"}),
        Breach({COUNT + b"\n": b""}, told="absent"),
    ],
    "batch-sum": [
        Breach({b"<CtrlSum>1304.57</CtrlSum>\n": b"<CtrlSum>130457</CtrlSum>\n"}),
        Breach({b"<CtrlSum>1304.57</CtrlSum>\n": b""}, told="absent"),
    ],
    "file-limit": [
        Breach({}, profile=BankProfile(max_file_payments=2)),
        Breach({}, profile=BankProfile(max_file_cents=1_304_56)),
    ],
    "method": [Breach({b"<PmtMtd>TRF": b"<PmtMtd>CHK"}, told="CHK")],
    "service-level": [
        Breach({b"<SvcLvl><Cd>SEPA</Cd>": b"<SvcLvl><Cd>URGP</Cd>"}, told="URGP"),
        Breach({b"<SvcLvl><Cd>SEPA</Cd>": b"<SvcLvl><Prtry>SEPA EXPRESS</Prtry>"}, told="SEPA EXPRESS"),
        Breach({b"<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>\n": b""}, told="absent"),
    ],
    "charge-bearer": [Breach({b"<ChrgBr>SLEV": b"<ChrgBr>SHAR"}, told="SHAR")],
    "execution-date": [
        Breach({b"<Dt>2026-09-15</Dt>": b"<Dt>2026-09-20</Dt>"}),
        Breach({b"<Dt>2026-09-15</Dt>": b"<Dt>2026-12-25</Dt>"}),
        Breach({b"<Dt>2026-09-15</Dt>": b"<Dt>2027-03-29</Dt>"}),
        Breach({b"<Dt>2026-09-15</Dt>": b"<DtTm>2026-09-15T10:00:00</DtTm>"}),
        Breach({b"<Dt>2026-09-15</Dt>": b"<Dt>2026-09-15Z</Dt>"}),
        Breach({b"<Dt>2026-09-15</Dt>": b"<Dt>2026-02-30</Dt>"}, schema_passes=False),
    ],
    "execution-past": [Breach({b"<Dt>2026-09-15</Dt>": b"<Dt>2026-09-11</Dt>"}, told="2026-09-14")],
    "debtor-agent": [
        Breach({b"<DbtrAgt><FinInstnId><BICFI>TRPUFRP1XXX</BICFI>": b"<DbtrAgt><FinInstnId><Nm>DRFiP</Nm>"}),
    ],
    "name-missing": [
        Breach({NAME: b"<CtryOfRes>FR</CtryOfRes>"}),
        Breach({b"<Dbtr><Nm>Region Normandie</Nm>": b"<Dbtr>"}),
    ],
    "name-length": [Breach({NAME: b"<Nm>" + b"x" * 71 + b"</Nm>"}, told="71")],
    "account-missing": [
        Breach({b"<IBAN>" + IBAN + b"</IBAN>": b"<Othr><Id>0532013000</Id></Othr>"}),
        Breach({b"<CdtrAcct><Id><IBAN>" + IBAN + b"</IBAN></Id></CdtrAcct>": b""}),
    ],
    "iban": [
        Breach({IBAN: b"DE88370400440532013000"}, told="La clé de cet IBAN"),
        Breach({IBAN: b"FR4930003001200002000123406"}, told="La clé RIB"),
        Breach({IBAN: b"BR1800360305000010009795493C1"}, told="zone SEPA"),
        Breach({IBAN: b"FR761007114000000010000017"}, told="27 caractères"),
        Breach({IBAN: b"FR76a"}),
        Breach({IBAN: b"de89370400440532013000"}, schema_passes=False, told="minuscules"),
        Breach({b"<DbtrAcct><Id><IBAN>FR76": b"<DbtrAcct><Id><IBAN>FR75"}, told="La clé de cet IBAN"),
    ],
    "payee-is-payer": [Breach({IBAN: b"FR7610071140000000100000176"})],
    "address-lines": [
        Breach({ADDRESS: b"<AdrLine>14 avenue Albert Sorel</AdrLine><AdrLine>14000 Caen</AdrLine>"}),
        Breach({ADDRESS: b"<TwnNm>Caen</TwnNm><Ctry>FR</Ctry><AdrLine>14 avenue Albert Sorel</AdrLine>"}),
    ],
    "address-incomplete": [
        Breach({ADDRESS: b"<StrtNm>Avenue Albert Sorel</StrtNm><TwnNm>Caen</TwnNm>"}),
        Breach({ADDRESS: b"<Ctry>FR</Ctry>"}),
    ],
    "currency": [Breach(amount(b"0.01", TOTAL, b"USD"), told="USD")],
    "amount-form": [
        Breach(amount(b"+0.01", TOTAL)),
        Breach(amount(b".01", TOTAL)),
        Breach(amount(b"0,01", TOTAL), schema_passes=False),
        Breach(amount(b"1e-2", TOTAL), schema_passes=False),
        Breach({AMOUNT: b'<EqvtAmt><Amt Ccy="EUR">0.01</Amt><CcyOfTrf>USD</CcyOfTrf></EqvtAmt>'}, told="absent"),
    ],
    "amount-decimals": [Breach(amount(b"0.001", b"1304.561"), told="0.001")],
    "amount-range": [
        Breach(amount(b"0.00", b"1304.56")),
        Breach(amount(b"1000000000.00", b"1000001304.56"), profile=BankProfile(max_file_cents=10**15)),
    ],
    "amount-limit": [Breach({}, profile=BankProfile(max_payment_cents=1_234_55), told="1234.55")],
    "end-to-end-missing": [
        Breach({b"<EndToEndId>ATOUTS-000037-000003<": b"<EndToEndId>NOTPROVIDED<"}),
        Breach({b"<EndToEndId>ATOUTS-000037-000003</EndToEndId>": b""}, schema_passes=False),
    ],
    "duplicate-end-to-end": [
        Breach({b"<EndToEndId>ATOUTS-000037-000003<": b"<EndToEndId>ATOUTS-000037-000001<"}, told="ligne 15"),
    ],
    "duplicate-instruction": [
        Breach({b"<InstrId>ATOUTS-000037-000003<": b"<InstrId>ATOUTS-000037-000002<"}, told="ligne 16"),
    ],
    "reference-characters": [
        Breach({b"<EndToEndId>ATOUTS-000037-000003<": "<EndToEndId>ATOUTS-🎓é<".encode()}, told="« é », « 🎓 »"),
        Breach({b"<MsgId>ATOUTS-": b"<MsgId>ATOUTS_"}, told="« _ »"),
        Breach({b"<PmtInfId>ATOUTS-": b"<PmtInfId>ATOUTS&#xA0;"}, told="U+00A0"),
    ],
    "reference-slashes": [
        Breach({b"<MsgId>ATOUTS": b"<MsgId>/ATOUTS"}),
        Breach({b"000003</EndToEndId>": b"000003/</EndToEndId>"}),
        Breach({b"<InstrId>ATOUTS-000037-000003<": b"<InstrId>ATOUTS//000003<"}),
    ],
    "reference-length": [
        Breach({b"<EndToEndId>ATOUTS-000037-000003<": b"<EndToEndId>" + b"x" * 36 + b"<"}, schema_passes=False),
    ],
    "characters": [
        Breach({NAME: "<Nm>Lycée</Nm>".encode()}, told="« é »"),
        Breach({NAME: b"<Nm>Dupont &amp; Fils</Nm>"}, told="« & »"),
        Breach({NAME: b"<Nm>A&#x85;B</Nm>"}, told="U+0085"),
        Breach({NAME: "<Nm>Lycée 🎓</Nm>".encode()}, profile=BankProfile(names=Names.UTF8), told="« 🎓 »"),
        Breach({TEXT: TEXT.replace(b"Atouts", "Règlement".encode())}, profile=BankProfile(names=Names.UTF8)),
    ],
    "spaces": [
        Breach({NAME: b"<Nm> Lycee</Nm>"}),
        Breach({b"<EndToEndId>ATOUTS-000037-000003<": b"<EndToEndId>ATOUTS-000037-000003 <"}),
        Breach({TEXT: TEXT.replace(b"Atouts Normandie", b"")}, schema_passes=False),
    ],
    "remittance-form": [
        Breach({TEXT: TEXT.replace(b"</Ustrd>", b"</Ustrd><Ustrd>bis</Ustrd>")}),
        Breach(
            {
                TEXT: TEXT.replace(
                    b"</Ustrd>",
                    b"</Ustrd><Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp>"
                    b"<Ref>RF18539007547034</Ref></CdtrRefInf></Strd>",
                )
            }
        ),
    ],
    "remittance-length": [Breach({TEXT: TEXT.replace(b"Atouts", b"x" * 141)}, schema_passes=False, told="151")],
    "schema": [],
}


@pytest.fixture
def good(batch_of: BatchOf, written: Written) -> bytes:
    return written(batch_of(profile=STRUCTURED))


def broken(data: bytes, replacements: dict[bytes, bytes]) -> bytes:
    for old, new in replacements.items():
        assert old in data, old
        data = data.replace(old, new)
    return data


def rules_broken(data: bytes, profile: BankProfile = STRUCTURED) -> list[Finding]:
    findings = Findings()
    check_rulebook(io.BytesIO(data), profile, findings)
    return findings.sorted()


def test_every_rule_has_a_file_that_breaks_it() -> None:
    assert BREACHES.keys() == RULES.keys()


@pytest.mark.parametrize(
    ("rule", "breach"),
    [
        pytest.param(rule, breach, id=f"{rule}-{n}")
        for rule, breaches in BREACHES.items()
        for n, breach in enumerate(breaches)
    ],
)
def test_a_rule_broken_alone_is_the_only_one_found(good: bytes, rule: str, breach: Breach) -> None:
    data = broken(good, breach.replacements)
    if rule == "one-batch":
        head, _, tail = data.rpartition(b"<CdtTrfTxInf>")
        data = head + b"</PmtInf>" + SECOND_BATCH + tail
        data = data.replace(b"<CtrlSum>1304.57</CtrlSum>\n", b"<CtrlSum>1304.56</CtrlSum>\n")
        data = data.replace(COUNT + b"\n", b"<NbOfTxs>2</NbOfTxs>\n")
    found = rules_broken(data, breach.profile)
    assert [finding.rule for finding in found] == [rule] * len(found)
    assert found
    assert breach.told in found[0].message
    if rule not in {"doctype", "bom", "syntax", "namespace"}:
        assert (schema_errors(io.BytesIO(data), Version.V09) == []) is breach.schema_passes


@pytest.mark.parametrize("version", list(Version))
def test_a_good_file_breaks_no_rule(batch_of: BatchOf, written: Written, version: Version) -> None:
    assert rules_broken(written(batch_of(profile=replace(STRUCTURED, version=version)))) == []


def test_a_namespace_prefix_is_found(good: bytes) -> None:
    data = broken(good, {b"</": b"</p:", b"xmlns=": b"xmlns:p="})
    data = data.replace(b"<", b"<p:").replace(b"<p:/p:", b"</p:").replace(b"<p:?", b"<?")
    assert schema_errors(io.BytesIO(data), Version.V09) == []
    [found] = rules_broken(data)
    assert (found.rule, found.line) == ("prefix", 2)
    assert "« p »" in found.message


def test_a_file_without_payments_is_found(good: bytes) -> None:
    head, _, rest = good.partition(b"\n<CdtTrfTxInf>")
    data = head + rest[rest.index(b"</PmtInf>") :]
    data = data.replace(COUNT, b"<NbOfTxs>0</NbOfTxs>").replace(TOTAL, b"0.00")
    assert [finding.rule for finding in rules_broken(data)] == ["no-payment"]


def test_a_finding_tells_line_path_and_remedy(good: bytes) -> None:
    [found] = rules_broken(broken(good, {IBAN: b"FR7610071140000000100000176"}))
    assert found.line == 17
    assert good.splitlines()[found.line - 1].startswith(b"<CdtTrfTxInf>")
    assert found.path == "PmtInf[1]/CdtTrfTxInf[3]/CdtrAcct/Id/IBAN"
    assert found.remedy == RULES["payee-is-payer"].remedy


def test_findings_come_in_the_order_of_the_file(good: bytes) -> None:
    data = broken(good, {b"<ChrgBr>SLEV": b"<ChrgBr>SHAR", NAME: b"<Nm>&amp;</Nm>", b"<MsgId>A": b"<MsgId>/A"})
    found = rules_broken(data)
    assert [finding.rule for finding in found] == ["reference-slashes", "charge-bearer", "characters"]
    assert [finding.line for finding in found] == sorted(finding.line for finding in found)


def test_what_was_found_before_a_truncation_is_still_told(good: bytes) -> None:
    data = broken(good, {b"<ChrgBr>SLEV": b"<ChrgBr>SHAR", b"</PmtInf></CstmrCdtTrfInitn></Document>": b""})
    assert [finding.rule for finding in rules_broken(data)] == ["charge-bearer", "syntax"]


def test_a_file_wrong_on_every_line_tells_the_first_places_and_how_many_more(good: bytes) -> None:
    line = good.splitlines()[-1].removesuffix(b"</PmtInf></CstmrCdtTrfInitn></Document>")
    data = good.replace(line, b"\n".join([line] * 61))
    found = [finding for finding in rules_broken(data) if finding.rule == "duplicate-instruction"]
    assert len(found) == REPORTED_PER_RULE + 1
    assert "encore 10 fois" in found[-1].message


def test_a_text_cannot_command_the_terminal_nor_flood_it(good: bytes) -> None:
    [found] = rules_broken(broken(good, {TEXT: TEXT.replace(b"Atouts", b"&#x9B;31m" + b"{x}" * 10)}))
    assert "\x9b" not in found.message
    [found] = rules_broken(
        broken(good, {b"<Ctry>FR</Ctry></PstlAdr></Cdtr>": b"<Ctry>%s</Ctry></PstlAdr></Cdtr>" % (b"_" * 9999)})
    )
    assert len(found.message) < 400


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"PK\x03\x04", b"Nom;IBAN\r\n", b"<", "é".encode("latin-1")])
def test_a_file_that_is_no_xml_is_told_to_be_none(data: bytes) -> None:
    assert [finding.rule for finding in check_file(io.BytesIO(data))] == ["syntax"]


def test_another_message_is_told_to_be_none_of_ours() -> None:
    data = b'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"/>'
    [found] = check_file(io.BytesIO(data))
    assert (found.rule, found.line) == ("namespace", 2)


def test_the_whole_check_adds_what_the_schema_refuses(good: bytes) -> None:
    [found] = check_file(
        io.BytesIO(broken(good, {b"<PmtMtd>TRF</PmtMtd>": b"<PmtMtd>TRF</PmtMtd><Extra>x</Extra>"})), STRUCTURED
    )
    assert found.rule == "schema"
    assert "Extra" in found.message
    assert found.line == 5


def test_the_whole_check_tells_how_far_it_got(good: bytes) -> None:
    told: list[int] = []
    assert check_file(io.BytesIO(good), STRUCTURED, told.append) == []
    assert sum(told) >= 2 * len(good)


def test_indented_and_single_line_files_are_read_alike(good: bytes) -> None:
    tree = etree.fromstring(good, etree.XMLParser(remove_blank_text=True))
    for indented in (False, True):
        body = etree.tostring(tree, pretty_print=indented)
        data = b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.replace(IBAN, b"DE88370400440532013000")
        [found] = rules_broken(data)
        assert found.rule == "iban"
        assert data.splitlines()[found.line - 1].count(b"DE88370400440532013000") == 1
