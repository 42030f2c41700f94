"""Real bank files, where they lie beside the project: each is read or refused with a sentence, and counts as it says.

The samples are public ones of banks and other projects; some are broken on purpose. They are not part of the project.
"""

from pathlib import Path

import pytest
from lxml import etree

from batch.bank.files import StatementFile, open_bank_file
from batch.bank.refusal import BankFileRefused
from ledger.statement_checks import Finding, check_statement

SAMPLES = Path(__file__).parents[4] / "shared" / "sepa" / "samples"
FILES = sorted(SAMPLES.rglob("*.xml"))

pytestmark = pytest.mark.skipif(not FILES, reason=f"the bank samples are not in {SAMPLES}")


def name(path: Path) -> str:
    """A sample's own name."""
    return str(path.relative_to(SAMPLES))


def samples(*readable: str) -> list[Path]:
    """The samples whose text holds one of these."""
    return [path for path in FILES if any(word in path.read_text(errors="replace") for word in readable)]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_each_sample_is_read_or_refused_with_a_sentence(path: Path) -> None:
    try:
        open_bank_file(path).close()
    except BankFileRefused as refusal:
        assert str(refusal).startswith("Fichier refusé")  # noqa: PT017 - either is fine, nothing else is


def test_only_broken_samples_and_other_messages_are_refused() -> None:
    refused = {}
    for path in FILES:
        try:
            open_bank_file(path).close()
        except BankFileRefused as refusal:
            refused[name(path)] = refusal.fault
    unexpected = {
        path: fault
        for path, fault in refused.items()
        if not any(
            known in fault for known in ("message pain.001", "espace de noms (absent)", "aucun relevé", "12..34")
        )
    }
    assert unexpected == {}


@pytest.mark.parametrize("path", samples("camt.053.001", "camt.054.001"), ids=name)
def test_totals_are_those_of_the_file_itself(path: Path) -> None:
    """Count once more, with the whole tree in memory and the plainest means."""
    try:
        bank_file = open_bank_file(path)
    except BankFileRefused:
        pytest.skip("refused, see the test of refusals")
    with bank_file:
        assert isinstance(bank_file, StatementFile)
        told = [(of.statement_id, of.all_entries.entries, of.all_entries.net_cents) for of in bank_file.statements]
        details = sum(len(entry.details) for _, entry in bank_file.entries())
    root = etree.parse(path)
    counted = []
    for statement in (
        root.iterfind("{*}*/{*}Stmt") if root.find("{*}*/{*}Stmt") is not None else root.iterfind("{*}*/{*}Ntfctn")
    ):
        entries = statement.findall("{*}Ntry")
        net = sum(
            round(float(entry.findtext("{*}Amt", "")) * 100) * (1 if entry.findtext("{*}CdtDbtInd") == "CRDT" else -1)
            for entry in entries
        )
        counted.append((statement.findtext("{*}Id", "").strip(), len(entries), net))
    assert told == counted
    assert details == len(root.findall(".//{*}TxDtls"))


BALANCED = (
    "moov-io+iso20022/FI_camt_053_sample.xml.xml",
    "svapnil+iso20022.js/example_camt.xml",
    "svapnil+iso20022.js/ing__example_camt.xml",
    "svapnil+iso20022.js/nordea__example_camt.xml",
    "viafintech+camt_parser/valid_example.xml",
    "genkgo+camt/camt053.v2.multi.statement.xml",
)


@pytest.mark.parametrize("sample", BALANCED)
def test_statements_of_real_banks_balance_with_directions_as_written(sample: str) -> None:
    """Two of them hold reversals: turned by the indicator, they would not balance."""
    with open_bank_file(SAMPLES / sample) as bank_file:
        assert isinstance(bank_file, StatementFile)
        for statement in bank_file.statements:
            assert check_statement(statement, [statement.account]) == []


def test_a_real_statement_with_a_sign_wrong_is_found() -> None:
    with open_bank_file(SAMPLES / "viafintech+camt_parser/valid_example_with_debit.xml") as bank_file:
        assert isinstance(bank_file, StatementFile)
        (remark,) = check_statement(bank_file.statements[0], [bank_file.statements[0].account])
    assert remark.finding is Finding.UNBALANCED


def test_a_real_return_is_told_with_its_iso_reason() -> None:
    (path,) = [path for path in FILES if path.name.startswith("camt054-returns_p_ch5109")]
    with open_bank_file(path) as bank_file:
        assert isinstance(bank_file, StatementFile)
        ((_, entry),) = bank_file.entries()
    (detail,) = entry.details
    assert (entry.signed_cents, entry.reversal) == (500_00, True)
    assert detail.return_reason is not None
    assert (detail.return_reason.code, detail.return_reason.texts) == ("AC01", ("Kontonummer falsch",))
    assert detail.references.end_to_end_id == "EndToEndId-001-03-04"
