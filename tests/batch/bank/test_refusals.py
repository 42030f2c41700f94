"""Files that are refused with one sentence: case 27 of the payment brief, and what hostile files may try."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batch.bank import document as bank_document
from batch.bank.files import open_bank_file
from batch.bank.refusal import BankFileRefused

from .messages import ACCOUNT, HEADER, NAMESPACE, balance, details, document, entry, report, statement


def refusal(source: bytes | Path) -> BankFileRefused:
    """Why a file is refused."""
    with pytest.raises(BankFileRefused) as caught:
        open_bank_file(source)
    assert str(caught.value).startswith("Fichier refusé")
    assert str(caught.value).endswith((".", "?"))
    return caught.value


@pytest.mark.parametrize(
    "amount",
    [
        "12..34",
        "12,34",
        "",
        " ",
        "1e3",
        "-5.00",
        "+5.00",
        "0x10",
        "12.345",
        "0.00001",
        ".5",
        "5.",
        "1 000",
        "١٢",
        "9" * 14,
        "NaN",
    ],
)
def test_27_an_amount_that_is_none_is_refused_with_its_place(amount: str) -> None:
    found = refusal(statement("\n", entry("1.00"), "\n", entry(amount)))
    assert (found.element, found.line, found.place) == ("Ntry/Amt", 4, "relevé n° 1, écriture n° 2")
    assert "montant" in found.fault


def test_27_the_sentence_is_for_an_accountant() -> None:
    assert str(refusal(statement(entry("12..34")))) == (
        "Fichier refusé (ligne 2, relevé n° 1, écriture n° 1, élément Ntry/Amt) : « 12..34 » n'est pas un montant."
    )


def test_27_decimals_below_the_cent_are_refused_and_zeros_are_not() -> None:
    with open_bank_file(statement(entry("18.15000"))):
        pass
    assert "centimes entiers" in refusal(statement(entry("18.15001"))).fault


@pytest.mark.parametrize(
    "namespace",
    [
        "",
        "urn:x",
        f"{NAMESPACE}camt.053.001.02.xsd",
        f"{NAMESPACE}camt.053.001.02\n",
        f"{NAMESPACE}camt.053.002.02",
        "ISO:camt.053.001.02:APC:STUUZD:DK:01",
    ],
)
def test_27_a_wrong_namespace_is_refused(namespace: str) -> None:
    source = statement(entry("1.00")).replace(f"{NAMESPACE}camt.053.001.08".encode(), namespace.encode())
    found = refusal(source)
    assert "espace de noms" in found.fault
    assert found.element == "Document"


@pytest.mark.parametrize("message", ["pain.001.001.09", "camt.052.001.08", "pacs.008.001.08"])
def test_27_other_messages_are_named(message: str) -> None:
    assert message[:8] in refusal(document(message, "")).fault


@pytest.mark.parametrize("message", ["camt.053.001.01", "camt.053.001.14", "pain.002.001.02", "pain.002.001.15"])
def test_27_versions_that_are_not_read_are_named(message: str) -> None:
    assert f"version {message[-2:]}" in refusal(document(message, "")).fault


def test_27_a_message_of_another_kind_than_its_namespace_says_holds_nothing() -> None:
    assert "aucun relevé" in refusal(report().replace(b"pain.002.001.10", b"camt.053.001.08")).fault


@given(st.integers(0, 400))
@example(0)
def test_27_a_truncated_file_is_refused_wherever_it_breaks_off(cut: int) -> None:
    whole = statement(balance("OPBD", "1.00"), entry("1.00", details("<Refs><EndToEndId>A</EndToEndId></Refs>")))
    refusal(whole[: min(cut, len(whole) - 1)])


def test_27_a_transfer_that_was_interrupted_says_so() -> None:
    assert "interrompu" in refusal(statement(entry("1.00"))[:-40]).fault


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE Document>",
        '<!DOCTYPE Document SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE Document [<!ENTITY a "1"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_27_a_doctype_is_refused(doctype: str) -> None:
    source = statement(entry("1.00")).replace(b"?>", f"?>{doctype}".encode())
    assert "DOCTYPE" in refusal(source).fault


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b" ",
        b"Date;Montant\n2026-09-15;12,50\n",
        b"PK\x03\x04",
        b"\x00" * 64,
        b"<a/>",
        b"<Document/>",
        b"\xff\xfe<\x00",
    ],
)
def test_27_what_is_no_bank_message_is_refused(source: bytes) -> None:
    refusal(source)


@pytest.mark.parametrize(
    "text", ["&amount;", "1&#0;2", "\x07", "\udcff".encode("utf-8", "surrogateescape").decode("latin1")]
)
def test_27_text_that_is_no_xml_is_refused(text: str) -> None:
    refusal(statement(entry(text)))


def test_content_after_the_end_is_refused() -> None:
    refusal(statement(entry("1.00")) + b"<Document/>")


ENTRY = "<Ntry><Amt Ccy='EUR'>1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts></Ntry>"


@pytest.mark.parametrize(
    ("missing", "element"),
    [
        ("<Amt Ccy='EUR'>1.00</Amt>", "Ntry/Amt"),
        (" Ccy='EUR'", "Ntry/Amt"),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "Ntry/CdtDbtInd"),
        ("<Sts>BOOK</Sts>", "Ntry/Sts"),
        ("<MsgId>BANK-1</MsgId>", "GrpHdr/MsgId"),
        ("<CreDtTm>2026-09-15T06:00:00+02:00</CreDtTm>", "GrpHdr/CreDtTm"),
        (HEADER, "GrpHdr"),
        ("<Id>R-257</Id>", "Stmt/Id"),
        (ACCOUNT, "Stmt/Acct/Id"),
    ],
)
def test_a_mandatory_part_that_is_missing_is_named(missing: str, element: str) -> None:
    assert refusal(statement(ENTRY).replace(missing.encode(), b"")).element == element


@pytest.mark.parametrize(
    ("told", "instead", "element"),
    [
        ("DBIT", "DEBIT", "Ntry/CdtDbtInd"),
        ("'EUR'", "'eur'", "Ntry/Amt"),
        ("<Sts>BOOK</Sts>", "<Sts>Comptabilisé</Sts>", "Ntry/Sts"),
        ("<Sts>", "<RvslInd>peut-être</RvslInd><Sts>", "Ntry/RvslInd"),
        ("</Ntry>", "<BookgDt><Dt>2026-13-01</Dt></BookgDt></Ntry>", "Ntry/BookgDt/Dt"),
        ("</Ntry>", "<ValDt><Dt>15/09/2026</Dt></ValDt></Ntry>", "Ntry/ValDt/Dt"),
        ("</Ntry>", f"<NtryRef>{'9' * 141}</NtryRef></Ntry>", "Ntry/NtryRef"),
        ("</Ntry>", details("<Amt Ccy='EUR'>x</Amt>") + "</Ntry>", "TxDtls/Amt"),
        ("06:00:00+02:00", "06h00", "GrpHdr/CreDtTm"),
        (ENTRY, balance("OPBD", "1,00"), "Stmt/Bal/Amt"),
        (ENTRY, balance("OPBD", "1.00").replace("<CdtDbtInd>CRDT</CdtDbtInd>", ""), "Stmt/Bal/CdtDbtInd"),
        (ENTRY, balance("OPBD", "1.00", day="hier"), "Stmt/Bal/Dt/Dt"),
        (ENTRY, "<ElctrncSeqNb>douze</ElctrncSeqNb>", "Stmt/ElctrncSeqNb"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(told: str, instead: str, element: str) -> None:
    assert refusal(statement(ENTRY).replace(told.encode(), instead.encode())).element == element


@pytest.mark.parametrize(
    ("told", "twice"),
    [
        ("<Amt Ccy='EUR'>1.00</Amt>", "<Amt Ccy='EUR'>2.00</Amt>"),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "<CdtDbtInd>CRDT</CdtDbtInd>"),
        ("<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>"),
        ("<IBAN>FR7610071140000000100000176</IBAN>", "<IBAN>DE89370400440532013000</IBAN>"),
    ],
)
def test_what_decides_about_money_is_said_once(told: str, twice: str) -> None:
    assert "deux fois" in refusal(statement(ENTRY).replace(told.encode(), f"{told}{twice}".encode())).fault


def test_an_amount_with_elements_inside_is_refused() -> None:
    assert "autres éléments" in refusal(statement(entry("1<b/>2"))).fault


def test_a_record_may_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_document, "MAX_RECORD_BYTES", 1 << 16)
    assert "enregistrements" in refusal(statement(entry("1.00", f"<X>{'<y>z</y>' * 20_000}</X>"))).fault


def test_a_file_may_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_document, "MAX_FILE_BYTES", 1 << 16)
    assert "dépasse" in refusal(statement(entry("1.00") * 2_000)).fault


@pytest.mark.parametrize("hostile", ["<z>" * 5_000, f"<z a='{'a' * 11_000_000}'/>", f"<z>{'a' * 11_000_000}</z>"])
def test_depth_and_length_are_bounded(hostile: str) -> None:
    refusal(statement(hostile))


def test_memory_does_not_grow_with_the_number_of_entries(tmp_path: Path) -> None:
    one = entry("1.00", details(f"<Refs><EndToEndId>A</EndToEndId></Refs><RmtInf><Ustrd>{'x' * 500}</Ustrd></RmtInf>"))
    path = tmp_path / "camt.xml"
    peaks = []
    for entries in (1_000, 10_000):
        path.write_bytes(statement(one * entries))
        tracemalloc.start()
        with open_bank_file(path) as bank_file:
            assert sum(1 for _ in bank_file.entries()) == entries  # type: ignore[union-attr]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_a_refused_file_leaves_no_spool_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr("batch.bank.files.Spool.close", lambda spool: closed.append(spool))
    refusal(statement(entry("12..34")))
    assert len(closed) == 1


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fall_over(noise: bytes) -> None:
    whole = statement(entry("1.00"))
    for source in (noise, whole[:150] + noise + whole[150:]):
        try:
            open_bank_file(source).close()
        except BankFileRefused as found:
            assert str(found)  # noqa: PT017 - either is fine, nothing else is
