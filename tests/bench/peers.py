"""Other people's ledgers beside ours in a bench: each installed when the bench runs, in an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class NotInstalled(Exception):
    """The peer cannot be had here; the message is one line that says why."""


def python_with(name: str, *requirements: str) -> Path:
    """The Python of the environment build/peers/`name`, with `requirements` in it. Raises `NotInstalled`."""
    uv = ROOT / ".tools" / "bin" / "uv"
    program = str(uv) if uv.exists() else "uv"
    folder = ROOT / "build" / "peers" / name
    python = folder / "bin" / "python"
    # As in the Makefile: the certificates the system trusts, so that it works wherever pip does.
    environment = os.environ | ({"UV_SYSTEM_CERTS": "true"} if CERTIFICATES.exists() else {})
    for command in (
        [program, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)],
        [program, "pip", "install", "--quiet", "--python", str(python), *requirements],
    ):
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise NotInstalled("uv is not here") from error
        if done.returncode:
            raise NotInstalled((done.stderr.splitlines() or ["uv does not say why"])[0])
    return python
