"""Waiting for what happens beside a test."""

import time
from collections.abc import Callable


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it `holds` before ten seconds have passed."""
    deadline = time.monotonic() + 10
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
