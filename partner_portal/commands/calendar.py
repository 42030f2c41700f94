"""`atouts calendar`: what happens by itself, at its time."""

import click

from batch import calendar_jobs
from ledger.database import require_this_release, working_engine
from partner_portal.processes import at_work


@click.command()
def command() -> None:
    """Put into the queues what is due, until stopped: payouts, mails, seals, the bank's folder, reminders.

    Each entry asks the database what is due and changes nothing when nothing is, so several may run. An `atouts worker`
    does the work.
    """
    with at_work("calendar"):
        with working_engine() as engine:
            require_this_release(engine)
        calendar_jobs.keep()
