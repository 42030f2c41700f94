"""The job that writes to students: a receipt of every debit and refund, and reminders before the deadline.

A receipt is not written in the sale's own transaction: rendering a mail there would keep wallets locked, and a queue of
35 students waiting. The transfer that commits with the sale is the reason for the mail, and cannot be lost. So this job
reads transfers in their order, never beyond the number below which all are settled (a lower number may be committed
after a higher one), and moves its mark in the transaction that fills the outbox: each sale is told once, whether the
job is killed, runs twice, or runs at once on two machines.
"""

import structlog
from sqlalchemy import Engine

from batch import settings
from batch.letters import addressed
from batch.student_letters import receipt_letter, reminder_letter, reminders_link
from ledger import outbox, student_notices
from ledger.calendar import last_day_before, paris_date
from ledger.data_folder import Unusable
from ledger.database import working_engine
from ledger.settled import StillPosting, settled_through

log = structlog.get_logger(__name__)


def write_receipts(engine: Engine) -> int:
    """Write the receipts of all settled sales and refunds; how many. Raises `StillPosting` if a sale takes too long."""
    with engine.connect() as conn:
        settled = settled_through(conn)
    written = 0
    while True:
        with engine.begin() as conn:
            receipts = student_notices.claim_receipts(conn, settled)
            if receipts is None:
                return written
            # The key a clerk's own mail has: a receipt sent from the counter is not sent a second time.
            keys = {"sale": "receipt:{0.document}:{0.amount}", "refund": "refund:{0.document}"}
            mails = [
                addressed(
                    receipt_letter(receipt),
                    recipient=receipt.email,
                    purpose="receipt",
                    dedup_key=keys[receipt.kind].format(receipt),
                )
                for receipt in receipts
            ]
            written += outbox.post_all(conn, mails)


def write_reminders(engine: Engine) -> int:
    """Write the reminders that are due by the database's clock; how many.

    A day of the calendar that nobody ran on is made up for later, but only the latest one: who missed the mail at 60
    days gets one mail at 29 days, not two.
    """
    with engine.connect() as conn:
        now, deadlines = student_notices.deadlines_ahead(conn)
    today = paris_date(now)
    written = 0
    for usable_until in deadlines:
        days_left = (last_day_before(usable_until) - today).days
        mark = due_mark(reminder_days(), days_left)
        seen: int | None = 0
        while mark is not None and seen is not None:
            with engine.begin() as conn:
                reminders, seen = student_notices.claim_reminders(
                    conn, usable_until=usable_until, days=mark, after=seen
                )
                mails = [
                    addressed(
                        reminder_letter(reminder, days_left),
                        recipient=reminder.email,
                        purpose="reminder",
                        dedup_key=f"reminder:{reminder.student_id}:{last_day_before(usable_until)}:{mark}",
                        unsubscribe_url=reminders_link(reminder.token),
                    )
                    for reminder in reminders
                ]
                written += outbox.post_all(conn, mails)
    return written


def due_mark(marks: tuple[int, ...], days_left: int) -> int | None:
    """Which reminder of the calendar is due `days_left` days before the end: the latest whose day has come."""
    return min((mark for mark in marks if days_left <= mark), default=None)


def reminder_days() -> tuple[int, ...]:
    """The calendar of the reminders, in days before the deadline. Raises `Unusable` if the setting makes no sense."""
    try:
        marks = tuple(int(word) for word in settings.REMINDER_DAYS.value.replace(",", " ").split())
    except ValueError:
        marks = (0,)
    if any(not 0 < mark <= 365 for mark in marks):
        raise Unusable("ATOUTS_REMINDER_DAYS must be days from 1 to 365, such as 60 30 7.")
    return marks


def nudge() -> dict[str, int]:
    """The job: write what is due. Sales that are still being posted are left to the next nudge."""
    with working_engine() as engine:
        done = {"receipts": 0, "reminders": write_reminders(engine)}
        try:
            done["receipts"] = write_receipts(engine)
        except StillPosting as error:
            log.warning("receipts.still_posting", reason=str(error))
    log.info("students.written_to", **done)
    return done
