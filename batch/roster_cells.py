"""What each cell of a roster line means, and what is wrong with one that means nothing.

Every reader takes the text of a cell and returns its value, or raises `ValueError` with a French sentence for the
person who corrects the file.
"""

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Literal

from ledger.calendar import school_year_name
from ledger.identifiers import parse_uai

Stream = Literal["general", "technological", "vocational"]

# Benefits depend on the stream: books at one amount for the first two, at another for the third, which also brings
# equipment in the first year of entry. The CAP and the training of an MFR are vocational.
STREAMS: dict[str, Stream] = {
    **dict.fromkeys(("generale", "general", "voie_generale", "generale_et_technologique", "gt"), "general"),
    **dict.fromkeys(("technologique", "technological", "voie_technologique", "techno"), "technological"),
    **dict.fromkeys(("stmg", "sti2d", "st2s", "stl", "std2a", "sthr", "s2tmd", "stav"), "technological"),
    **dict.fromkeys(("professionnelle", "professionnel", "voie_professionnelle", "vocational", "pro"), "vocational"),
    **dict.fromkeys(("bac_pro", "baccalaureat_professionnel", "bma", "cap", "capa", "cap_agricole"), "vocational"),
    **dict.fromkeys(("mfr", "cap_mfr", "bac_pro_mfr"), "vocational"),
}

YES = {"oui", "o", "yes", "y", "vrai", "true", "1"}
NO = {"non", "n", "no", "faux", "false", "0"}

# Lycéens and students of the CAP are 14 to 20 in nearly all cases; beyond these bounds the date is a typing error.
YOUNGEST, OLDEST = 12, 30

# Letters that no decomposition takes apart.
LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "ı": "i"})

MAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[^\W_][\w-]{0,62}\.)+[^\W\d_]{2,}")


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """Small letters and digits without accents, joined by underscores: 'Prénom ' and 'PRENOM' are one name."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(LIGATURES)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


@lru_cache(maxsize=16_384)
def read_name(text: str) -> str:
    """A first or last name: letters of any script, with hyphens, apostrophes, dots and single spaces."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(map(str.isalpha, name)):
        raise ValueError("Le nom manque." if not name else "Un nom contient au moins une lettre.")
    if len(name) > 80:
        raise ValueError("Un nom compte 80 caractères au plus.")
    if wrong := next((char for char in name if not _belongs_in_a_name(char)), None):
        raise ValueError(f"Le caractère « {wrong if wrong.isprintable() else '?'} » n'a pas sa place dans un nom.")
    return name


def _belongs_in_a_name(char: str) -> bool:
    return char.isalpha() or char in " -'’.‐" or unicodedata.category(char).startswith("M")


@lru_cache(maxsize=16_384)
def read_birth_date(text: str, school_year: int) -> date:
    """A date in French or ISO writing, of somebody who can be in a lycée in that school year."""
    if french := re.fullmatch(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})", text):
        day, month, year = map(int, french.groups())
    elif iso := re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text):
        year, month, day = map(int, iso.groups())
    else:
        raise ValueError("La date s'écrit 14/07/2010 ou 2010-07-14." if text else "La date de naissance manque.")
    try:
        born = date(year, month, day)
    except ValueError:
        raise ValueError("Ce jour n'existe pas dans le calendrier.") from None
    if not YOUNGEST <= school_year - born.year <= OLDEST:
        raise ValueError(f"Un élève a entre {YOUNGEST} et {OLDEST} ans pendant l'année scolaire.")
    return born


@lru_cache(maxsize=4096)
def read_uai(text: str) -> str:
    return parse_uai(text)


@lru_cache(maxsize=4096)
def read_class_name(text: str) -> str:
    """The class as the school calls it; its first character keeps spreadsheets from taking it for a formula."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise ValueError("La classe manque.")
    if len(name) > 30:
        raise ValueError("Un nom de classe compte 30 caractères au plus.")
    if not name[0].isalnum() or not name.isprintable():
        raise ValueError("Un nom de classe commence par une lettre ou un chiffre.")
    return name


@lru_cache(maxsize=4096)
def read_stream(text: str) -> tuple[Stream, str]:
    """The stream that decides the benefits, and the programme as the roster says it."""
    programme = " ".join(text.split())
    stream = STREAMS.get(fold(programme))
    if stream is None:
        raise ValueError("Filière attendue : générale, technologique, professionnelle, CAP ou MFR.")
    return stream, programme


def read_yes_or_no(text: str) -> bool:
    answer = text.casefold()
    if answer not in YES and answer not in NO:
        raise ValueError("Réponse attendue : oui ou non.")
    return answer in YES


@lru_cache(maxsize=64)
def read_school_year(text: str, expected: int) -> int:
    """'2026-2027', '2026/2027' or '2026'; a file of another year than the one asked for is the wrong file."""
    written = re.fullmatch(r"([0-9]{4})(?:\s*[-/–]\s*([0-9]{4}))?", text)
    if not written or (written[2] and int(written[2]) != int(written[1]) + 1):
        raise ValueError(f"L'année scolaire s'écrit {school_year_name(expected)}.")
    if int(written[1]) != expected:
        raise ValueError(f"Cette ligne n'est pas de l'année scolaire {school_year_name(expected)}.")
    return expected


def read_email(text: str) -> str | None:
    if not text:
        return None
    if len(text) > 254 or not MAIL.fullmatch(text) or ".." in text:
        raise ValueError("Cette adresse de courriel n'est pas valable.")
    return text
