"""The numbers that name schools, books and bank accounts, and how to tell a wrong one from its check digits.

Each `parse_...` takes what a person typed or pasted (spaces, no-break spaces, dashes, lower case) and returns the one
form that is stored, or raises `InvalidIdentifier` with a French sentence that can be shown as it is.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import NoReturn

from schwifty import IBAN
from schwifty.exceptions import (
    InvalidBBANChecksum,
    InvalidChecksumDigits,
    InvalidCountryCode,
    InvalidLength,
    SchwiftyException,
)

# No I, O, Q: they look like 1 and 0 on paper.
UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"

LA_POSTE = "356000000"

# The three forms in use (national register, older national base, apprentices' base).
NATIONAL_ID_FORMS = re.compile(r"[0-9]{9}[A-Z]{2}|[0-9]{10}[A-Z]|[0-9]{4}[A-Z][0-9]{5}[A-Z]")

SHORTEST_IBAN = 15


class InvalidIdentifier(ValueError):
    """What was typed is not a valid `field`; `reason` is the French sentence, `value_masked` is safe to log."""

    def __init__(self, field: str, value_masked: str, reason: str) -> None:
        super().__init__(field, value_masked, reason)
        self.field = field
        self.value_masked = value_masked
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True, repr=False)
class Iban:
    """A bank account that passed every check we have; prints masked, so that no log or traceback shows it whole."""

    text: str
    """Without spaces, as stored and as written into payment files."""
    bic: str | None
    """None where the bank is in no register we know; that is no fault of the account."""
    bank_name: str | None

    @property
    def country(self) -> str:
        return self.text[:2]

    @property
    def foreign(self) -> bool:
        """Whether the account is held outside France, which the approver of a payout is told."""
        return self.country != "FR"

    @property
    def formatted(self) -> str:
        """Whole, in groups of four: only for the account's owner and for who must compare it."""
        return " ".join(self.text[start : start + 4] for start in range(0, len(self.text), 4))

    @property
    def masked(self) -> str:
        """For screens, logs and letters: 'FR76 •••• •••• 0189'."""
        return mask_iban(self.text)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Iban({self.masked})"


def parse_siren(text: str) -> str:
    """The 9 digits that name a legal person in France (INSEE), Luhn checked."""
    siren = _typed(text, "siren")
    if not re.fullmatch("[0-9]{9}", siren):
        _refuse("siren", siren, "Un SIREN compte 9 chiffres.")
    if siren == "0" * 9 or not _luhn_holds(siren):
        _refuse("siren", siren, "La clé de ce SIREN ne correspond pas : un chiffre est sans doute faux.")
    return siren


def parse_siret(text: str) -> str:
    """The 14 digits that name one establishment of a legal person in France (INSEE), Luhn checked.

    La Poste numbered its thousands of offices by another rule: the sum of all digits is a multiple of five.
    """
    siret = _typed(text, "siret")
    if not re.fullmatch("[0-9]{14}", siret):
        _refuse("siret", siret, "Un SIRET compte 14 chiffres.")
    siren = siret[:9]
    of_la_poste = siren == LA_POSTE and sum(map(int, siret)) % 5 == 0
    if siren == "0" * 9 or not _luhn_holds(siren) or not (_luhn_holds(siret) or of_la_poste):
        _refuse("siret", siret, "La clé de ce SIRET ne correspond pas : un chiffre est sans doute faux.")
    return siret


def parse_uai(text: str) -> str:
    """The school's number in the national register: 7 digits, department first, and a letter (remainder by 23)."""
    uai = _typed(text, "uai")
    if not re.fullmatch("[0-9]{7}[A-Z]", uai):
        _refuse("uai", uai, "Un code UAI compte 7 chiffres et une lettre, par exemple 0140013N.")
    if uai_letter(uai[:7]) != uai[7]:
        _refuse("uai", uai, "La lettre de ce code UAI ne correspond pas à ses chiffres.")
    return uai


def parse_ean(text: str) -> str:
    """The 13 digits of a barcode or ISBN; an ISBN of ten characters becomes the one of thirteen."""
    ean = _typed(text, "ean")
    if re.fullmatch("[0-9]{9}[0-9X]", ean):
        if _isbn10_digit(ean[:9]) != ean[9]:
            _refuse("ean", ean, "La clé de cet ISBN ne correspond pas : un chiffre est sans doute faux.")
        return "978" + ean[:9] + ean13_digit("978" + ean[:9])
    if not re.fullmatch("[0-9]{13}", ean):
        _refuse("ean", ean, "Un code EAN ou ISBN compte 13 chiffres (10 pour un ancien ISBN).")
    if ean13_digit(ean[:12]) != ean[12]:
        _refuse("ean", ean, "La clé de ce code EAN ne correspond pas : un chiffre est sans doute faux.")
    if ean.startswith("000000"):
        _refuse("ean", ean, "Aucun code EAN ne commence par six zéros.")
    return ean


def parse_national_id(text: str) -> str:
    """The student's national number (INE), 11 characters in one of the three forms in use; they share no public key."""
    national_id = _typed(text, "ine")
    if not NATIONAL_ID_FORMS.fullmatch(national_id):
        reason = "Un INE compte 11 caractères : 9 chiffres et 2 lettres, ou 10 chiffres et une lettre."
        raise InvalidIdentifier("ine", _mask(national_id, shown=2), reason)
    return national_id


def parse_iban(text: str) -> Iban:
    """A bank account that a SEPA transfer can reach, by its own check digits and its country's (the French RIB key)."""
    iban = _checked_iban(text)
    bic = iban.bic
    return Iban(text=str(iban), bic=str(bic) if bic else None, bank_name=iban.bank_name or None)


def check_iban(text: str) -> str:
    """The same checks without a look into the registers of banks, which costs ten times as much; the form stored."""
    return str(_checked_iban(text))


def _checked_iban(text: str) -> IBAN:
    """schwifty checks the national key only when asked; without it a French account with a wrong RIB key passes."""
    compact = _without_spaces(text)
    if not compact:
        raise InvalidIdentifier("iban", "", "L'IBAN manque.")
    masked = mask_iban(compact)
    if not compact.isascii():
        raise InvalidIdentifier("iban", masked, "Un IBAN ne contient que des lettres sans accent et des chiffres.")
    try:
        iban = IBAN(compact, validate_bban=True)
    except SchwiftyException as error:
        raise InvalidIdentifier("iban", masked, _iban_reason(error, compact.upper())) from None
    if not iban.in_sepa_zone:
        reason = "Ce compte n'est pas dans la zone SEPA : un virement en euros ne peut pas l'atteindre."
        raise InvalidIdentifier("iban", masked, reason)
    return iban


def mask_iban(text: str) -> str:
    """What of an account may be shown: its country, key and last four characters; nothing of a text too short."""
    compact = _without_spaces(text).upper()
    if len(compact) < SHORTEST_IBAN:
        return "••••"
    return f"{compact[:4]} •••• •••• {compact[-4:]}"


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` pass Luhn's check when it is put behind them."""
    return str(-_luhn_sum(digits + "0") % 10)


def uai_letter(digits: str) -> str:
    """The letter that ends the UAI of these 7 digits."""
    return UAI_LETTERS[int(digits) % len(UAI_LETTERS)]


def ean13_digit(digits: str) -> str:
    """The last digit of an EAN-13 or ISBN-13, from its first twelve (weights 1 and 3 in turn)."""
    return str(-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits)) % 10)


def _isbn10_digit(digits: str) -> str:
    return "0123456789X"[-sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11]


def _luhn_holds(digits: str) -> bool:
    return _luhn_sum(digits) % 10 == 0


def _luhn_sum(digits: str) -> int:
    plain = sum(map(int, digits[-1::-2]))
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return plain + doubled


def _iban_reason(error: SchwiftyException, compact: str) -> str:
    match error:
        case InvalidBBANChecksum():
            return "La clé RIB de cet IBAN ne correspond pas au compte : recopiez-le depuis le RIB."
        case InvalidChecksumDigits():
            return "La clé de cet IBAN ne correspond pas : un caractère est sans doute faux ou deux sont inversés."
        case InvalidCountryCode():
            return "Les deux premières lettres de cet IBAN ne désignent aucun pays connu."
        case InvalidLength() if compact.startswith("FR"):
            return f"Un IBAN français compte 27 caractères, celui-ci en compte {len(compact)}."
        case InvalidLength():
            return "Cet IBAN est trop court ou trop long pour son pays."
        case _:
            return "Ce n'est pas un IBAN : il commence par deux lettres et deux chiffres, par exemple FR76."


def _typed(text: str, field: str) -> str:
    """`text` as one upper-case word; dashes and dots are how people group digits."""
    compact = re.sub(r"[-.\u2010-\u2015\u2212]", "", _without_spaces(text))
    if not compact:
        called = "numéro SIRET" if field == "siret" else f"code {field.upper()}"
        raise InvalidIdentifier(field, "", f"Le {called} manque.")
    # Some letters change into ASCII ones by upper(), as the long s and the dotless i do.
    return compact.upper() if compact.isascii() else compact


def _without_spaces(text: str) -> str:
    """`text` without any kind of space, nor the invisible marks that come along when one copies from a web page."""
    if text.isalnum():
        return text
    return "".join(char for char in text if not char.isspace() and unicodedata.category(char) != "Cf")


def _refuse(field: str, value: str, reason: str) -> NoReturn:
    """For the numbers anybody may see: only their length is bounded."""
    raise InvalidIdentifier(field, value if len(value) <= 20 else f"{value[:20]}…", reason)


def _mask(value: str, shown: int) -> str:
    return value[:shown] + "•" * min(len(value[shown:]), 9)
