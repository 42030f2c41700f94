"""What a scanner or a person typed, read as the text of a student's card or as the number of a textbook.

A scanner plugged in as a keyboard presses keys, and the computer decides what they mean. Set up for an American
keyboard on a French computer it presses the key of "A", and "Q" arrives; the digits arrive as the signs that an AZERTY
keyboard gives without shift. The card's first letter, which can only be A or W, shows what happened, and the text is
put right.

A text put right is still checked by the service, by the code's signature: a wrong guess is refused, it debits nobody.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

CARD = re.compile(r"\A[AW][A-Z2-7]{31}\Z")
"""A version letter (A: printed card, W: telephone), then base32: card, signing key, signature."""
LENGTH = 32

# The unshifted signs of the digit row, in capitals; "§" and "!" are 6 and 8 on Apple's and Belgian keyboards.
DIGIT_ROW = {**dict(zip("&É\"'(-È_ÇÀ", "1234567890", strict=True)), "’": "4", "§": "6", "!": "8"}
# Where the two layouts print different letters on one key. The American M key gives "," on AZERTY, or "?" with shift.
SWAPPED_KEYS = {**dict(zip("AQZW", "QAWZ", strict=True)), ",": "M", "?": "M"}
# Digits that base32 does not have, because people take them for letters.
LOOKALIKES = {"0": "O", "1": "I", "8": "B"}


class NotACard(ValueError):
    """The text is no card's; the message is the sentence for the clerk."""


class NotAnEan(ValueError):
    """The text is no book's number; the message is the sentence for the clerk."""


@dataclass(frozen=True, slots=True)
class CardCode:
    """The text of a card, in its only correct form."""

    text: str
    scanner_layout_wrong: bool = False
    """The scanner is set up for another keyboard than the computer's; it should be told once."""

    @property
    def on_telephone(self) -> bool:
        """A code on a telephone is good for less than a minute, so no sale with it can wait for the network."""
        return self.text.startswith("W")


def is_card(text: str) -> bool:
    """Whether a text has exactly the form of a card's code."""
    return CARD.match(text) is not None


def read_card(typed: str) -> CardCode:
    """The card behind what was typed.

    Spaces are dropped, case does not matter, an AZERTY keyboard's swapped letters and unshifted digits are put right,
    and the digits 0, 1 and 8, which no code has, are read as O, I and B.

    Raises NotACard, also for the rare text that can be put right in two ways.
    """
    squeezed = "".join(typed.split()).upper()
    swapped = squeezed.startswith(("Q", "Z"))
    readings = {text for text in _readings(squeezed, swapped) if is_card(text)}
    if len(readings) == 1:
        return CardCode(readings.pop(), scanner_layout_wrong=swapped)
    if len(squeezed) != LENGTH:
        raise NotACard(f"Ce n’est pas un code de carte : il compte {LENGTH} caractères, {len(squeezed)} ont été lus.")
    raise NotACard("Ce n’est pas un code de carte Atouts Normandie : scannez la carte à nouveau.")


def _readings(squeezed: str, swapped: bool) -> Iterator[str]:
    """Every text that the keys may have meant: a hyphen is a 6 typed without shift, or parts a code typed in groups."""
    for text in (squeezed, squeezed.replace("-", "")):
        signs = "".join(DIGIT_ROW.get(sign, sign) for sign in text)
        letters = "".join(SWAPPED_KEYS.get(sign, sign) for sign in signs) if swapped else signs
        yield "".join(LOOKALIKES.get(sign, sign) for sign in letters)


def read_ean(typed: str) -> str:
    """The thirteen digits of a textbook's EAN or ISBN, typed or scanned; a ten-digit ISBN gets its modern form.

    Raises NotAnEan when there are not enough digits, or when the last one, which checks the others, is wrong.
    """
    number = _digits(typed)
    if re.fullmatch(r"[0-9]{13}", number):
        modern, right = number, number[12] == _ean_key(number[:12])
    elif re.fullmatch(r"[0-9]{9}[0-9X]", number):
        modern, right = f"978{number[:9]}{_ean_key('978' + number[:9])}", number[9] == _isbn10_key(number[:9])
    else:
        raise NotAnEan("Ce n’est pas un numéro de livre : un ISBN compte 13 chiffres (10 pour un livre ancien).")
    if not right:
        raise NotAnEan("Ce numéro de livre est faux : un chiffre est mal tapé ou mal lu.")
    return modern


def looks_like_a_number(typed: str) -> bool:
    """Whether a text is meant as a book's number rather than as words of its title."""
    number = _digits(typed)
    return len(number) >= 8 and number[:-1].isdecimal()


def _digits(typed: str) -> str:
    squeezed = "".join(typed.split()).upper()
    if any("0" <= sign <= "9" for sign in squeezed):
        return squeezed.replace("-", "")
    # All digits came without shift, so a hyphen is a 6 as well.
    return "".join(DIGIT_ROW.get(sign, sign) for sign in squeezed)


def _ean_key(digits: str) -> str:
    """The check digit of the EAN-13 (GS1 General Specifications, 7.9): weights 1 and 3 in turn."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return str(-total % 10)


def _isbn10_key(digits: str) -> str:
    """The check digit of the ISBN before 2007: weights 10 down to 2, modulo 11, X for ten."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True))
    return "0123456789X"[-total % 11]
