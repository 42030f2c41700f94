"""`atouts serve`: the portal under gunicorn."""

from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from batch.lifetime import have_forks_end_with_us
from batch.queue import redis_url
from ledger.database import require_this_release, working_engine
from partner_portal import settings
from partner_portal.processes import STOP_SECONDS, free_to_bind, noted


class Portal(BaseApplication):  # type: ignore[misc]
    """The portal as gunicorn runs it; each of its processes makes its own application, pools and connections."""

    def __init__(self, options: dict[str, Any]) -> None:
        """`options` are gunicorn's settings."""
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its settings."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in a worker."""
        from partner_portal.app import create_app

        return create_app()


@click.command()
@click.option("--bind", metavar="ADDRESS", help="Where to listen, host:port or unix:path (else ATOUTS_BIND).")
def command(bind: str | None) -> None:
    """Serve the portal and its API until stopped.

    Needs a database that `atouts db upgrade` has prepared.
    """
    address = bind or settings.BIND.value
    free_to_bind(address)
    redis_url()
    with working_engine() as engine:
        require_this_release(engine)
    have_forks_end_with_us()
    options = {
        "bind": address,
        "workers": settings.WEB_PROCESSES.value,
        "threads": settings.WEB_THREADS.value,
        "worker_class": "gthread",
        "graceful_timeout": STOP_SECONDS // 2 - 2,
        "proc_name": "atouts",
        "control_socket_disable": True,
    }
    with noted("portal"):
        Portal(options).run()
