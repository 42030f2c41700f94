"""Passwords: what one must be, and how it is kept (argon2id with the library's current parameters, RFC 9106)."""

import functools
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 200
"""Nobody types more; hashing megabytes would be a way to keep the server busy."""

_hasher = PasswordHasher()


def refusal(password: str, *, about: tuple[str, ...] = (), shortest: int = SHORTEST) -> str | None:
    """Why `password` is not good enough, as a French sentence; None if it is. `about` are words one would guess first.

    Length, not a mix of signs (ANSSI and NIST SP 800-63B agree on that).
    """
    if len(password) < shortest:
        return f"Choisissez au moins {shortest} caractères : une phrase courte convient très bien."
    if len(password) > LONGEST:
        return f"Restez en dessous de {LONGEST} caractères."
    own = password.casefold()
    if len(set(own)) < 5:
        return "Ce mot de passe répète toujours les mêmes caractères."
    for word in sorted(about, key=len, reverse=True):
        own = own.replace(word.casefold(), "") if len(word) > 2 else own
    if len(own) < shortest // 2:
        return "Ce mot de passe contient votre nom ou votre adresse : il se devine trop facilement."
    return None


def hashed(password: str) -> str:
    """The argon2id hash to keep of `password`."""
    return _hasher.hash(_normalised(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one kept. It takes as long when there is none to compare with."""
    try:
        return _hasher.verify(password_hash or _decoy(), _normalised(password)[:LONGEST]) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def is_dated(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _normalised(password: str) -> str:
    # The same "é" is typed as one code point on one keyboard and as two on another.
    return unicodedata.normalize("NFKC", password)


@functools.cache
def _decoy() -> str:
    return _hasher.hash("nobody’s password")
