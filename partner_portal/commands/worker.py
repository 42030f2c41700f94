"""`atouts worker`: what takes jobs from the queues."""

import click

from batch.queue import QUEUES, work
from ledger.database import require_this_release, working_engine
from partner_portal.processes import at_work


@click.command()
@click.argument("queues", nargs=-1, type=click.Choice(QUEUES))
@click.option("--burst", is_flag=True, help="End when the queues are empty.")
def command(queues: tuple[str, ...], burst: bool) -> None:
    """Do what waits in the queues until stopped.

    Without QUEUES, in all of them. As many may run as there is work for; Ctrl-C lets the job under way finish.
    """
    with at_work("worker"):
        with working_engine() as engine:
            require_this_release(engine)
        work(queues or QUEUES, burst=burst)
