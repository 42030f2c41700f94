"""What a person writes about a licence, in a form or in a line of a file, read as what the catalogue keeps.

Each reader raises `ValueError` with a French sentence for whoever wrote it.
"""

import re
from collections.abc import Mapping
from datetime import date

from batch.roster_cells import fold
from ledger.identifiers import parse_ean
from partner_portal.resources.fields import LARGEST_AMOUNT
from pos_client.french import NotAnAmount, cents

OLDEST_INVOICE = date(2015, 1, 1)
BENEFIT_NAMES = {"livre": "books", "livres": "books", "manuel": "books", "manuels": "books", "equipement": "equipment"}
"""Short names of benefits that people use, besides their codes and labels."""


def read_ean(text: str) -> str:
    """The EAN of an ISBN or EAN in any usual writing."""
    return parse_ean(text)


def read_text(text: str, name: str, most: int) -> str:
    """A text that must be there: `name` with its article, as in "Le titre"."""
    joined = " ".join(text.split())
    if not joined:
        raise ValueError(f"{name} manque.")
    if len(joined) > most:
        raise ValueError(f"{name} compte {most} caractères au plus.")
    if not joined.isprintable():
        raise ValueError(f"{name} contient un caractère qui ne s’imprime pas.")
    return joined


def read_real_cost(text: str) -> int:
    """The cost of one licence in cents."""
    if not text.strip():
        raise ValueError("Le coût réel manque : le prix unitaire de la facture d’achat, par exemple 12,50.")
    try:
        amount = cents(text)
    except NotAnAmount as error:
        raise ValueError("Le coût réel s’écrit par exemple 12,50.") from error
    if not 0 < amount <= LARGEST_AMOUNT:
        raise ValueError("Le coût réel est supérieur à zéro et inférieur à 100 000 €.")
    return amount


def read_day(text: str, today: date) -> date:
    """The date of an invoice, in French or ISO writing."""
    if french := re.fullmatch(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})", text.strip()):
        day, month, year = map(int, french.groups())
    elif iso := re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text.strip()):
        year, month, day = map(int, iso.groups())
    else:
        raise ValueError(
            "La date de la facture s’écrit 21/08/2026." if text.strip() else "La date de la facture manque."
        )
    try:
        read = date(year, month, day)
    except ValueError:
        raise ValueError("Cette date n’existe pas dans le calendrier.") from None
    if read > today:
        raise ValueError("La date de la facture est dans le futur.")
    if read < OLDEST_INVOICE:
        raise ValueError("La date de la facture est trop ancienne.")
    return read


def read_benefit(text: str, accepted: Mapping[str, str]) -> str:
    """The code of a benefit, of those the partner accepts (`accepted`: code to label); the only one if none is said."""
    if not text.strip() and len(accepted) == 1:
        return next(iter(accepted))
    wanted = fold(text)
    names = {fold(label): code for code, label in accepted.items()} | {code: code for code in accepted}
    found = names.get(wanted) or BENEFIT_NAMES.get(wanted, "")
    if found in accepted:
        return found
    choices = " ou ".join(f"« {label} »" for label in accepted.values())
    raise ValueError(f"L’avantage qui paie : {choices}.")
