"""How one bank wants its payment files: the switches on which banks disagree.

The built-in profile `standard` follows the EPC's guidelines in their strictest reading. A bank that wants something
else gets a TOML or JSON file that names only what differs:

    name = "dft"
    category_purpose = "GOVT"
    creditor_agent = "bic"
    cut_off = "11:30"
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Any

from batch.sepa.text import NAME_LENGTH, is_reference


class Version(StrEnum):
    """The message versions that SEPA banks take."""

    V03 = "pain.001.001.03"
    V09 = "pain.001.001.09"

    @property
    def namespace(self) -> str:
        """Namespace of the version's official schema."""
        return f"urn:iso:std:iso:20022:tech:xsd:{self.value}"


class CreditorAgent(StrEnum):
    """What a payment says about the payee's bank. Since 2016 the IBAN is enough, yet some banks refuse its absence."""

    OMIT = "omit"
    BIC = "bic"
    NOT_PROVIDED = "notprovided"


class Names(StrEnum):
    """How names of parties are written."""

    TRANSLITERATE = "transliterate"
    UTF8 = "utf8"


class Addresses(StrEnum):
    """Whether postal addresses are written. There is no third way: banks refuse free lines since 15 November 2026."""

    NONE = "none"
    STRUCTURED = "structured"


class ProfileError(ValueError):
    """A bank profile that cannot be used; `field` names the entry at fault, the text says in French what it takes."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"Profil bancaire, « {field} » : {expected}")
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class BankProfile:
    """The switches of one bank. Amounts are in cents; `cut_off` is an hour in Paris.

    Raises ProfileError when made with a value that no bank could mean.
    """

    name: str = "standard"
    version: Version = Version.V09
    category_purpose: str | None = None
    """Category purpose code of the whole batch; a French State payer uses GOVT."""
    initiator_id: str | None = None
    """Identifier that the bank gave to the sender, or its SIREN."""
    initiator_id_issuer: str | None = None
    """Who gave `initiator_id`, where the bank asks for it."""
    creditor_agent: CreditorAgent = CreditorAgent.OMIT
    names: Names = Names.TRANSLITERATE
    addresses: Addresses = Addresses.NONE
    batch_booking: bool = True
    """One debit for the whole batch on the statement, rather than one per payment."""
    execution_offset: int = 1
    """TARGET days between reception of the file and execution: n of D+n."""
    cut_off: time = time(15, 0)
    """From this hour on, a file counts as received on the next TARGET day."""
    max_payment_cents: int = 99_999_999_999
    max_file_cents: int = 99_999_999_999
    max_file_payments: int = 100_000

    def __post_init__(self) -> None:
        for field, (accepts, expected) in _RULES.items():
            if not accepts(getattr(self, field)):
                raise ProfileError(field, expected)


STANDARD_PROFILE_NAME = "standard"

_MAX_SEPA_CENTS = 99_999_999_999

_Rule = tuple[Callable[[Any], bool], str]


def _one_of(choices: type[StrEnum]) -> _Rule:
    return (lambda value: isinstance(value, choices)), "une valeur parmi " + ", ".join(choices)


def _whole(low: int, high: int) -> _Rule:
    return (
        lambda value: type(value) is int and low <= value <= high,
        f"un nombre entier de {low} à {high}",
    )


def _optional(pattern: str, expected: str) -> _Rule:
    return (
        lambda value: value is None or (isinstance(value, str) and re.fullmatch(pattern, value) is not None),
        expected,
    )


_OPTIONAL_REFERENCE: _Rule = (
    lambda value: value is None or (isinstance(value, str) and is_reference(value)),
    "une référence de 35 caractères SEPA au plus, sans « / » au début ni à la fin",
)

_RULES: dict[str, _Rule] = {
    "name": (lambda value: isinstance(value, str) and 0 < len(value) <= NAME_LENGTH, "un nom de 1 à 70 caractères"),
    "version": _one_of(Version),
    "category_purpose": _optional("[A-Z]{4}", "un code de quatre lettres majuscules, par exemple GOVT"),
    "initiator_id": _OPTIONAL_REFERENCE,
    "initiator_id_issuer": _OPTIONAL_REFERENCE,
    "creditor_agent": _one_of(CreditorAgent),
    "names": _one_of(Names),
    "addresses": _one_of(Addresses),
    "batch_booking": (lambda value: isinstance(value, bool), "true ou false"),
    "execution_offset": _whole(0, 10),
    "cut_off": (
        lambda value: isinstance(value, time) and value.tzinfo is None,
        "une heure de Paris, par exemple 11:30",
    ),
    "max_payment_cents": _whole(1, _MAX_SEPA_CENTS),
    "max_file_cents": _whole(1, 10**17),
    "max_file_payments": _whole(1, 10**9),
}

_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "version": Version,
    "creditor_agent": CreditorAgent,
    "names": Names,
    "addresses": Addresses,
    "cut_off": lambda value: value if isinstance(value, time) else time.fromisoformat(value),
}


def profile_from(entries: dict[str, Any]) -> BankProfile:
    """The profile that `entries`, as read from a file, describe; what they leave out is as in `standard`.

    Raises ProfileError for an unknown entry and for a value that does not fit.
    """
    known = [field.name for field in fields(BankProfile)]
    values = dict(entries)
    for field, value in entries.items():
        if field not in known:
            raise ProfileError(field, "entrée inconnue ; les entrées sont " + ", ".join(known))
        if field in _CONVERSIONS:
            try:
                values[field] = _CONVERSIONS[field](value)
            except (ValueError, TypeError):
                raise ProfileError(field, _RULES[field][1]) from None
    return BankProfile(**values)


def load_profile(source: str | Path) -> BankProfile:
    """The built-in profile if `source` is "standard", else the one in the TOML or JSON file at that path.

    Raises ProfileError, also for a file that is absent or cannot be read as what its name says (the field is then
    the path).
    """
    if str(source) == STANDARD_PROFILE_NAME:
        return BankProfile()
    path = Path(source)
    parse = json.loads if path.suffix == ".json" else tomllib.loads
    try:
        entries = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(str(path), f"fichier illisible ({error.strerror})") from error
    except ValueError as error:
        language = "JSON" if path.suffix == ".json" else "TOML"
        raise ProfileError(str(path), f"le fichier n’est pas du {language} valable ({error})") from error
    if not isinstance(entries, dict):
        raise ProfileError(str(path), "le fichier doit contenir un objet JSON")
    return profile_from(entries)
