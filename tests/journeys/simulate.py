"""The simulator: `make simulate SEED=7` plays a day at the tills in which everything breaks, and proves the books.

Tills sell, sell to classes, cancel and ask again, some by the ledger's own functions and some over HTTP, while jobs
seal, grant, freeze and lapse. Their connections are cut between commit and answer; tills, portal, worker, database
sessions and PostgreSQL itself are killed and started again. Afterwards each sale that a till was told of is in the
books exactly once, no other is, every answer equals its replay, and check and seals are clean.
"""

import os
import random
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import httpx
from sqlalchemy import Engine, make_url

from batch.embedded import EmbeddedRedis
from batch.queue import queue, redis_connection
from batch.seals import seal_history
from ledger import terminals
from ledger.data_folder import socket_folder
from ledger.database import APPLICATION_ROLE, engine_for, upgrade
from ledger.embedded import EmbeddedPostgres
from tests.journeys.simulation import proof
from tests.journeys.simulation.cutter import Cutter
from tests.journeys.simulation.processes import STRIKES, Killer, Process
from tests.journeys.simulation.till import Till, TillPlan, save
from tests.ledger.scheme import KEYS, Line, make_partner, make_scheme

SOCKET = ".s.PGSQL.5432"
SHOWN = 20


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    seconds: float = 60
    students: int = 400
    ledger_tills: int = 4
    http_tills: int = 4
    pause: float = 1.5
    """Seconds between two strikes, on average."""


@dataclass(frozen=True)
class Outcome:
    """What was played, and every difference that was found."""

    answers: int
    asked_again: int
    cuts: int
    strikes: dict[str, int]
    differences: list[str]


class Simulation:
    """One simulation in a folder of its own."""

    def __init__(self, folder: Path, seed: int, size: Size) -> None:
        self.folder, self.seed, self.size = folder, seed, size
        self.chance = random.Random(seed)
        self.stop = folder / "stop"
        self.server = EmbeddedPostgres(folder)
        self.redis = EmbeddedRedis(folder)
        self.port, self.cut_port = free_port(), free_port()

    def play(self) -> Outcome:
        """Play, and prove."""
        self.server.use()
        self.redis.use()
        engine = engine_for(self.server.url(APPLICATION_ROLE))
        try:
            return self._played(engine)
        finally:
            engine.dispose()
            self.redis.leave()
            self.server.leave()

    def _played(self, engine: Engine) -> Outcome:
        owner = engine_for(self.server.url())
        upgrade(owner)
        owner.dispose()
        plans = self._plans(engine)
        cutters = self._cutters()
        environment = self._environment()
        portal = self._process("portal", ["partner_portal.cli", "serve", "--bind", f"127.0.0.1:{self.port}"])
        worker = self._process("worker", ["partner_portal.cli", "worker"])
        clerk = self._process(
            "clerk",
            ["tests.journeys.simulation.clerk", environment["ATOUTS_DATABASE_APP_URL"], str(self.stop), str(self.seed)],
        )
        tills = [
            self._process(plan.name, ["tests.journeys.simulation.till", str(self.folder / f"{plan.name}.json")])
            for plan in plans
        ]
        everybody = [portal, worker, clerk, *tills]
        try:
            for process in everybody:
                process.start()
            killer = Killer(self.server, portal, worker, clerk, tills)
            self._break_things(killer, everybody)
            self.stop.touch()
            for till in tills:
                if till.wait(180) != 0:
                    raise RuntimeError(f"{till.name} failed: see {till.log}")
            self._wait_for_the_portal()
            found = [*proof.differences(engine, plans)]
            found += [difference for plan in plans for difference in proof.replays(plan)]
        finally:
            for process in everybody:
                process.kill()
            for cutter in cutters:
                cutter.stop()
        journals = [Till(plan).journal for plan in plans]
        answers = sum(len(journal.answers) for journal in journals)
        heard = sum(len(said) for journal in journals for said in journal.answers.values())
        return Outcome(answers, heard - answers, sum(cutter.cuts for cutter in cutters), killer.counts, found)

    def _break_things(self, killer: Killer, everybody: list[Process]) -> None:
        """Let them work, and strike now and then: everything once, then as chance has it."""
        first = list(dict.fromkeys(STRIKES))
        self.chance.shuffle(first)
        end = time.monotonic() + self.size.seconds
        self._wait_for_the_portal()
        connection = redis_connection(self.redis.url())
        while time.monotonic() < end or first:
            time.sleep(self.chance.uniform(0.5, 1.5) * self.size.pause)
            queue("low", connection).enqueue(seal_history, result_ttl=60)
            what = first.pop() if first else self.chance.choice(STRIKES)
            killer.strike(what, self.chance.randrange(100))
            for process in everybody:
                # Whoever did not bear it is started again, as a service manager does.
                if not process.alive():
                    process.start()

    def _plans(self, engine: Engine) -> list[TillPlan]:
        with engine.begin() as conn:
            scheme = make_scheme(conn, *(Line(f"{number:09}AB") for number in range(self.size.students)))
            partners = [scheme.till, make_partner(conn, siret="21500129800003", uai="0500016W", name="Lycée Grignard")]
            plans = []
            for number in range(self.size.ledger_tills + self.size.http_tills):
                partner = partners[number % 2]
                code, _ = terminals.make_pairing_code(conn, partner.partner_id, actor="test:1")
                terminal = terminals.pair_terminal(conn, code, name=f"Caisse {number}")
                if terminal is None:
                    raise RuntimeError("a new pairing code pairs")
                door = "ledger" if number < self.size.ledger_tills else "http"
                name = f"till-{number}"
                plans.append(
                    TillPlan(
                        name=name,
                        door=door,
                        address=self._address(door, cut=True),
                        direct_address=self._address(door, cut=False),
                        terminal_id=terminal.terminal_id,
                        partner_id=terminal.partner_id,
                        secret=terminal.secret,
                        seed=self.chance.getrandbits(32),
                        journal=str(self.folder / f"{name}.journal"),
                        stop=str(self.stop),
                        cards=scheme.cards,
                    )
                )
        for plan in plans:
            save(plan, self.folder / f"{plan.name}.json")
        return plans

    def _address(self, door: str, *, cut: bool) -> str:
        """Where a till of this door asks: through a network that is cut, or directly."""
        if door == "http":
            return f"http://127.0.0.1:{self.cut_port if cut else self.port}"
        url = make_url(self.server.url(APPLICATION_ROLE))
        return (url.set(query={"host": str(self._cut_folder)}) if cut else url).render_as_string()

    @property
    def _cut_folder(self) -> Path:
        return self.folder / "cut"

    def _cutters(self) -> list[Cutter]:
        self._cut_folder.mkdir()
        database = Cutter(self._cut_folder / SOCKET, socket_folder(self.folder) / SOCKET, self.seed, longest=60)
        portal = Cutter(self.cut_port, self.port, self.seed, longest=20)
        for cutter in (database, portal):
            cutter.start()
        return [database, portal]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ATOUTS_")}
        return kept | {
            "ATOUTS_DATA_DIR": str(self.folder),
            "ATOUTS_DATABASE_URL": self.server.url(),
            "ATOUTS_DATABASE_APP_URL": self.server.url(APPLICATION_ROLE),
            "ATOUTS_REDIS_URL": self.redis.url(),
            "ATOUTS_RATE_LIMIT": "100000 per minute",
            "ATOUTS_CARD_KEY": KEYS.keys[KEYS.current].decode(),
            "ATOUTS_CARD_KEY_ID": str(KEYS.current),
        }

    def _process(self, name: str, arguments: list[str]) -> Process:
        return Process(name, arguments, self._environment(), self.folder / f"{name}.log")

    def _wait_for_the_portal(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise RuntimeError("the portal does not answer any more")


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@click.command()
@click.option(
    "--seed", type=int, default=lambda: random.SystemRandom().randrange(10**6), help="What it all follows from."
)
@click.option("--seconds", default=Size.seconds, show_default=True, help="How long things break.")
@click.option("--keep", is_flag=True, help="Keep the folder of servers, journals and logs.")
def main(seed: int, seconds: float, keep: bool) -> None:
    """Play a day at the tills in which everything breaks, and prove the books. Exits with 1 if they are wrong."""
    folder = Path(tempfile.mkdtemp(prefix="atouts-simulation-"))
    # When we are root the servers' own user has to pass through.
    folder.chmod(0o711)
    click.echo(f"Seed {seed}, {seconds:.0f} seconds, in {folder}")
    outcome = Simulation(folder, seed, Size(seconds=seconds)).play()
    struck = ", ".join(f"{what} {times}" for what, times in sorted(outcome.strikes.items()))
    click.echo(f"Requests answered: {outcome.answers}, and answered again: {outcome.asked_again}.")
    click.echo(f"Connections cut: {outcome.cuts}. Killed: {struck}.")
    for difference in outcome.differences[:SHOWN]:
        click.echo(f"WRONG: {difference}")
    if outcome.differences:
        click.echo(f"{len(outcome.differences)} differences. `make simulate SEED={seed}` plays it again; see {folder}.")
        sys.exit(1)
    click.echo("Each sale that was told is in the books once, and no other; every answer equals its replay.")
    click.echo("Check and seals are clean.")
    if not keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
