"""What happens by itself, and how often. `rq cron batch.calendar_jobs` reads it, and so does `keep`.

RQ counts in UTC, has no leader and catches up with nothing. So no entry means an hour of the day: each is a nudge that
asks the database what is due, may come late, twice or from two machines at once, and changes nothing when nothing is.
"""

from __future__ import annotations

from rq.cron import CronScheduler, register

from batch import mail_jobs, payout_jobs, seals, student_mails
from batch.bank import import_folder
from batch.queue import redis_connection

register(payout_jobs.nudge, queue_name="default", cron="*/10 * * * *", job_timeout=600, result_ttl=3600, ttl=600)
register(mail_jobs.send, queue_name="default", cron="* * * * *", job_timeout=3600, result_ttl=600, ttl=60)
register(seals.seal_history, queue_name="low", cron="*/5 * * * *", job_timeout=3600, result_ttl=3600, ttl=300)
register(import_folder.watch, queue_name="default", cron="*/5 * * * *", job_timeout=3600, result_ttl=3600, ttl=300)
register(student_mails.nudge, queue_name="low", cron="*/2 * * * *", job_timeout=3600, result_ttl=3600, ttl=120)


def keep() -> None:
    """Put each nudge into the queue at its time, until SIGTERM or Ctrl-C. Runs in the main thread."""
    scheduler = CronScheduler(redis_connection())
    scheduler.load_config_from_file(__name__)
    scheduler.start()  # type: ignore[no-untyped-call]
