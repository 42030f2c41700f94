"""The second factor: six digits from a phone (TOTP, RFC 6238), or a recovery code kept on paper."""

import base64
import hashlib
import io
import secrets
import time

import pyotp
import qrcode
from cryptography.fernet import Fernet, MultiFernet
from qrcode.image.svg import SvgPathImage
from sqlalchemy import Connection

from ledger import people

ISSUER = "Atouts Normandie"
STEP_S = 30
RECOVERY_CODES = 10
FRESH_CODES = "fresh_recovery_codes"
"""Session key: recovery codes that were just made and are shown once."""
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 signs, without I, O, 0 and 1, which paper confuses."""


class Vault:
    """Keeps the code generators' secrets encrypted. The first key writes; the others only read what they wrote."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        # Fernet wants 32 bytes in base64; an operator's key may be any text.
        self._fernet = MultiFernet(
            [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
        )

    def locked(self, secret: str) -> str:
        """`secret` as it may be stored."""
        return self._fernet.encrypt(secret.encode()).decode()

    def opened(self, ciphertext: str) -> str:
        """The secret stored as `ciphertext`. Raises `cryptography.fernet.InvalidToken` if no key of ours wrote it."""
        return self._fernet.decrypt(ciphertext.encode()).decode()


def new_secret() -> str:
    """160 random bits in base32, as authenticator applications take them."""
    return pyotp.random_base32()


def address(secret: str, email: str) -> str:
    """The otpauth address that an authenticator application reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def picture(text: str) -> bytes:
    """`text` as a QR code in SVG, drawn as one path."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=2, image_factory=SvgPathImage)
    code.add_data(text)
    out = io.BytesIO()
    code.make_image().save(out)
    return out.getvalue()


def step_of(secret: str, code: str, now: float | None = None) -> int | None:
    """The 30-second step `code` belongs to, if it is this one or a neighbour (clocks differ); else None."""
    digits = code.replace(" ", "").replace("\u00a0", "")
    if len(digits) != 6 or not digits.isascii() or not digits.isdigit():
        return None
    totp = pyotp.TOTP(secret)
    current = int((time.time() if now is None else now) // STEP_S)
    return next((step for step in (current, current - 1, current + 1) if totp.generate_otp(step) == digits), None)


def new_recovery_codes() -> list[str]:
    """Ten codes of 80 random bits, in groups of four: "ABCD-EFGH-JKLM-NPQR"."""
    drawn = ("".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES))
    return ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in drawn]


def recovery_hash(code: str) -> bytes:
    """What is kept of a recovery code. 80 random bits need no slow hash."""
    return hashlib.sha256("".join(c for c in code.upper() if c.isalnum()).encode()).digest()


def grouped(secret: str) -> str:
    """A secret as it is typed by hand into an application: "ABCD EFGH ..."."""
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def pending_secret(conn: Connection, vault: Vault, person: people.Person) -> str:
    """The secret `person` is enrolling: the one begun with, so that a reloaded page shows the same picture."""
    if person.totp_secret is not None:
        return vault.opened(person.totp_secret)
    secret = new_secret()
    people.begin_totp(conn, person.id, vault.locked(secret))
    return secret


def confirm(conn: Connection, person: people.Person, secret: str, code: str) -> list[str] | None:
    """Finish an enrolment with a first good code: the recovery codes to show once, or None if the code is wrong."""
    step = step_of(secret, code)
    if step is None or not people.take_totp_step(conn, person.id, step):
        return None
    codes = new_recovery_codes()
    people.confirm_totp(conn, person.id, [recovery_hash(one) for one in codes], by=f"person:{person.id}")
    return codes


def take(conn: Connection, vault: Vault, person: people.Person, code: str) -> str | None:
    """Use up `code` if it is a good one of `person`: "totp" or "recovery_code", else None."""
    if person.totp_secret is None or not person.totp_is_confirmed:
        return None
    step = step_of(vault.opened(person.totp_secret), code)
    if step is not None:
        return "totp" if people.take_totp_step(conn, person.id, step) else None
    return "recovery_code" if people.take_recovery_code(conn, person.id, recovery_hash(code)) else None
