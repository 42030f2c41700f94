"""What a number means while it is being typed: the name of the bank, the school of a code, or what is wrong."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from ledger.identifiers import InvalidIdentifier, parse_iban, parse_siret, parse_uai


@dataclass(frozen=True, slots=True)
class Reading:
    """What is said of a number; `name` and `town` are those of a school that is known."""

    good: bool
    sentence: str
    name: str = ""
    town: str = ""


def read(conn: Connection, field: str, typed: str) -> Reading:
    """What is to be said of `typed` in the field of this name. Raises `KeyError` for one that is not read so."""
    reader = {"siret": _siret, "uai": _uai, "iban": _iban}[field]
    try:
        return reader(conn, typed)
    except InvalidIdentifier as error:
        return Reading(False, error.reason)


def _siret(_conn: Connection, typed: str) -> Reading:
    parse_siret(typed)
    return Reading(True, "La clé de ce SIRET est juste.")


def _uai(conn: Connection, typed: str) -> Reading:
    uai = parse_uai(typed)
    school = conn.execute(text("select name, town from school where uai = :uai"), {"uai": uai}).one_or_none()
    if school is None:
        return Reading(True, "La lettre de contrôle de ce code est juste.")
    return Reading(True, f"{school.name}, {school.town}.", school.name, school.town)


def _iban(_conn: Connection, typed: str) -> Reading:
    iban = parse_iban(typed)
    bank = iban.bank_name or "Banque inconnue de nos registres ; les clés sont justes"
    return Reading(True, f"{bank}{f' ({iban.country})' if iban.foreign else ''}.")
