"""A worker that dies by kill -9 right after some function has done its work: `mortal_worker.py MODULE:FUNCTION`.

Both its processes die, the one that takes jobs and the one that does the job, as when the machine loses its power. With
`-` for the function it lives. It ends when the queues are empty.
"""

import importlib
import os
import signal
import sys
from typing import Any

from batch import payout_jobs  # noqa: F401  imported once, before the fork of each job
from batch.queue import work


def mortal(place: str) -> None:
    """Have the function at `place` be the last one that this process runs."""
    module_name, _, name = place.partition(":")
    owner: Any = importlib.import_module(module_name)
    *path, last = name.split(".")
    for step in path:
        owner = getattr(owner, step)
    real = getattr(owner, last)

    def deadly(*arguments: object, **named: object) -> None:
        real(*arguments, **named)
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, last, deadly)


if __name__ == "__main__":
    if sys.argv[1] != "-":
        mortal(sys.argv[1])
    work(burst=True)
