"""What an operator can set, each by an environment variable `ATOUTS_<NAME>`, declared once with default and meaning.

A setting is read when it is asked for, not when a module is imported. Any of them may also be given as the path of a
file in `ATOUTS_<NAME>_FILE`, which is how container platforms hand secrets over.
"""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from environs import EnvError, FileAwareEnv

from ledger.data_folder import Unusable, data_folder, prepared

PREFIX = "ATOUTS_"
T = TypeVar("T", str, int, float, bool)


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One setting. `default` gives its type; `meaning` is one sentence for the operator; a `secret` is never shown."""

    name: str
    default: T
    meaning: str
    secret: bool = False

    def __post_init__(self) -> None:
        """Enter the setting in the list that `atouts settings` prints."""
        _declared[self.name] = self

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name

    @property
    def is_set(self) -> bool:
        """Whether the environment says anything."""
        return self.variable in os.environ or f"{self.variable}_FILE" in os.environ

    @property
    def value(self) -> T:
        """What is set now, else the default. Raises `Unusable` if the text is not of the setting's type."""
        environment = FileAwareEnv(prefix=PREFIX, strip_whitespace=True)
        parse = getattr(environment, type(self.default).__name__)
        try:
            return cast(T, parse(self.name, self.default))
        except (EnvError, ValueError) as error:
            raise Unusable(f"{self.variable}: {error}") from error


class Secret(Setting[str]):
    """A secret the product can make for itself: set from outside, else made once and kept in the data folder."""

    def __init__(self, name: str, meaning: str) -> None:
        """Declare it under `name`; without an outside value it lives in `secrets/<name>` of the data folder."""
        super().__init__(name, "", meaning, secret=True)

    @property
    def file(self) -> Path:
        """Where the data folder keeps it."""
        return data_folder() / "secrets" / self.name.lower()

    @property
    def value(self) -> str:
        """What is set from outside, else the 256 bits of randomness made at the first call. Raises `Unusable`."""
        return super().value or self._kept()

    def _kept(self) -> str:
        if not self.file.exists():
            folder = self.file.parent
            try:
                prepared(data_folder())
                folder.mkdir(mode=0o700, exist_ok=True)
                draft = folder / f".{self.file.name}.{os.getpid()}"
                draft.touch(mode=0o600)
                draft.write_text(secrets.token_urlsafe(32), encoding="ascii")
                # Two processes may get here at once: the first link wins and both read what it holds.
                with contextlib.suppress(FileExistsError):
                    self.file.hardlink_to(draft)
                draft.unlink()
            except OSError as error:
                raise Unusable(f"The secret {self.variable} cannot be kept in {folder}: {error.strerror}.") from error
        try:
            return self.file.read_text(encoding="ascii")
        except OSError as error:
            raise Unusable(f"The secret in {self.file} cannot be read: {error.strerror}.") from error


_declared: dict[str, Setting[Any]] = {}


def declared() -> list[Setting[Any]]:
    """Every setting of the rooms imported so far, in the order of declaration."""
    return list(_declared.values())


DATA_DIR = Setting(
    "DATA_DIR",
    "",
    "Folder of everything kept on this machine; by default the user's own data folder, or /var/lib/atouts for root.",
)
DATABASE_URL = Setting(
    "DATABASE_URL",
    "",
    "The PostgreSQL database and the role that owns it, postgresql://role:password@host/database; without it an "
    "embedded PostgreSQL is started in the data folder.",
    secret=True,
)
DATABASE_APP_URL = Setting(
    "DATABASE_APP_URL",
    "",
    "The same database for the application's role, atouts_app; by default the owner's URL with that role and "
    "ATOUTS_DATABASE_APP_PASSWORD in it. A serving process needs no other.",
    secret=True,
)
DATABASE_APP_PASSWORD = Secret(
    "DATABASE_APP_PASSWORD",
    "Password that `atouts db upgrade` gives the role atouts_app in an outside database; made once if not set.",
)
DATABASE_POOL_SIZE = Setting(
    "DATABASE_POOL_SIZE", 5, "Database connections each process keeps open, and as many for single statements."
)
DATABASE_POOL_OVERFLOW = Setting(
    "DATABASE_POOL_OVERFLOW", 10, "Connections a process may open beyond those it keeps, at a rush."
)
DATABASE_STATEMENT_TIMEOUT_MS = Setting(
    "DATABASE_STATEMENT_TIMEOUT_MS", 60_000, "Milliseconds after which the application's statement is given up."
)
DATABASE_LOCK_TIMEOUT_MS = Setting(
    "DATABASE_LOCK_TIMEOUT_MS", 10_000, "Milliseconds the application waits for a row another one holds."
)
BANK_CHARGES_LIMIT_CENTS = Setting(
    "BANK_CHARGES_LIMIT_CENTS",
    2_000,
    "What one person alone may say that a bank kept, or that left without a payment; above it two people sign.",
)
