"""`atouts serve`: the portal under gunicorn."""

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from tempfile import mkdtemp
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from batch.lifetime import have_forks_end_with_us
from batch.queue import redis_url
from ledger.database import require_this_release, working_engine
from partner_portal import settings
from partner_portal.processes import STOP_SECONDS, at_work, ending, free_to_bind

# Where prometheus_client, when it is imported, looks for the folder of several processes.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


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


class Lines(Logger):  # type: ignore[misc]
    """What gunicorn itself has to say, written as every other line is."""

    def setup(self, cfg: Any) -> None:
        """Leave it to the handler of all."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


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
        "logger_class": Lines,
        "loglevel": settings.LOG_LEVEL.value.lower(),
        "control_socket_disable": True,
    }
    with at_work("portal"), _counting_together():
        # Imported once, before there are processes: they share that memory unless the collector writes to it.
        import_module("partner_portal.app")
        gc.freeze()
        Portal(options).run()


@contextmanager
def _counting_together() -> Iterator[None]:
    """Have the processes forked in this context write what they count into one folder, where `/metrics` adds it up."""
    if METRICS_FOLDER in os.environ or not settings.METRICS_TOKEN.value:
        yield
        return
    folder = os.environ[METRICS_FOLDER] = mkdtemp(prefix="atouts-metrics-")
    with ending(lambda: shutil.rmtree(folder, ignore_errors=True)):
        yield
