"""Which processes belong to a data folder, as the tests see it: from outside."""

import contextlib
import time
from pathlib import Path

import psutil


def processes_of(data: Path) -> list[str]:
    """The command lines of the living processes that work in, or were started for, data folder `data`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            belongs = (
                str(data) in " ".join(process.cmdline())
                or process.environ().get("ATOUTS_DATA_DIR") == str(data)
                or process.cwd().startswith(str(data))
            )
            if belongs and process.pid != psutil.Process().pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {process.cmdline()}")
    return found


def nothing_is_left(data: Path, seconds: float = 15) -> bool:
    """Whether no process of `data` is left, now or within so many seconds."""
    deadline = time.monotonic() + seconds
    while processes_of(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
