"""Time and peak memory for reading a large camt.053, ours against pyiso20022's, each in a process of its own.

    python tests/bench/bench_camt.py [--entries 100000] [--shape entries|batch|nameless] [--books]

`entries` has one detail in each entry; there ours may take 0.2 of the time and 0.1 of the peak memory at most.
`batch` is one entry that holds all details; they are handed out together, so memory is in their number. `nameless` is
`entries` without our ids: account and amount only.
Time is processor time, since other work on the machine would change the clock's.

With `--books` the file is imported instead, whole: a run of as many payments waits for it in a database of its own, on
an embedded PostgreSQL in a temporary folder. Then the clock counts too, since the database works beside the process.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

DAY = "2026-09-14"
OURS = "FR7630001007941234567890185"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"

HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{NAMESPACE}">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>BENCH-0001</MsgId><CreDtTm>2026-09-14T06:00:00+02:00</CreDtTm></GrpHdr>
    <Stmt>
      <Id>STMT-2026-0257</Id>
      <ElctrncSeqNb>257</ElctrncSeqNb>
      <CreDtTm>2026-09-14T06:00:00+02:00</CreDtTm>
      <Acct><Id><IBAN>{OURS}</IBAN></Id><Ccy>EUR</Ccy></Acct>
"""

BALANCE = """      <Bal>
        <Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>
        <Amt Ccy="EUR">{cents}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt>
      </Bal>
"""

ENTRY_HEAD = """      <Ntry>
        <NtryRef>{n}</NtryRef>
        <Amt Ccy="EUR">{amount}</Amt>
        <CdtDbtInd>DBIT</CdtDbtInd>
        <RvslInd>false</RvslInd>
        <Sts><Cd>BOOK</Cd></Sts>
        <BookgDt><Dt>{day}</Dt></BookgDt>
        <ValDt><Dt>{day}</Dt></ValDt>
        <AcctSvcrRef>2026257{n:012d}</AcctSvcrRef>
        <BkTxCd>
          <Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>
          <Prtry><Cd>VIR SEPA</Cd><Issr>CFONB</Issr></Prtry>
        </BkTxCd>
        <NtryDtls>
"""

IDS = """<MsgId>{message}</MsgId>
              <AcctSvcrRef>2026257{n:012d}</AcctSvcrRef>
              <PmtInfId>{message}-1</PmtInfId>
              <InstrId>{end_to_end_id}</InstrId>
              <EndToEndId>{end_to_end_id}</EndToEndId>"""

DETAIL = """          <TxDtls>
            <Refs>
              {ids}
            </Refs>
            <Amt Ccy="EUR">{amount}</Amt>
            <CdtDbtInd>DBIT</CdtDbtInd>
            <BkTxCd>
              <Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>
            </BkTxCd>
            <RltdPties>
              <Cdtr><Pty><Nm>LYCEE NUMERO {n}</Nm></Pty></Cdtr>
              <CdtrAcct><Id><IBAN>{iban}</IBAN></Id></CdtrAcct>
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


class Transfer(NamedTuple):
    """One of our payments."""

    end_to_end_id: str
    cents: int
    iban: str


def transfers(count: int) -> list[Transfer]:
    """Payments of 1,00 € to 999,99 €."""
    iban = "FR7630006000011234567890189"
    return [Transfer(f"ATN2026W37-{n:06d}", 100 + (n * 7919) % 99_900, iban) for n in range(1, count + 1)]


def document(paid: Sequence[Transfer], shape: str, *, message: str = "ATN2026W37", day: str = DAY) -> Iterator[str]:
    """The text of one statement with these payments, whose balances add up."""
    total = sum(transfer.cents for transfer in paid)
    yield HEAD
    yield BALANCE.format(code="OPBD", cents=euros(total + 5_000), direction="CRDT", day=day)
    yield BALANCE.format(code="CLBD", cents=euros(5_000), direction="CRDT", day=day)
    if shape == "batch":
        yield ENTRY_HEAD.format(n=1, amount=euros(total), day=day)
    for n, transfer in enumerate(paid, start=1):
        amount = euros(transfer.cents)
        ids = IDS.format(n=n, message=message, end_to_end_id=transfer.end_to_end_id)
        if shape != "batch":
            yield ENTRY_HEAD.format(n=n, amount=amount, day=day)
        yield DETAIL.format(n=n, amount=amount, iban=transfer.iban, ids="" if shape == "nameless" else ids)
        if shape != "batch":
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


def import_into_books(path: Path) -> int:
    """Put the file into the books of ATOUTS_BENCH_URL. Returns the number of transfers that are booked then."""
    from sqlalchemy import text

    from batch.bank.import_file import import_bank_file
    from ledger.database import engine_for

    engine = engine_for(os.environ["ATOUTS_BENCH_URL"])
    report = import_bank_file(engine, path, name=path.name, actor="bench")
    assert report.left_open == 0, report.sentences()
    with engine.connect() as conn:
        return int(conn.execute(text("select count(*) from payout_payment where state = 'booked'")).scalar_one())


READERS: dict[str, Callable[[Path], int]] = {"atouts": read_with_ours, "pyiso20022": read_with_pyiso20022}


def measure(reader: str, path: Path) -> None:
    """Run one reader in this process and print its time, peak memory and what it read, as JSON."""
    began, started = time.monotonic(), time.process_time()
    count = import_into_books(path) if reader == "import" else READERS[reader](path)
    seconds, clock = time.process_time() - started, time.monotonic() - began
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {"transfers": count, "seconds": seconds, "clock": clock, "peak_mib": peak_kib / 1024}
    sys.stdout.write(json.dumps(figures))


def run(reader: str, path: Path, **environment: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", reader, str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def compare(entries: int, shape: str, folder: Path) -> None:
    """Write one file, read it both ways and print the two lines and the two ratios."""
    path = folder / "camt.053.xml"
    with path.open("w", encoding="utf-8") as out:
        out.writelines(document(transfers(entries), shape))
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


def measure_import(entries: int, shape: str, folder: Path) -> None:
    """Send a run of so many payments to the bank, import the statement that books them, and print what that took."""
    import bench_payouts as payouts

    from ledger.payouts import runs

    path = folder / "camt.053.xml"
    with payouts.books() as (app, owner):
        payouts.enrol(owner, entries)
        payouts.sell(owner, 1, entries, entries, payouts.MONDAY - payouts.WEEK)
        url = app.url.render_as_string(hide_password=False)
        number = int(payouts.measured("freeze", url)["freeze_run"])
        payouts._approved(app, number)
        payouts.measured("generate", url, str(number))
        with app.connect() as conn:
            file = runs.get(conn, number).file
            paid = [
                Transfer(one.end_to_end_id or "", one.frozen.amount, one.frozen.iban)
                for one in runs.payments(conn, number)
            ]
        assert file is not None
        with path.open("w", encoding="utf-8") as out:
            day = f"{file.execution_date}"
            out.writelines(document(paid, shape, message=file.message_id, day=day))
        result = run("import", path, ATOUTS_BENCH_URL=url, ATOUTS_PAYER_IBAN=OURS)
    if result["transfers"] != entries:
        raise SystemExit(f"booked {result['transfers']} transfers instead of {entries}")
    lines = [
        f"{entries} transfers into the books, shape {shape!r}, {path.stat().st_size / 2**20:.0f} MiB",
        f"  import      {result['clock']:7.1f} s  {result['peak_mib']:8.0f} MiB peak",
        f"  of which    {result['seconds']:7.1f} s  are the processor's, database apart",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--shape", choices=["entries", "batch", "nameless"], default="entries")
    parser.add_argument("--books", action="store_true", help="import it into the books instead")
    parser.add_argument("--measure", nargs=2, metavar=("READER", "PATH"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.measure[0], Path(args.measure[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        (measure_import if args.books else compare)(args.entries, args.shape, Path(folder))


if __name__ == "__main__":
    main()
