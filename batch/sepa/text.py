"""What may be written in a SEPA message, and how other text is brought into it.

Banks agree on the letters, digits and eleven signs of `SEPA_SIGNS` only (EPC, SEPA Requirements for an Extended
Character Set, EPC217-08). Names and remittance texts are transliterated, always to the same result, because the bytes
of a payment file must come out equal each time they are made. References are never transliterated: they are built
from the right characters, or refused.
"""

from __future__ import annotations

import re
import string
import unicodedata

SEPA_SIGNS = "/-?:().,'+ "
SEPA_CHARACTERS = frozenset(string.ascii_letters + string.digits + SEPA_SIGNS)

REFERENCE_LENGTH = 35
NAME_LENGTH = 70
REMITTANCE_LENGTH = 140

_FOREIGN = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")

# Letters that Unicode does not take apart, and the signs met in school names. "&" becomes "+" as EPC217-08 has it.
_REPLACEMENTS = str.maketrans(
    {"Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "ẞ": "SS", "ß": "ss", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l"}
    | {"Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "TH", "þ": "th", "Ħ": "H", "ħ": "h", "ı": "i", "Ŋ": "N", "ŋ": "n"}
    | {"&": "+", "€": "EUR", "°": "o", "_": "-", ";": ",", "[": "(", "]": ")", "{": "(", "}": ")", "\\": "-", "|": "-"}
    | dict.fromkeys('’‘‚‛ʼ′`´"“”„«»‹›', "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
    | {"⁄": "/"}
)

# Controls, formats, surrogates, private use, unassigned; marks on their own; pictures and their skin tones.
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me", "So", "Sk"}


def is_sepa_text(text: str) -> bool:
    """Whether every character of `text` is one that all banks accept."""
    return _FOREIGN.search(text) is None


def is_reference(text: str) -> bool:
    """Whether `text` may serve as an identifier: 1 to 35 SEPA characters, sound slashes, no space at either end."""
    return (
        0 < len(text) <= REFERENCE_LENGTH and is_sepa_text(text) and has_sound_slashes(text) and text == text.strip(" ")
    )


def has_sound_slashes(text: str) -> bool:
    """Whether no "/" stands at the beginning or end of `text` and no two follow each other (EPC230-15)."""
    return not (text.startswith("/") or text.endswith("/") or "//" in text)


def to_sepa(text: str) -> str:
    """`text` in SEPA characters: accents fall, "œ" becomes "oe", "&" becomes "+", runs of spaces become one.

    Control characters and pictures vanish. What is left and has no counterpart becomes a full stop, as EPC217-08
    recommends. The result may be empty; doing it twice changes nothing.
    """
    if _FOREIGN.search(text):
        decomposed = unicodedata.normalize("NFKD", _spaced(text.translate(_REPLACEMENTS)))
        text = _FOREIGN.sub(_counterpart, decomposed)
    return _spaced(text)


def _spaced(text: str) -> str:
    """`text` with every kind of white space, line breaks and no-break spaces included, as a plain space."""
    return " ".join(text.split())


def _counterpart(foreign: re.Match[str]) -> str:
    character = foreign[0]
    replacement = character.translate(_REPLACEMENTS)
    if replacement != character:
        return replacement
    return "" if unicodedata.category(character) in _DROPPED else "."


def to_name(text: str) -> str:
    """`text` as a name in UTF-8: letters keep their accents in composed form, controls and pictures vanish.

    For banks that compare names letter by letter with the account holder's (verification of payee).
    """
    return _spaced("".join(filter(is_name_character, unicodedata.normalize("NFC", _spaced(text)))))


def is_name_character(character: str) -> bool:
    """Whether a name in UTF-8 may hold `character`: any letter, accent, digit, punctuation, sign or plain space."""
    category = unicodedata.category(character)
    return character in " °" or category[0] in "LNP" or category in {"Mn", "Mc", "Sm", "Sc"}


def cut(text: str, limit: int) -> str:
    """The longest beginning of `text` of at most `limit` characters that is fit to be read.

    It ends between two words if that costs no more than a quarter of `limit` (half a reference is worse than none),
    else between two letters: a letter is never parted from its accents.
    """
    if len(text) <= limit:
        return text
    space = text.rfind(" ", 0, limit + 1)
    if space >= limit - limit // 4:
        return text[:space].rstrip()
    end = limit
    while end > 0 and unicodedata.combining(text[end]):
        end -= 1
    return text[:end].rstrip()
