"""The processes of one data folder that stay: who runs, and a group of them that starts and ends together."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx
import psutil
from gunicorn.util import parse_address

from batch import logs
from batch.lifetime import SUPERVISOR
from ledger.data_folder import Unusable, data_folder, prepared
from ledger.shared_server import alive, ended
from partner_portal import settings

# A web request or a job under way has this long to finish; gunicorn's own patience is shorter.
STOP_SECONDS = 20
START_SECONDS = 60
LAST_PORT = 65_535


@dataclass(frozen=True)
class Running:
    """A process of ours that stays, as its note in the data folder says."""

    name: str
    process: psutil.Process


def running() -> list[Running]:
    """The processes of this data folder that stay (portal, worker, demo), the longest-running first."""
    found = []
    for note in (data_folder() / "processes").glob("*-*"):
        name, _, number = note.name.rpartition("-")
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            if _is_locked(note):
                found.append(Running(name, psutil.Process(int(number))))
            else:
                note.unlink()
    return sorted(found, key=lambda one: one.process.create_time())


def _is_locked(note: Path) -> bool:
    with note.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@contextlib.contextmanager
def noted(name: str) -> Iterator[None]:
    """Be listed by `running` as long as the context lasts; the note is locked until then, or until we are killed.

    Raises `Unusable` where a setting makes no sense: what stays is not to meet it hours later.
    """
    settings.require_sense()
    notes = prepared(data_folder()) / "processes"
    notes.mkdir(mode=0o700, exist_ok=True)
    draft = notes / f".{os.getpid()}"
    with draft.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        note = draft.rename(notes / f"{name}-{os.getpid()}")
        with ending(lambda: note.unlink(missing_ok=True)):
            yield


@contextlib.contextmanager
def at_work(name: str) -> Iterator[None]:
    """Be listed as `noted` has it, and write what happens as all our log lines are written, libraries included."""
    with noted(name):
        logs.configure(settings.LOG_LEVEL.value, readable=settings.DEVELOPMENT.value)
        yield


@contextlib.contextmanager
def ending(clear: Callable[[], None]) -> Iterator[None]:
    """Call `clear` when the context ends in this process; what is forked in it unwinds too, and clears nothing."""
    ours = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == ours:
            clear()


def stop_running() -> list[str]:
    """End every process of this data folder that stays, and return their names."""
    names = []
    # A supervisor is older than what it supervises, and ends that itself.
    for one in running():
        if alive(one.process):
            end([one.process])
        names.append(one.name)
    return names


def end(processes: Sequence[psutil.Process]) -> None:
    """Ask all of `processes` to end; when their time is up, kill them, and whatever of their children is left."""
    descendants = {child for process in processes for child in _children(process)}
    # Twice: RQ answers the signal by an exception, which is lost if it comes where redis-py catches any.
    for _ in range(2):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS / 2
        if all(ended(process, deadline - time.monotonic()) for process in processes):
            break
    descendants.update(child for process in processes for child in _children(process))
    for process in (*processes, *descendants):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    for process in processes:
        ended(process, STOP_SECONDS)


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        children: list[psutil.Process] = process.children(recursive=True)
        return children
    return []


def free_to_bind(address: str) -> None:
    """Be sure that the portal can listen at `address` (`host:port` or `unix:path`). Raises `Unusable`."""
    try:
        place = parse_address(address, default_port="8765")
    except RuntimeError as error:
        raise Unusable(f"ATOUTS_BIND must read host:port, {error}") from error
    if not isinstance(place, tuple):
        return
    host, port = place
    if not 0 <= port <= LAST_PORT:
        raise Unusable(f"ATOUTS_BIND must read host:port, and {port} is no port: they end at {LAST_PORT}.")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        raise Unusable(
            f"The portal cannot listen on port {port} of {host} ({error.strerror}): stop what uses it, or "
            f"choose another with --bind or ATOUTS_BIND."
        ) from error


class Supervisor:
    """A group of `atouts` commands that run as long as this context does, and end with it however it ends.

    Ctrl-C unwinds it, and so do SIGTERM and a closed terminal after `batch.lifetime.end_in_order`. If this very process
    is killed the kernel ends the children. Each writes its output to `log/<name>.log` of the data folder.
    """

    def __init__(self, name: str) -> None:
        """Nothing runs yet; `name` is what `atouts status` shows for this process."""
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._note = noted(name)

    def __enter__(self) -> "Supervisor":
        """Be listed as running."""
        self._note.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all of them, at once. Nothing interrupts this."""
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handlers = [signal.signal(number, signal.SIG_IGN) for number in signals]
        end([psutil.Process(child.pid) for child in self._children.values() if child.poll() is None])
        for child in self._children.values():
            child.wait()
        self._note.__exit__(None, None, None)
        for number, handler in zip(signals, handlers, strict=True):
            signal.signal(number, handler)

    def start(self, name: str, *arguments: str) -> None:
        """Start `atouts <arguments>`, called `name`."""
        with self._log(name).open("ab") as log:
            self._children[name] = subprocess.Popen(
                [sys.executable, "-P", "-m", "partner_portal.cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C is ours: they are asked to end in order
                env=os.environ | {SUPERVISOR: str(os.getpid()), "ATOUTS_DATA_DIR": str(data_folder())},
            )

    def wait_until_answers(self, name: str, url: str) -> None:
        """Wait until the child `name` answers HTTP requests at `url`. Raises `Unusable` if it ends or is late."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url, timeout=5)
                return
            time.sleep(0.05)
        raise Unusable(f"“{name}” does not answer after {START_SECONDS} seconds: see {self._log(name)}.")

    def check(self) -> None:
        """Raise `Unusable`, with the reason it gave, if one of the children has ended."""
        for name, child in self._children.items():
            if child.poll() is not None:
                last = (self._log(name).read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
                raise Unusable(f"“{name}” has ended ({last}): see {self._log(name)}.")

    def wait(self) -> None:
        """Stay until Ctrl-C or SIGTERM. Raises `Unusable` if one of the children ends before."""
        while True:
            self.check()
            time.sleep(0.5)

    def _log(self, name: str) -> Path:
        folder = prepared(data_folder()) / "log"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{name}.log"
