"""Reading camt.053 and camt.054 in their versions and dialects."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from batch.bank.files import StatementFile, open_bank_file
from ledger.bank_messages import (
    AnnouncedTotals,
    Balance,
    Batch,
    Charge,
    Direction,
    Entry,
    MessageKind,
    Reason,
    References,
    Statement,
    Tally,
    TransactionCode,
)

from .messages import ACCOUNT, HEADER, balance, details, document, entry, statement, statements

DETAIL = """
  <Refs><MsgId>AN-37</MsgId><AcctSvcrRef>BK-1</AcctSvcrRef><PmtInfId>AN-37-1</PmtInfId><InstrId> AN-37-001 </InstrId>
    <EndToEndId>AN-37-001</EndToEndId><UETR>255ae394-9965-4438-ac86-f406feada396</UETR><TxId>TX-1</TxId>
    <ClrSysRef>CS-1</ClrSysRef></Refs>
  <Amt Ccy="EUR">70.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
  <AmtDtls><InstdAmt><Amt Ccy="EUR">75.00</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">70.00</Amt></TxAmt></AmtDtls>
  <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn><Prtry><Cd>V99</Cd></Prtry></BkTxCd>
  <RltdPties><Dbtr><Pty><Nm>REGION</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>FR7610071140000000100000176</IBAN></Id></DbtrAcct>
    <Cdtr><Nm>LYCEE   MALHERBE</Nm></Cdtr><CdtrAcct><Id><Othr><Id>12345</Id></Othr></Id></CdtrAcct></RltdPties>
  <RmtInf><Ustrd>Semaine 37</Ustrd><Ustrd>Livres</Ustrd></RmtInf>
  <RtrInf><OrgnlBkTxCd><Prtry><Cd>914</Cd></Prtry></OrgnlBkTxCd><Rsn><Cd>AC04</Cd></Rsn>
    <AddtlInf>Compte</AddtlInf><AddtlInf>clos</AddtlInf></RtrInf>
  <AddtlTxInf>Retour</AddtlTxInf>
"""


def read(source: bytes | Path) -> tuple[tuple[Statement, ...], list[Entry]]:
    """The statements of a file and all its entries."""
    with open_bank_file(source) as bank_file:
        assert isinstance(bank_file, StatementFile)
        return bank_file.statements, [told for _, told in bank_file.entries()]


def the_entry(inside: str, message: str = "camt.053.001.08") -> Entry:
    """The only entry of a statement."""
    _, (told,) = read(statement(inside, message=message))
    return told


@pytest.mark.parametrize("kind", ["camt.053", "camt.054"])
@pytest.mark.parametrize("version", range(2, 14))
def test_all_versions_of_a_message_read_alike(kind: str, version: int) -> None:
    body, each = ("BkToCstmrStmt", "Stmt") if kind == "camt.053" else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    content = f"<{body}>{HEADER}<{each}><Id>R-1</Id>{ACCOUNT}{entry('12.50', details(DETAIL))}</{each}></{body}>"
    with open_bank_file(document(f"{kind}.001.{version:02}", content)) as bank_file:
        assert isinstance(bank_file, StatementFile)
        assert (bank_file.description.kind, bank_file.description.version) == (MessageKind(kind), f"{version:02}")
        ((told, entry_),) = bank_file.entries()
    assert (told.statement_id, told.kind) == ("R-1", MessageKind(kind))
    assert (entry_.signed_cents, entry_.booked, len(entry_.details)) == (-12_50, True, 1)


def test_the_file_is_described() -> None:
    with open_bank_file(statement()) as bank_file:
        description = bank_file.description
    assert description.message_id == "BANK-1"
    assert description.created_at == datetime(2026, 9, 15, 4, tzinfo=UTC)
    assert description.size == len(statement())
    assert len(description.sha256) == 64


def test_the_head_of_a_statement() -> None:
    (told,), _ = read(
        statement(
            "<StmtPgntn><PgNb>2</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>",
            "<ElctrncSeqNb>257</ElctrncSeqNb><LglSeqNb>12</LglSeqNb><CreDtTm>2026-09-15T05:00:00.123456789Z</CreDtTm>",
            "<FrToDt><FrDtTm>2026-09-14T00:00:00</FrDtTm><ToDtTm>2026-09-14T23:59:59</ToDtTm></FrToDt>",
            "<CpyDplctInd>DUPL</CpyDplctInd>",
            balance("OPBD", "1000.00", day="2026-09-14"),
            balance("CLBD", "12.50", "DBIT"),
            "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries><Sum>1012.50</Sum></TtlNtries>"
            "<TtlDbtNtries><NbOfNtries>2</NbOfNtries><Sum>-1012.50</Sum></TtlDbtNtries></TxsSummry>",
            entry("1000"),
            entry("12.5"),
        )
    )
    assert (told.account, told.currency, told.sequence) == ("FR7610071140000000100000176", "EUR", 257)
    assert (told.page, told.last_page, told.duplicate) == (2, False, True)
    assert told.created_at == datetime(2026, 9, 15, 5, 0, 0, 123456, tzinfo=UTC)
    assert (told.from_date, told.to_date) == (date(2026, 9, 14), date(2026, 9, 14))
    assert told.balances == (
        Balance(code="OPBD", subtype=None, signed_cents=1_000_00, currency="EUR", on=date(2026, 9, 14)),
        Balance(code="CLBD", subtype=None, signed_cents=-12_50, currency="EUR", on=date(2026, 9, 15)),
    )
    assert told.announced == AnnouncedTotals(entries=2, sum_cents=1_012_50, debit_entries=2, debit_cents=1_012_50)
    assert told.booked_entries == Tally(0, 0, 2, 1_012_50)
    assert told.currencies == {"EUR"}


def test_an_entry_with_all_it_may_say() -> None:
    told = the_entry(
        "<Ntry><NtryRef>N-1</NtryRef><Amt Ccy='EUR'>70.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd>"
        "<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-09-15</Dt></BookgDt><ValDt><DtTm>2026-09-16T00:00:00+02:00</DtTm></ValDt>"
        "<AcctSvcrRef>BK-0</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly>"
        "</Domn></BkTxCd><Chrgs><TtlChrgsAndTaxAmt Ccy='EUR'>5.00</TtlChrgsAndTaxAmt><Rcrd><Amt Ccy='EUR'>5.00</Amt>"
        "<CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>"
        + details(
            DETAIL,
            batch="<Btch><MsgId>AN-37</MsgId><PmtInfId>AN-37-1</PmtInfId><NbOfTxs>1</NbOfTxs>"
            "<TtlAmt Ccy='EUR'>70</TtlAmt><CdtDbtInd>DBIT</CdtDbtInd></Btch>",
        )
        + "<AddtlNtryInf>Virement\n  rendu</AddtlNtryInf></Ntry>"
    )
    assert (told.reference, told.account_servicer_ref, told.reversal) == ("N-1", "BK-0", True)
    assert (told.booking_date, told.value_date) == (date(2026, 9, 15), date(2026, 9, 16))
    assert told.transaction_code == TransactionCode("PMNT", "RCDT", "ESCT")
    assert told.charges == (Charge(5_00, "EUR", Direction.DEBIT, True),)
    assert told.information == "Virement rendu"
    assert told.batches == (
        Batch(
            message_id="AN-37",
            payment_information_id="AN-37-1",
            payments=1,
            total_cents=70_00,
            direction=Direction.DEBIT,
        ),
    )


def test_a_detail_with_all_it_may_say() -> None:
    (told,) = the_entry(entry("70.00", details(DETAIL))).details
    assert told.references == References(
        message_id="AN-37",
        payment_information_id="AN-37-1",
        instruction_id="AN-37-001",
        end_to_end_id="AN-37-001",
        uetr="255ae394-9965-4438-ac86-f406feada396",
        transaction_id="TX-1",
        account_servicer_ref="BK-1",
        clearing_ref="CS-1",
    )
    assert (told.cents, told.currency, told.direction, told.instructed_cents) == (70_00, "EUR", Direction.CREDIT, 75_00)
    assert told.transaction_code == TransactionCode("PMNT", "ICDT", "RRTN", "V99")
    assert (told.debtor_name, told.debtor_account) == ("REGION", "FR7610071140000000100000176")
    assert (told.creditor_name, told.creditor_account) == ("LYCEE MALHERBE", "12345")
    assert (told.remittance, told.information) == ("Semaine 37 Livres", "Retour")


def test_21_the_reason_is_the_iso_code_and_not_the_first_code_of_the_bank() -> None:
    (told,) = the_entry(entry("70.00", details(DETAIL))).details
    assert told.return_reason == Reason("AC04", None, ("Compte", "clos"))


def test_in_old_versions_the_amount_is_among_the_amount_details() -> None:
    inside = "<AmtDtls><TxAmt><Amt Ccy='EUR'>70.00</Amt></TxAmt></AmtDtls><Chrgs><Amt Ccy='EUR'>1</Amt></Chrgs>"
    (told,) = the_entry(entry("70.00", details(inside)), message="camt.053.001.02").details
    assert (told.cents, told.direction) == (70_00, None)
    assert told.charges == (Charge(1_00, "EUR", None, None),)


def test_20_the_direction_stands_as_written_beside_a_reversal() -> None:
    inside = f"{entry('5.00', direction='CRDT')}{entry('5.00').replace('<Sts>', '<RvslInd>true</RvslInd><Sts>')}"
    _, (credit, debit) = read(statement(inside))
    assert (credit.signed_cents, credit.reversal) == (5_00, None)
    assert (debit.signed_cents, debit.reversal) == (-5_00, True)


@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR"])
def test_25_announced_entries_are_apart_from_booked_ones(status: str) -> None:
    pending = entry("5.00", status=f"<Sts><Cd>{status}</Cd></Sts>")
    (told,), (first, second) = read(statement(pending, entry("7.00")))
    assert (first.booked, second.booked) == (False, True)
    assert (told.all_entries.net_cents, told.booked_entries.net_cents) == (-12_00, -7_00)


def test_25_a_status_of_the_banks_own_is_not_booked_whatever_it_is_called() -> None:
    assert not the_entry(entry("5.00", status="<Sts><Prtry>BOOK</Prtry></Sts>")).booked


def test_25_several_statements_keep_their_entries() -> None:
    each = [f"<Stmt><Id>R-{n}</Id>{ACCOUNT}{entry(f'{n}.00') * n}</Stmt>" for n in (1, 2, 3)]
    with open_bank_file(statements(*each)) as bank_file:
        assert isinstance(bank_file, StatementFile)
        told = [(of.statement_id, entry_.number, entry_.cents) for of, entry_ in bank_file.entries()]
        again = [(of.statement_id, entry_.number, entry_.cents) for of, entry_ in bank_file.entries()]
    assert told == [
        ("R-1", 1, 100),
        ("R-2", 1, 200),
        ("R-2", 2, 200),
        ("R-3", 1, 300),
        ("R-3", 2, 300),
        ("R-3", 3, 300),
    ]
    assert again == told


def test_25_another_currency_is_kept_and_marked() -> None:
    (told,), (entry_,) = read(
        statement("<Ntry><Amt Ccy='JPY'>2700</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts></Ntry>")
    )
    assert (entry_.currency, entry_.cents, told.currencies) == ("JPY", 2700_00, {"JPY"})


def test_25_the_same_statement_has_the_same_fingerprint_in_another_file() -> None:
    (first,), _ = read(statement(balance("OPBD", "1.00"), entry("1.00")))
    (resent,), _ = read(statement(balance("OPBD", "1.00"), entry("1.00")).replace(b"BANK-1", b"BANK-2"))
    (corrected,), _ = read(statement(balance("OPBD", "1.00"), entry("1.01")))
    assert first.fingerprint == resent.fingerprint != corrected.fingerprint


def test_elements_of_foreign_namespaces_are_not_ours() -> None:
    foreign = "<x:Ntry xmlns:x='urn:x'><x:Amt>9</x:Amt></x:Ntry><Envlp><x:TxDtls xmlns:x='urn:x'/></Envlp>"
    _, entries = read(statement(foreign, entry("1.00", "<x:Amt xmlns:x='urn:x'>x</x:Amt>")))
    assert [told.cents for told in entries] == [1_00]


def test_a_prefixed_namespace_reads_alike() -> None:
    prefixed = statement(entry("1.00")).decode().replace("<", "<b:").replace("<b:/", "</b:").replace("<b:?", "<?")
    (told,), _ = read(prefixed.replace("xmlns=", "xmlns:b=").encode())
    assert told.booked_entries.net_cents == -1_00


@pytest.mark.parametrize("encoding", ["ISO-8859-15", "UTF-16", "utf-8-sig"])
def test_other_encodings_read_alike(encoding: str) -> None:
    text = statement(entry("1.00", "<AddtlNtryInf>Rejeté : œuvre à 3 €</AddtlNtryInf>")).decode()
    declared = text.replace('"UTF-8"', f'"{"UTF-8" if encoding == "utf-8-sig" else encoding}"')
    _, (told,) = read(declared.encode(encoding))
    assert told.information == "Rejeté : œuvre à 3 €"


def test_comments_and_instructions_do_not_split_a_value() -> None:
    assert the_entry(entry("1<!-- one -->2<?x y?>.3<![CDATA[4]]>")).cents == 12_34


def test_free_texts_are_clipped() -> None:
    told = the_entry(entry("1.00", f"<AddtlNtryInf>{'a' * 5000}</AddtlNtryInf>"))
    assert told.information == "a" * 1000


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "camt.xml"
    path.write_bytes(statement(entry("1.00", details("", ""))))
    _, (told,) = read(path)
    assert [one.number for one in told.details] == [1, 2]


def test_many_entries_and_details_keep_their_order() -> None:
    inside = "".join(
        entry(f"{n}.00", details(*(f"<Refs><EndToEndId>{n}/{d}</EndToEndId></Refs>" for d in range(n % 4))))
        for n in range(1, 700)
    )
    _, entries = read(statement(inside))
    assert [told.cents for told in entries] == [n * 100 for n in range(1, 700)]
    assert [one.references.end_to_end_id for told in entries for one in told.details] == [
        f"{n}/{d}" for n in range(1, 700) for d in range(n % 4)
    ]
