"""How long a run takes: freezing a week of sales, and the way to the file of 100 000 payments against sepaxml's.

    python tests/bench/bench_payouts.py week  [--sales 500000] [--partners 2000] [--older 3000000]
    python tests/bench/bench_payouts.py file  [--payments 100000]

`week` freezes a week of sales of a book that holds older, paid transfers as well, and tells what posting a sale took
meanwhile. `file` freezes one sale for each of so many partners, makes the file (postings, bytes, checks and storing),
writes its bytes anew, and has sepaxml write the same payments: each in a process of its own, which tells its seconds,
its peak memory and how far that grew above what its imports took. The ratios compare the two that only write.

Both make a database of their own on an embedded PostgreSQL in a temporary folder, with the durability of production,
and drop it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, make_url, text

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from batch import payouts  # noqa: E402
from ledger import people  # noqa: E402
from ledger.database import APPLICATION_ROLE, engine_for, upgrade  # noqa: E402
from ledger.embedded import EmbeddedPostgres  # noqa: E402
from ledger.payouts import approval, proof, runs  # noqa: E402
from ledger.payouts.freeze import freeze  # noqa: E402
from ledger.payouts.rules import Payer, Terms  # noqa: E402
from ledger.payouts.runs import Payment  # noqa: E402
from ledger.rights import Role  # noqa: E402

PAYER = Payer("Région Normandie", "FR7610071140000000100000176", "TRPUFRP1XXX")
MONDAY = datetime(2026, 9, 6, 22, tzinfo=UTC)
WEEK = timedelta(days=7)


@contextmanager
def books() -> Iterator[tuple[Engine, Engine]]:
    """An empty scheme: connections as the application and as the owner."""
    with tempfile.TemporaryDirectory(prefix="atouts-payouts-") as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder))
        server.use()
        try:
            owner = engine_for(make_url(server.url()))
            upgrade(owner)
            app = engine_for(make_url(server.url(APPLICATION_ROLE)))
            yield app, owner
            app.dispose()
            owner.dispose()
        finally:
            server.stop()


def accounts(count: int) -> list[str]:
    """So many French accounts of one branch, with their RIB keys and check digits."""
    found = []
    for number in range(1, count + 1):
        key = 97 - (89 * 30004 + 15 * 1 + 3 * number) % 97
        account = f"3000400001{number:011d}{key:02d}"
        found.append(f"FR{98 - int(account + '152700') % 97:02d}{account}")
    return found


def enrol(owner: Engine, partners: int) -> None:
    """So many validated partners, each with an account in force."""
    with owner.begin() as conn:
        conn.execute(
            text("""
                insert into partner (siret, uai, name, town, representative, email, phone, status)
                select lpad(n::text, 14, '0'), lpad(n::text, 7, '0') || 'A', 'Lycée Sacré-Cœur n° ' || n, 'Caen', 'x',
                       'lycee' || n || '@example.org', '0231000000', 'validated'
                  from generate_series(1, :partners) n order by n
            """),
            {"partners": partners},
        )
        conn.execute(
            text("""
                insert into partner_bank_account (partner_id, iban, bic, holder, asked_by, accepted_at, accepted_by,
                                                  usable_from)
                select p.id, i.iban, 'SOGEFRPPXXX', p.name, 'a', now(), 'b', now() - interval '1 year'
                  from unnest(cast(:ibans as text[])) with ordinality i(iban, n) join partner p on p.siret::bigint = i.n
            """),
            {"ibans": accounts(partners)},
        )


def sell(owner: Engine, first: int, sales: int, partners: int, begin: datetime) -> None:
    """So many sales within the week from `begin`, spread over the partners, with the numbers from `first` on.

    Posted past the triggers, which is not what is measured here: balances of wallets stay as they are.
    """
    with owner.begin() as conn:
        conn.execute(text("set local session_replication_role = replica"))
        conn.execute(
            text("""
                insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year,
                                      posted_at)
                select 'sale', 1000000000000 + n, 2000000000001 + (n * 7919) % :partners, 500 + n % 6500, n, 1, 2026,
                       cast(:begin as timestamptz) + (n - :first) * interval '7 days' / :sales
                  from generate_series(cast(:first as bigint), :first + :sales - 1) n order by n
            """),
            {"first": first, "sales": sales, "partners": partners, "begin": begin},
        )
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("vacuum analyze"))


def terms() -> Terms:
    from batch.payouts import _entries
    from batch.sepa.profile import BankProfile, CreditorAgent

    return Terms(payer=PAYER, bank_profile=_entries(BankProfile(creditor_agent=CreditorAgent.BIC)))


def week(sales: int, partners: int, older: int) -> dict[str, float]:
    """Freeze a week of sales beside older ones that earlier runs have paid."""
    with books() as (app, owner):
        enrol(owner, partners)
        result: dict[str, float] = {}
        if older:
            sell(owner, 1, older, partners, MONDAY - 2 * WEEK)
            began = time.monotonic()
            with app.begin() as conn:
                freeze(conn, cutoff=MONDAY - WEEK, terms=terms(), actor="job:payouts")
            result["older_seconds"] = time.monotonic() - began
        sell(owner, older + 1, sales, partners, MONDAY - WEEK)
        with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("checkpoint"))
        waits: list[float] = []
        done = threading.Event()
        seller = threading.Thread(target=_keep_selling, args=(owner, waits, done))
        seller.start()
        time.sleep(1)
        before = len(waits)
        began = time.monotonic()
        with app.begin() as conn:
            run = runs.get(conn, freeze(conn, cutoff=MONDAY, terms=terms(), actor="job:payouts"))
        result["freeze_seconds"] = time.monotonic() - began
        meanwhile = sorted(waits[before:])
        done.set()
        seller.join()
        result |= {"payments": run.payments, "cents": run.amount}
        result["posting_worst_ms"] = 1000 * meanwhile[-1]
        result["posting_median_ms"] = 1000 * meanwhile[len(meanwhile) // 2]
        result["posting_median_ms_before"] = 1000 * sorted(waits[:before])[before // 2]
        with app.connect() as conn:
            began = time.monotonic()
            approval.verify(conn, run)
            result["verify_seconds"] = time.monotonic() - began
            assert proof.hidden(conn) == []
        with app.begin() as conn:
            began = time.monotonic()
            approval.refuse(conn, run.id, actor="job:payouts", reason="bench")
            result["refuse_seconds"] = time.monotonic() - began
        return result


def _keep_selling(owner: Engine, waits: list[float], done: threading.Event) -> None:
    """Post one small transfer after the other, as tills do, and note how long each took."""
    number = 10**12
    with owner.connect() as conn:
        while not done.is_set():
            number += 1
            began = time.monotonic()
            with conn.begin():
                conn.execute(text("set local session_replication_role = replica"))
                conn.execute(
                    text("""
                        insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year)
                        values ('sale', 1000000000001, 2000000000001, 100, :number, 1, 2026)
                    """),
                    {"number": number},
                )
            waits.append(time.monotonic() - began)
            time.sleep(0.002)


def file(payments: int) -> dict[str, float]:
    """Freeze and write one payment for each partner, each step in a process of its own; then sepaxml, too."""
    with books() as (app, owner):
        enrol(owner, payments)
        sell(owner, 1, payments, payments, MONDAY - WEEK)
        url = app.url.render_as_string(hide_password=False)
        result = measured("freeze", url)
        run_id = int(result["freeze_run"])
        _approved(app, run_id)
        result |= measured("generate", url, str(run_id))
        result |= measured("write", url, str(run_id))
        with tempfile.TemporaryDirectory() as folder, app.connect() as conn:
            exported = Path(folder) / "payments.jsonl"
            with exported.open("w", encoding="utf-8") as rows:
                rows.writelines(f"{json.dumps(_row(one))}\n" for one in runs.payments(conn, run_id))
            result |= measured("sepaxml", str(exported))
    for figure in ("seconds", "mib", "grown_mib"):
        result[f"write_{figure}_ratio"] = result[f"write_{figure}"] / result[f"sepaxml_{figure}"]
    return result


def _row(payment: Payment) -> tuple[object, ...]:
    frozen = payment.frozen
    remittance = f"Atouts Normandie {payment.uai}"
    return payment.end_to_end_id, frozen.amount, frozen.name, frozen.iban, frozen.bic, remittance


def _approved(app: Engine, run_id: int) -> None:
    """Have two people approve a run."""
    with app.begin() as conn:
        run = runs.get(conn, run_id)
        for number in (1, 2):
            person = people.create(conn, email=f"a{number}@example.org", name="x", by="bench")
            people.set_password(conn, person, "$argon2id$x", by="bench")
            people.grant(conn, person, Role.PAYMENT_APPROVER, by="bench")
            approval.approve(conn, run_id, person_id=person, content_hash=run.content_hash)


# -- each in a process of its own ----------------------------------------------------------------------------------


def step_freeze(url: str) -> dict[str, float]:
    with engine_for(url).begin() as conn:
        return {"run": freeze(conn, cutoff=MONDAY, terms=terms(), actor="job:payouts")}


def step_generate(url: str, run_id: str) -> dict[str, float]:
    run = payouts.generate(engine_for(url), int(run_id), actor="job:payouts")
    assert run.file is not None
    return {"size_mib": run.file.size / 2**20}


def step_write(url: str, run_id: str) -> dict[str, float]:
    with engine_for(url).connect() as conn, tempfile.TemporaryFile() as stream:
        return {"size_mib": payouts.rewrite(conn, runs.get(conn, int(run_id)), stream).size / 2**20}


def step_sepaxml(path: str) -> dict[str, float]:
    from sepaxml import SepaTransfer

    config = {"name": PAYER.name, "IBAN": PAYER.iban, "BIC": PAYER.bic, "batch": True, "currency": "EUR"}
    transfer = SepaTransfer(config, schema="pain.001.001.09", clean=True)
    with Path(path).open(encoding="utf-8") as rows:
        for row in rows:
            end_to_end_id, cents, name, iban, bic, remittance = json.loads(row)
            transfer.add_payment(
                {
                    "name": name,
                    "IBAN": iban,
                    "BIC": bic,
                    "amount": cents,
                    "execution_date": MONDAY.date(),
                    "description": remittance,
                    "endtoend_id": end_to_end_id,
                }
            )
    return {"size_mib": len(transfer.export(validate=False)) / 2**20}


STEPS = {"freeze": step_freeze, "generate": step_generate, "write": step_write, "sepaxml": step_sepaxml}


def measured(step: str, *arguments: str) -> dict[str, float]:
    """Do a step in a process of its own: what it tells, its seconds, and its peak memory in MiB."""
    command = [sys.executable, __file__, "--step", step, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {f"{step}_{name}": value for name, value in json.loads(done.stdout).items()}


def do_step(step: str, *arguments: str) -> None:
    before = peak_mib()
    began = time.monotonic()
    told = STEPS[step](*arguments)
    figures = {"seconds": time.monotonic() - began, "mib": peak_mib(), "grown_mib": peak_mib() - before}
    sys.stdout.write(json.dumps(told | figures))


def peak_mib() -> float:
    """Peak memory of this process since it began."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> dict[str, float] | None:
    if sys.argv[1:2] == ["--step"]:
        do_step(*sys.argv[2:])
        return None
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["week", "file"])
    parser.add_argument("--sales", type=int, default=500_000)
    parser.add_argument("--partners", type=int, default=2000)
    parser.add_argument("--older", type=int, default=3_000_000)
    parser.add_argument("--payments", type=int, default=100_000)
    args = parser.parse_args()
    result = week(args.sales, args.partners, args.older) if args.what == "week" else file(args.payments)
    for name, value in result.items():
        sys.stdout.write(f"{name:<28} {value:>14,.2f}\n")
    return result


if __name__ == "__main__":
    main()
