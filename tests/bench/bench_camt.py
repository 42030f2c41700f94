"""Time and peak memory for reading a large camt.053, ours against pyiso20022's, each in a process of its own.

    python tests/bench/bench_camt.py [--entries 100000] [--shape entries|batch]

`entries` has one detail in each entry; there ours may take 0.2 of the time and 0.1 of the peak memory at most.
`batch` is one entry that holds all details; they are handed out together, so memory is in their number.
Time is processor time, since other work on the machine would change the clock's.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"

HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{NAMESPACE}">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>BENCH-0001</MsgId><CreDtTm>2026-09-14T06:00:00+02:00</CreDtTm></GrpHdr>
    <Stmt>
      <Id>STMT-2026-0257</Id>
      <ElctrncSeqNb>257</ElctrncSeqNb>
      <CreDtTm>2026-09-14T06:00:00+02:00</CreDtTm>
      <Acct><Id><IBAN>FR7630001007941234567890185</IBAN></Id><Ccy>EUR</Ccy></Acct>
"""

BALANCE = """      <Bal>
        <Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>
        <Amt Ccy="EUR">{cents}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>2026-09-{day}</Dt></Dt>
      </Bal>
"""

ENTRY_HEAD = """      <Ntry>
        <NtryRef>{n}</NtryRef>
        <Amt Ccy="EUR">{amount}</Amt>
        <CdtDbtInd>DBIT</CdtDbtInd>
        <RvslInd>false</RvslInd>
        <Sts><Cd>BOOK</Cd></Sts>
        <BookgDt><Dt>2026-09-14</Dt></BookgDt>
        <ValDt><Dt>2026-09-14</Dt></ValDt>
        <AcctSvcrRef>2026257{n:012d}</AcctSvcrRef>
        <BkTxCd>
          <Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>
          <Prtry><Cd>VIR SEPA</Cd><Issr>CFONB</Issr></Prtry>
        </BkTxCd>
        <NtryDtls>
"""

DETAIL = """          <TxDtls>
            <Refs>
              <MsgId>ATN2026W37</MsgId>
              <AcctSvcrRef>2026257{n:012d}</AcctSvcrRef>
              <PmtInfId>ATN2026W37-1</PmtInfId>
              <InstrId>ATN2026W37-{n:06d}</InstrId>
              <EndToEndId>ATN2026W37-{n:06d}</EndToEndId>
            </Refs>
            <Amt Ccy="EUR">{amount}</Amt>
            <CdtDbtInd>DBIT</CdtDbtInd>
            <BkTxCd>
              <Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>
            </BkTxCd>
            <RltdPties>
              <Cdtr><Pty><Nm>LYCEE NUMERO {n}</Nm></Pty></Cdtr>
              <CdtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></CdtrAcct>
            </RltdPties>
            <RltdAgts><CdtrAgt><FinInstnId><BICFI>AGRIFRPPXXX</BICFI></FinInstnId></CdtrAgt></RltdAgts>
            <RmtInf><Ustrd>ATOUTS NORMANDIE SEMAINE 37 LIVRES SCOLAIRES</Ustrd></RmtInf>
          </TxDtls>
"""

ENTRY_TAIL = """        </NtryDtls>
      </Ntry>
"""

TAIL = """    </Stmt>
  </BkToCstmrStmt>
</Document>
"""


def euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def document(entries: int, shape: str) -> Iterator[str]:
    """The text of one statement with `entries` transfers of 1,00 € to 999,99 €, whose balances add up."""
    amounts = [100 + (n * 7919) % 99_900 for n in range(1, entries + 1)]
    yield HEAD
    yield BALANCE.format(code="OPBD", cents=euros(sum(amounts) + 5_000), direction="CRDT", day="13")
    yield BALANCE.format(code="CLBD", cents=euros(5_000), direction="CRDT", day="14")
    if shape == "batch":
        yield ENTRY_HEAD.format(n=1, amount=euros(sum(amounts)))
    for n, cents in enumerate(amounts, start=1):
        if shape == "entries":
            yield ENTRY_HEAD.format(n=n, amount=euros(cents))
        yield DETAIL.format(n=n, amount=euros(cents))
        if shape == "entries":
            yield ENTRY_TAIL
    if shape == "batch":
        yield ENTRY_TAIL
    yield TAIL


def read_with_ours(path: Path) -> int:
    """Check the whole file, then read its entries: what an import does. Returns the number of transfers."""
    from batch.bank.files import StatementFile, open_bank_file

    with open_bank_file(path) as bank_file:
        assert isinstance(bank_file, StatementFile)
        return sum(len(entry.details) for _, entry in bank_file.entries())


def read_with_pyiso20022(path: Path) -> int:
    """Parse the file into pyiso20022's classes. Returns the number of transfers."""
    from pyiso20022.camt.camt_053_001_08 import Document
    from xsdata.formats.dataclass.parsers import XmlParser

    parsed = XmlParser().parse(path, Document)
    return sum(
        len(details.tx_dtls)
        for statement in parsed.bk_to_cstmr_stmt.stmt
        for entry in statement.ntry
        for details in entry.ntry_dtls
    )


READERS: dict[str, Callable[[Path], int]] = {"atouts": read_with_ours, "pyiso20022": read_with_pyiso20022}


def measure(reader: str, path: Path) -> None:
    """Run one reader in this process and print its time, peak memory and what it read, as JSON."""
    started = time.process_time()
    transfers = READERS[reader](path)
    seconds = time.process_time() - started
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(json.dumps({"transfers": transfers, "seconds": seconds, "peak_mib": peak_kib / 1024}))


def run(reader: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", reader, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def compare(entries: int, shape: str, folder: Path) -> None:
    """Write one file, read it both ways and print the two lines and the two ratios."""
    path = folder / "camt.053.xml"
    with path.open("w", encoding="utf-8") as out:
        out.writelines(document(entries, shape))
    lines = [f"{entries} transfers, shape {shape!r}, {path.stat().st_size / 2**20:.0f} MiB"]
    results = {reader: run(reader, path) for reader in READERS}
    for reader, result in results.items():
        lines.append(f"  {reader:<11} {result['seconds']:7.1f} s  {result['peak_mib']:8.0f} MiB peak")
    ours, theirs = results["atouts"], results["pyiso20022"]
    if ours["transfers"] != entries or theirs["transfers"] != entries:
        raise SystemExit(f"read {ours['transfers']} and {theirs['transfers']} transfers instead of {entries}")
    lines.append(f"  ratio of time {ours['seconds'] / theirs['seconds']:.3f}")
    lines.append(f"  ratio of peak memory {ours['peak_mib'] / theirs['peak_mib']:.3f}")
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--shape", choices=["entries", "batch"], default="entries")
    parser.add_argument("--measure", nargs=2, metavar=("READER", "PATH"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.measure[0], Path(args.measure[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(args.entries, args.shape, Path(folder))


if __name__ == "__main__":
    main()
