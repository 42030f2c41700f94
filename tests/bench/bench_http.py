"""What the portal costs around the books: sales and balances over HTTP, against a Flask route that answers a constant.

    python tests/bench/bench_http.py [--seconds 3] [--rounds 5] [--clients 16]

The portal runs under `atouts serve` as it does in production (2 processes, 4 threads each, PostgreSQL with its usual
durability, Redis). Two constants stand beside it: `/healthz`, a route of that same gunicorn, to which the goals refer,
and a bare Flask application under a gunicorn with the same settings, which has nothing of ours at all. Rounds
alternate, and ratios are those of the medians. Clients are keep-alive connections that each wait for an answer before
they ask again; they share the machine with the servers.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from flask import Flask, Response
from sqlalchemy import make_url, text

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from batch.embedded import EmbeddedRedis  # noqa: E402
from batch.queue import redis_connection  # noqa: E402
from ledger.cards import printed_code  # noqa: E402
from ledger.database import APPLICATION_ROLE, engine_for, upgrade  # noqa: E402
from ledger.embedded import EmbeddedPostgres  # noqa: E402
from partner_portal.auth.gate import bearer_token  # noqa: E402
from partner_portal.auth.sessions import RedisSessions, Session  # noqa: E402
from tests.conftest import Database  # noqa: E402
from tests.ledger.scheme import BOOK, KEYS, Line, Scheme, make_scheme  # noqa: E402
from tests.served import served  # noqa: E402

STUDENTS = 400
SALE_GOAL, BALANCE_GOAL = 0.4, 0.6

constant = Flask("constant")
ANSWER = json.dumps({"sale_id": "48213", "state": "accepted", "debited_cents": 1250}).encode()


@constant.route("/constant", methods=["GET", "POST"])
def answer() -> Response:
    """The same every time."""
    return Response(ANSWER, mimetype="application/json")


@dataclass
class Target:
    """One thing that is asked for, and how long its answers took, in seconds, round by round."""

    name: str
    url: str
    request: Callable[[], bytes]
    rates: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers per second: the median of the rounds."""
        return statistics.median(self.rates)

    def percentile(self, percent: int) -> float:
        """Milliseconds within which so many per cent of the answers came."""
        return statistics.quantiles(self.took, n=100)[percent - 1] * 1000


@contextmanager
def constant_served(processes: int, threads: int) -> Iterator[str]:
    """The address of the constant under gunicorn."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", "--workers", str(processes), "--threads", str(threads)]
    command += [
        "--worker-class",
        "gthread",
        "--bind",
        address,
        "--log-level",
        "error",
        "tests.bench.bench_http:constant",
    ]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0:
                        break
                time.sleep(0.1)
            yield f"http://{address}"
        finally:
            process.terminate()


@contextmanager
def scheme_on_disk() -> Iterator[tuple[Database, str, Scheme]]:
    """A database with a school and its students, and a Redis, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="atouts-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        os.environ["ATOUTS_DATA_DIR"] = name
        postgres, redis = EmbeddedPostgres(folder), EmbeddedRedis(folder)
        postgres.use()
        redis.use()
        try:
            server = make_url(postgres.url())
            owner, app = engine_for(server), engine_for(make_url(postgres.url(APPLICATION_ROLE)))
            upgrade(owner)
            with app.begin() as conn:
                scheme = make_scheme(conn, *(Line(f"{number:09}AB") for number in range(STUDENTS)))
            with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                conn.execute(text("vacuum analyze"))
            yield Database(str(server.database), server, app, owner), redis.url(), scheme
            app.dispose()
            owner.dispose()
        finally:
            redis.stop()
            postgres.stop()


def written(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as it travels."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def a_sale(scheme: Scheme) -> bytes:
    """A sale of a few cents to any student, under a new key."""
    code = printed_code(KEYS, random.choice(scheme.cards), 1)
    body = json.dumps({"code": code, "lines": [{"ean": str(BOOK), "price_cents": 1}]}).encode()
    token = bearer_token(scheme.till.terminal_id, scheme.till.secret)
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": str(uuid4()),
        "Content-Type": "application/json",
    }
    return written("POST", "/api/v1/sales", headers, body)


def a_balance(redis_url: str, scheme: Scheme) -> bytes:
    """A signed-in student's look at what is left."""
    with redis_connection(redis_url) as redis:
        sessions = RedisSessions(redis, idle_s=3600, absolute_s=3600)
        session = Session(now=sessions.clock())
        sessions.sign_in(session, f"student:{scheme.student_ids[0]}", agent="", source="")
        app = Flask("sessions")
        with app.test_request_context():
            app.config["SESSION_COOKIE_NAME"] = "atouts"
            sessions.save_session(app, session, Response())
    return written("GET", "/api/v1/student/wallets", {"Cookie": f"atouts={session.sid}"})


async def client(target: Target, until: float) -> tuple[int, list[float]]:
    """Ask, wait, ask again; the number of answers, and how long each took."""
    host = urlsplit(target.url)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    took = []
    while time.perf_counter() < until:
        begun = time.perf_counter()
        writer.write(target.request())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = int(head.lower().partition("content-length:")[2].split("\r\n")[0])
        body = await reader.readexactly(length)
        took.append(time.perf_counter() - begun)
        if head.split()[1] not in ("200", "201"):
            raise RuntimeError(f"{target.name}: {head} {body.decode()}")
        if "connection: close" in head.lower():
            writer.close()
            reader, writer = await asyncio.open_connection(host.hostname, host.port)
    writer.close()
    return len(took), took


async def round_of(target: Target, clients: int, seconds: float) -> None:
    """So many clients at once, for so long."""
    begun = time.perf_counter()
    done = await asyncio.gather(*(client(target, begun + seconds) for _ in range(clients)))
    target.rates.append(sum(count for count, _ in done) / (time.perf_counter() - begun))
    target.took += [one for _, took in done for one in took]


def main() -> int:
    """Measure, and say whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    asked = parser.parse_args()
    with ExitStack() as stack:
        database, redis_url, scheme = stack.enter_context(scheme_on_disk())
        settings = {"WEB_PROCESSES": "2", "WEB_THREADS": "4", "LOG_LEVEL": "INFO"}
        log = stack.enter_context(tempfile.TemporaryFile())
        portal = stack.enter_context(served(database, redis_url, stdout=log, **settings))
        bare = stack.enter_context(constant_served(2, 4))
        balance = a_balance(redis_url, scheme)
        targets = [
            Target("/healthz", portal, lambda: written("GET", "/healthz", {})),
            Target(
                "bare Flask", bare, lambda: written("POST", "/constant", {"Content-Type": "application/json"}, b"{}")
            ),
            Target("POST /sales", portal, lambda: a_sale(scheme)),
            Target("GET balance", portal, lambda: balance),
        ]
        for target in targets:
            asyncio.run(round_of(target, asked.clients, 1))
            target.rates.clear()
            target.took.clear()
        for _ in range(asked.rounds):
            for target in targets:
                asyncio.run(round_of(target, asked.clients, asked.seconds))
    here, bare_rate = targets[0].rate, targets[1].rate
    print(f"{asked.clients} clients, {asked.rounds} rounds of {asked.seconds:g} s")  # noqa: T201
    for target in targets:
        print(  # noqa: T201
            f"{target.name:12} {target.rate:7.0f}/s  to /healthz {target.rate / here:4.2f}  "
            f"to bare Flask {target.rate / bare_rate:4.2f}  "
            f"p50 {target.percentile(50):6.1f} ms  p99 {target.percentile(99):6.1f} ms"
        )
    met = targets[2].rate / here >= SALE_GOAL and targets[3].rate / here >= BALANCE_GOAL
    print(f"goals: sales {SALE_GOAL}, balance {BALANCE_GOAL}: {'met' if met else 'missed'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
