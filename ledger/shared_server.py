"""An embedded server that several processes share: started by the first who needs it, stopped when the last has gone.

Each process that uses the server holds a shared lock on `<name>.users`, which the kernel drops however it ends.
A small keeper process waits for that lock to be free and then stops the server: so nothing is left behind even when
everybody was killed, and nobody's server is stopped under their feet.
"""

import atexit
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import psutil

from ledger.data_folder import prepared

STOP_SECONDS = 60
# What a start needs on the disk beside the data.
START_BYTES = 20_000_000


def ended(process: psutil.Process, seconds: float) -> bool:
    """Wait until `process` has ended, at most so many seconds. One its parent has not yet buried has ended, too."""
    deadline = time.monotonic() + seconds
    while alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def alive(process: psutil.Process) -> bool:
    """Whether `process` still runs; neither a zombie nor another process that got its number does."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class SharedServer(ABC):
    """One server of a data folder; subclasses say how it is started and where it writes its process id."""

    name: ClassVar[str]
    # What a first start needs on the disk.
    room_bytes: ClassVar[int]
    # A polite end, then a hard one.
    stop_signals: ClassVar[tuple[signal.Signals, ...]]

    def __init__(self, data: Path) -> None:
        """The server of data folder `data`, whether it runs or not."""
        self.data = data
        self.folder = data / self.name
        self._held: list[int] = []
        self._holder = 0

    @property
    @abstractmethod
    def pid_file(self) -> Path:
        """The file in which the server keeps its process id on the first line."""

    @abstractmethod
    def start(self) -> None:
        """Start the server, which does not run, and return when it answers. Raises `Unusable`."""

    def process(self) -> psutil.Process | None:
        """The running server, if any. A process that merely got the number a dead server left behind is none."""
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            process = psutil.Process(int(self.pid_file.read_text().splitlines()[0]))
            if alive(process) and Path(process.cwd()).samefile(self.folder):
                return process
        return None

    def use(self) -> None:
        """Have the server running until this process ends or calls `leave`. Raises `Unusable`."""
        if self._holder == os.getpid() and self.process() is not None:
            return
        # A server that runs already needs no more room, and a full disk is no reason not to look at the books.
        room = START_BYTES if self.folder.is_dir() else self.room_bytes
        prepared(self.data, 0 if self.process() else room)
        with self._one_at_a_time():
            self._hold()
            # Before the server: whatever ends us from here on, somebody is there to stop what we started.
            self._have_a_keeper()
            if self.process() is None:
                self._starting.touch()
                self.start()
                self._starting.unlink()

    def leave(self) -> None:
        """Give the server up; who leaves last stops it, and has it stopped when this returns."""
        if self._holder != os.getpid():
            return
        atexit.unregister(self.leave)
        users, count = self._held
        # If the folder was removed meanwhile there is nobody to take turns with, and nothing to find in it.
        with self._one_at_a_time() if self.data.is_dir() else contextlib.nullcontext():
            # The keeper waits for `users`; `count` tells us, without racing the keeper, whether we are the last.
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(count, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(users, fcntl.LOCK_EX)
                self.stop()
            for lock in self._held:
                fcntl.flock(lock, fcntl.LOCK_UN)  # for the processes forked from this one, too
                os.close(lock)
        self._held, self._holder = [], 0

    def stop(self) -> bool:
        """Stop the server, whoever uses it; return whether it ran."""
        process = self.process()
        if process is None and self._starting.exists():
            # Who started it was ended meanwhile, and it may not have come as far as writing its process id.
            time.sleep(1)
            process = self.process()
        if process is None and not self.folder.exists():
            process = self._without_a_folder()
        self._starting.unlink(missing_ok=True)
        if process is None:
            return False
        for harder in (*self.stop_signals, signal.SIGKILL):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(harder)
            if ended(process, STOP_SECONDS):
                break
        return True

    def keep(self, keeper_lock: int) -> None:
        """The keeper's whole life: wait until nobody uses the server any more, and stop it."""
        users = self._lock_file("users")
        fcntl.flock(users, fcntl.LOCK_EX)
        self.stop()
        # In this order: who next gets the `users` lock must find that there is no keeper any more.
        os.close(keeper_lock)
        os.close(users)

    def _without_a_folder(self) -> psutil.Process | None:
        """The server whose data folder was removed under its feet."""
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if process.cwd() == str(self.folder) and alive(process):
                    return process
        return None

    @property
    def _starting(self) -> Path:
        return self.data / f"{self.name}.starting"

    def _hold(self) -> None:
        if self._holder == os.getpid():
            return
        for lock in self._held:  # inherited over a fork: the parent's, not ours to unlock
            os.close(lock)
        self._held = [self._lock_file("users"), self._lock_file("count")]
        for lock in self._held:
            fcntl.flock(lock, fcntl.LOCK_SH)
        self._holder = os.getpid()
        atexit.register(self.leave)

    def _have_a_keeper(self) -> None:
        lock = self._lock_file("keeper")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            # The keeper inherits the lock, so there is no moment without it and never a second keeper.
            module = type(self).__module__
            subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(self.data), str(lock)],
                cwd="/",
                pass_fds=[lock],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        lock = self._lock_file("lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _lock_file(self, purpose: str) -> int:
        return os.open(self.data / f"{self.name}.{purpose}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
