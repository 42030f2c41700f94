"""The processes of a simulation, which may be killed at any moment and are started again."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ledger.embedded import EmbeddedPostgres


@dataclass
class Process:
    """A process that is started again under the same command; it and what it forked are a group of their own."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-P", "-m", *self.arguments],
                cwd=Path(__file__).parents[3],
                env=self.environment | {"PYTHONPATH": str(Path(__file__).parents[3])},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def kill(self) -> None:
        """`kill -9` of the process, and of what it forked."""
        if self.running is not None and self.alive():
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()

    def kill_a_child(self) -> bool:
        """`kill -9` of one of the processes that it forked; whether there was one."""
        if self.running is None or not self.alive():
            return False
        children = psutil.Process(self.running.pid).children()
        if not children:
            return False
        children[0].kill()
        return True

    def wait(self, seconds: float) -> int:
        """Its exit code. Raises `subprocess.TimeoutExpired`."""
        if self.running is None:
            raise RuntimeError(f"{self.name} was never started")
        return self.running.wait(seconds)


@dataclass
class Killer:
    """Does what a day at the data centre does, in an order that follows from the seed, and counts it."""

    server: EmbeddedPostgres
    portal: Process
    worker: Process
    clerk: Process
    tills: list[Process]
    counts: dict[str, int] = field(default_factory=dict)

    def strike(self, what: str, which: int) -> None:
        """Kill something, and start it again."""
        match what:
            case "till":
                self._restart(self.tills[which % len(self.tills)])
            case "clerk":
                self._restart(self.clerk)
            case "worker":
                self._restart(self.worker)
            case "portal":
                self._restart(self.portal)
            case "portal process":
                self.portal.kill_a_child()
            case "database session":
                self._kill_a_session(which)
            case "database":
                self._kill_the_server()
        self.counts[what] = self.counts.get(what, 0) + 1

    def _restart(self, process: Process) -> None:
        process.kill()
        process.start()

    def _kill_a_session(self, which: int) -> None:
        """A session that dies has PostgreSQL end all others and recover from its log."""
        server = self.server.process()
        if server is not None:
            sessions = [child for child in server.children() if "atouts_app" in " ".join(child.cmdline())]
            if sessions:
                sessions[which % len(sessions)].kill()

    def _kill_the_server(self) -> None:
        server = self.server.process()
        if server is not None:
            children = server.children()
            server.kill()
            for child in children:
                child.kill()
            psutil.wait_procs([server, *children], timeout=30)
        self.server.use()


STRIKES = ("till", "till", "clerk", "worker", "portal", "portal process", "database session", "database")
