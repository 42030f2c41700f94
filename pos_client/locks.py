"""A lock between processes that the system itself takes away when its holder dies, however it dies."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


RETRY_SECONDS = 0.05


@contextmanager
def held(path: Path, wait_seconds: float = 0.0) -> Iterator[bool]:
    """Hold the lock of a file while the block runs; the block is told False when somebody else kept it all along."""
    deadline = time.monotonic() + wait_seconds
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                _take(descriptor)
            except OSError:
                if time.monotonic() >= deadline:
                    yield False
                    return
                time.sleep(RETRY_SECONDS)
            else:
                yield True
                return
    finally:
        os.close(descriptor)  # which also gives the lock back
