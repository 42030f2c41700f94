"""Processes that do not outlive the one that started them, however that one ended."""

import ctypes
import os
import signal
import sys
from types import FrameType

# From <sys/prctl.h>.
PR_SET_PDEATHSIG = 1
# The variable by which a supervisor tells a process it starts who it is.
SUPERVISOR = "ATOUTS_SUPERVISOR"


def end_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when its parent (`parent`, if already known) ends. Linux only.

    That is for a parent that was killed itself; one that ends in order asks its children to, first.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent is not None and os.getppid() != parent:  # it ended before we could ask
            raise SystemExit(128 + signal.SIGKILL)


def end_in_order() -> None:
    """Let SIGTERM and a closed terminal unwind this process as Ctrl-C does, so that what it started is ended too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _unwind)


def _unwind(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def have_forks_end_with_us() -> None:
    """Apply `end_with_parent` to every process forked from this one: gunicorn's workers, RQ's work horses."""
    os.register_at_fork(after_in_child=end_with_parent)
