"""Time and peak memory for writing a large pain.001, ours against sepaxml's, each in a process of its own.

    python tests/bench/bench_pain001.py [--payments 100000] [--rounds 3]

Both write the same payments (accented names to transliterate, BIC, remittance text) to a file of version .09. sepaxml
is spared its own validation, which would cost it far more than the writing. Prints one line per writer, the two ratios
that are promised (at most 1.0 of the time, 0.1 of the peak memory), and what checking our file cost.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

PROMISED_TIME, PROMISED_MEMORY = 1.0, 0.1
REQUESTED = date(2026, 9, 15)
NAME, IBAN, BIC = "Région Normandie", "FR7610071140000000100000176", "TRPUFRP1XXX"
MESSAGE = "ATOUTS-000037"


class Row(NamedTuple):
    """One payment as both writers take it."""

    end_to_end_id: str
    cents: int
    name: str
    iban: str
    bic: str
    remittance: str


def rows(payments: int) -> Iterator[Row]:
    """Payments of 1,00 € to 999,99 € to two accounts in turn, made one at a time."""
    accounts = [("FR7630003001200002000123405", "SOGEFRPP"), ("FR7610278021400004567890122", "CMCIFR2A")]
    for n in range(1, payments + 1):
        iban, bic = accounts[n % 2]
        cents = 100 + (n * 7919) % 99_900
        yield Row(f"{MESSAGE}-{n:06d}", cents, f"Lycée Sacré-Cœur n° {n}", iban, bic, f"Atouts Normandie 2026-W37 {n}")


def write_ours(payments: int, path: Path) -> None:
    from batch.sepa.pain001 import Debtor, Payment, PaymentBatch, write_pain001
    from batch.sepa.profile import BankProfile, CreditorAgent

    batch = PaymentBatch(
        message_id=MESSAGE,
        created_at=datetime(2026, 9, 14, 6, 30, tzinfo=UTC),
        debtor=Debtor(NAME, IBAN, BIC),
        requested_date=REQUESTED,
        profile=BankProfile(creditor_agent=CreditorAgent.BIC),
        payments=(Payment(*row) for row in rows(payments)),
        count=payments,
        total_cents=sum(row.cents for row in rows(payments)),
    )
    with path.open("wb") as stream:
        write_pain001(batch, stream)


def write_sepaxml(payments: int, path: Path) -> None:
    from sepaxml import SepaTransfer

    config = {"name": NAME, "IBAN": IBAN, "BIC": BIC, "batch": True, "currency": "EUR"}
    transfer = SepaTransfer(config, schema="pain.001.001.09", clean=True)
    for row in rows(payments):
        transfer.add_payment(
            {
                "name": row.name,
                "IBAN": row.iban,
                "BIC": row.bic,
                "amount": row.cents,
                "execution_date": REQUESTED,
                "description": row.remittance,
                "endtoend_id": row.end_to_end_id,
            }
        )
    path.write_bytes(transfer.export(validate=False))


def check_ours(payments: int, path: Path) -> None:
    """Official schema and rulebook on the file that `write_ours` left; raises unless both let it pass."""
    from batch.sepa.check import check_file

    with path.open("rb") as stream:
        findings = check_file(stream)
    if findings:
        raise SystemExit(f"our file of {payments} payments is wrong: {findings[0]}")


TASKS: dict[str, Callable[[int, Path], None]] = {"ours": write_ours, "sepaxml": write_sepaxml, "check": check_ours}


def peak_mib() -> float:
    """Peak memory of this process since it began, what its parent held not counted."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(task: str, payments: int, path: Path) -> None:
    """Do one task in this process and print its processor time and peak memory as JSON."""
    started = time.process_time()
    TASKS[task](payments, path)
    sys.stdout.write(json.dumps({"seconds": time.process_time() - started, "peak_mib": peak_mib()}))


def run_task(task: str, payments: int, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", task, str(path), "--payments", str(payments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def compare(payments: int, rounds: int) -> dict[str, Any]:
    """Write the same payments both ways, in turn, and return medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {task: Path(folder) / f"{task}.xml" for task in ("ours", "sepaxml")}
        runs = [{task: run_task(task, payments, path) for task, path in paths.items()} for _ in range(rounds)]
        check = run_task("check", payments, paths["ours"])
        size = paths["ours"].stat().st_size
    medians = {
        task: {figure: statistics.median(run[task][figure] for run in runs) for figure in ("seconds", "peak_mib")}
        for task in paths
    }
    return {
        "payments": payments,
        "rounds": rounds,
        "size_mib": size / 2**20,
        **medians,
        "check": check,
        "time_ratio": medians["ours"]["seconds"] / medians["sepaxml"]["seconds"],
        "memory_ratio": medians["ours"]["peak_mib"] / medians["sepaxml"]["peak_mib"],
    }


def table(result: dict[str, Any]) -> str:
    lines = [f"{result['payments']} payments, {result['size_mib']:.0f} MiB, medians of {result['rounds']} rounds"]
    labels = {"ours": "write, ours", "sepaxml": "write, sepaxml", "check": "check, ours"}
    for task, label in labels.items():
        lines.append(f"  {label:<15} {result[task]['seconds']:7.2f} s  {result[task]['peak_mib']:7.1f} MiB peak")
    lines.append(f"  ratio time        {result['time_ratio']:.2f} (promised {PROMISED_TIME})")
    lines.append(f"  ratio peak memory {result['memory_ratio']:.3f} (promised {PROMISED_MEMORY})")
    return "\n".join(lines)


def main() -> dict[str, Any] | None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("TASK", "PATH"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.measure[0], args.payments, Path(args.measure[1]))
        return None
    result = compare(args.payments, args.rounds)
    sys.stdout.write(table(result) + "\n")
    return result


if __name__ == "__main__":
    main()
