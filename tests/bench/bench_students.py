"""What a year of students costs: reminders and lapses of 120 000, killed midway and run twice, and the page they open.

    python tests/bench/bench_students.py [--students 120000] [--sales 20000] [--clients 16] [--seconds 5]

On an embedded PostgreSQL and Redis in a temporary folder, with the durability of production; the portal runs under
`atouts serve`. Each job is a process of its own. The first one is killed with SIGKILL as soon as it has done a third of
the work, then two run at once until the end: every student must have one mail, every wallet one lapse.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from flask import Flask, Response
from sqlalchemy import Engine, text

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from batch.queue import redis_connection  # noqa: E402
from ledger import benefits, books_check, cards  # noqa: E402
from partner_portal.auth.sessions import RedisSessions, Session  # noqa: E402
from tests.bench.bench_http import Target, round_of, scheme_on_disk, written  # noqa: E402
from tests.conftest import Database  # noqa: E402
from tests.ledger.scheme import ACTOR, BOOK, KEYS, Scheme  # noqa: E402
from tests.served import served  # noqa: E402

JOBS = {
    "receipts": "from batch.student_mails import write_receipts as work",
    "reminders": "from batch.student_mails import write_reminders as work",
    "lapses": "from batch.year_end import lapse as work",
}
DONE = {
    "receipts": "select count(*) from mail_outbox where purpose = 'receipt'",
    "reminders": "select count(*) from mail_outbox where purpose = 'reminder'",
    "lapses": "select count(*) from transfer where kind = 'lapse'",
}
IN_A_MONTH = "date_trunc('day', now() at time zone 'Europe/Paris') at time zone 'Europe/Paris' + interval '31 days'"


def enrol(database: Database, year: int, students: int) -> None:
    """So many students with an address, a grant and a card."""
    with database.owner_engine.begin() as conn:
        conn.execute(
            text("""
                with new as (
                    insert into student (national_id) select 'B' || n from generate_series(1, :n) n returning id
                ), named as (
                    insert into student_identity (student_id, last_name, first_name, birth_date, email)
                    select id, 'Martin', 'Léa', '2010-07-14', 'eleve' || id || '@example.org' from new
                )
                insert into enrolment (student_id, school_year, school_id, class_name, stream, programme, first_entry)
                select id, :year, (select min(id) from school), '2de ' || id % 30, 'general', 'générale', false from new
            """),
            {"n": students, "year": year},
        )
        benefits.grant(conn, year, actor=ACTOR)
        cards.issue_missing_cards(conn, KEYS, school_year=year)
    with database.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("vacuum analyze"))


def sell(engine: Engine, scheme: Scheme, sales: int) -> None:
    """So many sales, to classes of a hundred."""
    with engine.connect() as conn:
        taken = list(conn.scalars(text("select id from card order by id limit :n"), {"n": sales}))
    for start in range(0, len(taken), 100):
        with engine.begin() as conn:
            scheme.till.sell(conn, *((card, [(BOOK, 1500)]) for card in taken[start : start + 100]))


def start(database: Database, job: str) -> "subprocess.Popen[bytes]":
    """One process of a job."""
    program = f"{JOBS[job]}; from ledger.database import application_engine; work(application_engine())"
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=database.environment)


def run(database: Database, job: str, expected: int) -> None:
    """Kill it midway, run it twice at once, and see that each thing was done once."""

    def done() -> int:
        with database.engine.connect() as conn:
            return int(conn.execute(text(DONE[job])).scalar_one())

    begun = time.monotonic()
    killed = start(database, job)
    while killed.poll() is None and done() < expected / 3:
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    midway, at = done(), time.monotonic() - begun
    for process in [start(database, job), start(database, job)]:
        process.wait()
    took = time.monotonic() - begun
    again = start(database, job)
    again.wait()
    assert midway < expected, f"{job}: not killed midway"
    assert done() == expected, f"{job}: {done()} instead of {expected}"
    print(f"{job:9} {expected:7} in {took:5.1f} s ({midway} when killed after {at:.1f} s; nothing new in a last run)")  # noqa: T201


def page_asked(redis_url: str, students: list[int]) -> list[bytes]:
    """Requests for the home page by signed-in students."""
    app, requests = Flask("sessions"), []
    with redis_connection(redis_url) as redis, app.test_request_context():
        app.config["SESSION_COOKIE_NAME"] = "atouts"
        sessions = RedisSessions(redis, idle_s=3600, absolute_s=3600)
        for student in students:
            session = Session(now=sessions.clock())
            sessions.sign_in(session, f"student:{student}", agent="", source="")
            session["student_name"] = "Léa"
            sessions.save_session(app, session, Response())
            requests.append(written("GET", "/eleve/", {"Cookie": f"atouts={session.sid}"}))
    return requests


def main() -> int:
    """Measure everything once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=120_000)
    parser.add_argument("--sales", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    asked = parser.parse_args()
    with ExitStack() as stack:
        database, redis_url, scheme = stack.enter_context(scheme_on_disk())
        with database.engine.connect() as conn:
            year = conn.execute(text("select max(year) from school_year")).scalar_one()
        enrol(database, year, asked.students)
        sell(database.engine, scheme, asked.sales)
        with database.engine.begin() as conn:
            buyers = list(conn.scalars(text("select distinct owner_id from account where balance = 5500 limit 500")))
            told = conn.execute(
                text("""
                    select count(*) from transfer t join account a on a.id = t.debit_account
                      join student_identity i on i.student_id = a.owner_id
                     where t.kind = 'sale' and i.email is not null
                """)
            ).scalar_one()
        run(database, "receipts", told)
        with stack.enter_context(tempfile.TemporaryFile()) as log:
            settings = {"WEB_PROCESSES": "2", "WEB_THREADS": "4", "RATE_LIMIT": "1000000 per minute"}
            with served(database, redis_url, stdout=log, **settings) as url:
                requests = page_asked(redis_url, buyers)
                page = Target("GET /eleve/", url, lambda: random.choice(requests))
                asyncio.run(round_of(page, asked.clients, 1))
                page.took.clear()
                asyncio.run(round_of(page, asked.clients, asked.seconds))
        print(  # noqa: T201
            f"home page {len(page.took) / asked.seconds:5.0f}/s at {asked.clients} clients, "
            f"p50 {page.percentile(50):.0f} ms, p99 {page.percentile(99):.0f} ms"
        )
        with database.owner_engine.begin() as conn:
            conn.execute(text(f"update benefit set usable_until = {IN_A_MONTH}"))
        run(database, "reminders", asked.students)
        with database.owner_engine.begin() as conn:
            conn.execute(text("update benefit set usable_until = now()"))
            wallets = conn.execute(
                text("select count(*) from account where balance > 0 and benefit_id > 0")
            ).scalar_one()
        run(database, "lapses", wallets)
        with database.engine.connect() as conn:
            assert not list(books_check.check(conn)), "the books differ"
    return 0


if __name__ == "__main__":
    os.environ.setdefault("ATOUTS_REMINDER_DAYS", "60 30 7")
    sys.exit(main())
