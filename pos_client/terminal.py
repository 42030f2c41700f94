"""This till's identity: which service, which partner, which secret; one profile for each.

The profile lies in the user's configuration folder and the outbox in the data folder, as the system names them;
`ATOUTS_POS_HOME` puts both into one folder of one's own. The secret goes into the system's keyring where there is one,
else into a file that only its owner may read.
"""

import contextlib
import importlib
import ipaddress
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import platformdirs

from pos_client import durable

APPLICATION = "atouts-pos"
HOME_VARIABLE = "ATOUTS_POS_HOME"
PROFILE_VARIABLE = "ATOUTS_POS_PROFILE"
DEFAULT_PROFILE = "principal"
API_PATH = "/api/v1"


class Misconfigured(Exception):
    """The till cannot work as it is set up; the message is the sentence for the clerk."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A paired till, as kept on this computer; the secret is kept apart."""

    api_url: str
    terminal_id: str
    name: str
    partner_name: str
    uai: str
    secret_in_keyring: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """Where one till of this computer keeps its things."""

    name: str
    config: Path
    data: Path

    @property
    def file(self) -> Path:
        return self.config / "terminal.json"

    @property
    def secret_file(self) -> Path:
        return self.config / "secret"


def profile(name: str = DEFAULT_PROFILE) -> Profile:
    """The profile of a name made of letters, digits, hyphens. Raises Misconfigured for any other name."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
        raise Misconfigured(f"« {name} » n’est pas un nom de profil : lettres, chiffres, tirets, 40 au plus.")
    home = os.environ.get(HOME_VARIABLE)
    config = Path(home) if home else platformdirs.user_config_path(APPLICATION, appauthor=False)
    data = Path(home) if home else platformdirs.user_data_path(APPLICATION, appauthor=False)
    return Profile(name, config / name, data / name)


def load(where: Profile) -> Terminal:
    """The till paired under a profile. Raises Misconfigured when there is none."""
    try:
        return Terminal(**durable.read_json(where.file))
    except FileNotFoundError as error:
        raise Misconfigured(
            "Cette caisse n’est pas encore associée à un établissement. Créez un code d’association dans l’espace "
            "partenaire, puis : atouts-pos pair --api ADRESSE CODE"
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise Misconfigured(f"Le fichier {where.file} est illisible : associez la caisse à nouveau.") from error


def secret(where: Profile, terminal: Terminal) -> str:
    """The secret of a paired till. Raises Misconfigured when it is gone."""
    if terminal.secret_in_keyring:
        keyring = _keyring()
        kept = keyring.get_password(APPLICATION, terminal.terminal_id) if keyring else None
        if kept:
            return str(kept)
        raise Misconfigured("Le trousseau de l’ordinateur n’a plus le secret de la caisse : associez-la à nouveau.")
    try:
        return where.secret_file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise Misconfigured(f"Le secret de la caisse est illisible ({where.secret_file}).") from error


PROBE_BYTES = 4096
"""More than a pairing takes: a full disk still takes an empty file."""


def prepare(where: Profile) -> None:
    """Make sure that a pairing could be kept, before the one-time code is used up for it. Raises Misconfigured."""
    try:
        durable.make_folder(where.config)
        probe = where.config / ".probe"
        try:
            durable.write_text(probe, " " * PROBE_BYTES)
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"La caisse ne peut pas écrire dans {where.config} (disque plein, ou dossier protégé)."
        ) from error


def keep(where: Profile, terminal: Terminal, secret: str) -> Terminal:
    """Keep a pairing: the secret first, so that a profile never stands without it. Raises Misconfigured."""
    try:
        return _kept(where, terminal, secret)
    except OSError as error:
        raise Misconfigured(
            f"La caisse n’a pas pu garder son association dans {where.config} (disque plein, ou dossier protégé) : "
            "demandez un nouveau code."
        ) from error


def _kept(where: Profile, terminal: Terminal, secret: str) -> Terminal:
    # A folder of one's own is moved, copied and thrown away as a whole: its secret must be in it.
    in_keyring = HOME_VARIABLE not in os.environ and _into_keyring(terminal.terminal_id, secret)
    if not in_keyring:
        durable.write_text(where.secret_file, secret)
    kept = Terminal(**{**asdict(terminal), "secret_in_keyring": in_keyring})
    durable.write_json(where.file, asdict(kept))
    if in_keyring:
        where.secret_file.unlink(missing_ok=True)
    return kept


def api_url(typed: str) -> str:
    """The root of the API behind a typed address. Raises Misconfigured.

    The secret and the students' codes travel there, so the address must be https; only this computer itself is
    trusted without.
    """
    address = typed.strip()
    if "://" not in address:
        address = f"https://{address}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Misconfigured(
            f"« {typed} » n’est pas une adresse de service : écrivez par exemple https://atouts.example"
        )
    if parts.scheme == "http" and not _is_this_computer(parts.hostname):
        raise Misconfigured("L’adresse du service doit commencer par https:// : le secret de la caisse y voyage.")
    return address.rstrip("/") if parts.path.strip("/") else address.rstrip("/") + API_PATH


def _is_this_computer(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _keyring() -> ModuleType | None:
    """The keyring package, which is not on every computer."""
    try:
        return importlib.import_module("keyring")
    except ImportError:
        return None


def _into_keyring(terminal_id: str, secret: str) -> bool:
    """Whether the system's keyring has taken the secret, and gives it back."""
    keyring = _keyring()
    if keyring is None:
        return False
    try:
        keyring.set_password(APPLICATION, terminal_id, secret)
        return bool(keyring.get_password(APPLICATION, terminal_id) == secret)
    except Exception:  # every system's keyring fails in its own way: none there, locked, no session to ask in
        return False
