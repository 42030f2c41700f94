"""The payouts' jobs: what the calendar nudges, and what is taken up again by itself."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rq import SimpleWorker
from sqlalchemy import text

from batch import calendar_jobs, payout_jobs, payouts
from batch.queue import QUEUES, queue, redis_connection
from ledger.payouts import files, runs
from tests.conftest import Database
from tests.payout_world import PAYER, World

LAST_WEEK = datetime.now(UTC) - timedelta(days=8)


@pytest.fixture
def world(fresh_database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """An empty scheme and an empty queue that jobs find by the environment."""
    for name, value in {
        "ATOUTS_DATABASE_URL": fresh_database.owner_url,
        "ATOUTS_DATABASE_APP_URL": fresh_database.app_url,
        "ATOUTS_REDIS_URL": redis_url,
        "ATOUTS_PAYER_IBAN": PAYER.iban,
        "ATOUTS_PAYOUT_FOLDER": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    return World(fresh_database.engine, fresh_database.owner_engine)


def work() -> None:
    """Do what waits in the queues, in this process."""
    connection = redis_connection(os.environ["ATOUTS_REDIS_URL"])
    worker = SimpleWorker([queue(name, connection) for name in QUEUES], connection=connection)
    worker.work(burst=True)
    assert [job.id for name in QUEUES for job in queue(name, connection).failed_job_registry.get_job_ids()] == []


def mails(world: World) -> list[str]:
    with world.engine.connect() as conn:
        sent = conn.execute(text("select recipient from mail_outbox where purpose = 'remittance_advice' order by id"))
        return list(sent.scalars())


def test_a_nudge_prepares_the_weeks_that_were_missed_and_only_once(world: World) -> None:
    partner = world.partner()
    world.sale(partner, 500, LAST_WEEK - timedelta(days=7))
    world.sale(partner, 1000, LAST_WEEK)
    for _ in range(3):
        payout_jobs.nudge()
    work()
    with world.engine.connect() as conn:
        amounts = [run.amount for run in reversed(runs.latest(conn))]
    assert amounts == [500, 1000]
    assert payout_jobs.nudge() == []


def test_without_anything_owed_a_nudge_does_nothing(world: World) -> None:
    assert payout_jobs.nudge() == []


def test_without_an_account_that_pays_nothing_is_prepared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sale(world.partner(), 1000, LAST_WEEK)
    monkeypatch.delenv("ATOUTS_PAYER_IBAN")
    assert payout_jobs.nudge() == []


def test_the_jobs_take_a_run_to_the_bank_and_write_to_its_partners_once(world: World, tmp_path: Path) -> None:
    for _ in range(3):
        world.sale(world.partner(), 1000, LAST_WEEK)
    payout_jobs.nudge()
    work()
    with world.engine.connect() as conn:
        (run,) = runs.latest(conn)
    world.approve(run)
    for _ in range(2):
        queue("high").enqueue(payout_jobs.generate_file, run.id, "person:1")
        queue("high").enqueue(payout_jobs.transmit_file, run.id, "person:1")
    work()
    assert world.run(run.id).state == "transmitted"
    assert [path.name for path in tmp_path.iterdir()] == ["ATOUTS-000001.xml"]
    assert len(mails(world)) == 3
    assert payout_jobs.nudge() == []


def test_a_transmission_whose_outcome_is_unknown_is_taken_up_again(world: World, tmp_path: Path) -> None:
    world.sale(world.partner(), 1000, LAST_WEEK)
    run = world.approve(world.run(payouts.prepare_due(world.engine, actor="job:payouts")[0]))
    payouts.generate(world.engine, run.id, actor="person:1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with world.engine.begin() as conn:
        files.begin_transmission(
            conn, runs.get(conn, run.id), channel="directory", destination=str(elsewhere), actor="person:1"
        )
    assert len(payout_jobs.nudge()) == 1
    work()
    assert [path.name for path in elsewhere.iterdir()] == ["ATOUTS-000001.xml"]
    assert world.run(run.id).state == "transmitted"
    assert len(mails(world)) == 1


def test_advices_that_a_crash_left_unwritten_are_written_at_the_next_nudge(world: World, tmp_path: Path) -> None:
    world.sale(world.partner(), 1000, LAST_WEEK)
    run = world.approve(world.run(payouts.prepare_due(world.engine, actor="job:payouts")[0]))
    payouts.generate(world.engine, run.id, actor="person:1")
    payouts.transmit(world.engine, run.id, actor="person:1")
    assert mails(world) == []
    assert payout_jobs.nudge() == [f"mail_advices({run.id},)"]
    work()
    assert len(mails(world)) == 1
    assert payout_jobs.nudge() == []


def test_the_calendar_only_holds_nudges_that_mean_no_hour_of_the_day(world: World) -> None:
    scheduler = calendar_jobs.CronScheduler(redis_connection(os.environ["ATOUTS_REDIS_URL"]))
    scheduler.load_config_from_file(calendar_jobs.__name__)
    jobs = {job.func_name: job.cron for job in scheduler.get_jobs()}
    assert jobs["batch.payout_jobs.nudge"] == "*/10 * * * *"
    assert all(cron is not None and cron.split()[1] == "*" for cron in jobs.values())
