"""The data folder: where it is, whether it can be used, and under which system user the embedded servers work in it."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import platformdirs

SYSTEM_USER = "atouts"
# What the kernel takes as the path of a Unix socket, less its final zero byte (unix(7)).
SOCKET_PATH_BYTES = 107
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")


class Unusable(Exception):
    """Something of the operator's, a setting, a folder, a server, cannot be used; the text is one sentence to them."""


def data_folder() -> Path:
    """The folder named by `ATOUTS_DATA_DIR`, else the user's own data folder, else /var/lib/atouts for root."""
    named = os.environ.get("ATOUTS_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    return Path("/var/lib/atouts") if os.geteuid() == 0 else platformdirs.user_data_path("atouts")


def prepared(folder: Path, room_bytes: int = 0) -> Path:
    """Make `folder` if need be and return it, once sure that it can be written and that `room_bytes` are free.

    Raises `Unusable`, having changed nothing.
    """
    another = "choose another with --data or ATOUTS_DATA_DIR"
    try:
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            raise Unusable(f"The data folder {folder} cannot be written by you: {another}.")
        free = shutil.disk_usage(there).free
        if free < room_bytes:
            raise Unusable(
                f"The disk of the data folder {folder} has too little room: "
                f"{room_bytes // 1_000_000} MB are needed and {free // 1_000_000} MB are free. Free some, or {another}."
            )
        # The servers' own user has to pass through root's folder on its way to theirs, and to nothing else.
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(f"The data folder {folder} cannot be used ({error.strerror}): {another}.") from error
    return folder


def is_full(folder: Path) -> bool:
    """Whether nothing more can be written on the disk of `folder`, or so little that nothing will come of it."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(there).free < 1_000_000


def servers_user() -> pwd.struct_passwd | None:
    """The system user embedded servers run as: none but ourselves, or `atouts` when we are root, made if missing.

    PostgreSQL refuses to run as root. Raises `Unusable` where no such user can be made.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    make = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(make, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else error.strerror
        raise Unusable(
            f"PostgreSQL does not run as root and the system user {SYSTEM_USER} cannot be made ({reason}): make it, "
            f"or start as another user."
        ) from error
    return pwd.getpwnam(SYSTEM_USER)


def can_reach(user: pwd.struct_passwd | None, path: Path) -> bool:
    """Whether `user` may pass through every folder on the way to `path`, and enter or run it."""
    if user is None:
        return os.access(path, os.X_OK)
    test = subprocess.run(["test", "-x", path], cwd="/", user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    return test.returncode == 0


def own_folder(path: Path, user: pwd.struct_passwd | None) -> Path:
    """Make `path` if need be, closed to everybody but `user`, who owns it. Raises `Unusable` if somebody else does."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = os.geteuid() if user is None else user.pw_uid
    if path.is_symlink() or path.stat().st_uid not in (os.geteuid(), owner):
        raise Unusable(f"The folder {path} belongs to somebody else: remove it, or choose another data folder.")
    path.chmod(0o700)
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)
    return path


def socket_folder(folder: Path) -> Path:
    """Where the embedded servers of data folder `folder` put their sockets; `run` in it, or what that links to."""
    run = folder / "run"
    return run.readlink() if run.is_symlink() else run


def make_socket_folder(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Make the folder of the sockets, readable to `user` alone since who reaches a socket is trusted, and return it.

    Where the path is too long for a socket, the folder stands in a short place and `run` is a link to it.
    """
    run = folder / "run"
    if len(os.fsencode(run)) + LONGEST_SOCKET_NAME > SOCKET_PATH_BYTES and not run.is_symlink():
        short = Path("/run") if os.geteuid() == 0 else Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        run.symlink_to(short / f"atouts-{mark}")
    return own_folder(socket_folder(folder), user)
