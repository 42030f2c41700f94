"""The chart of accounts: what each account of the books is called, and its place in a French general ledger.

The numbers follow the nomenclature of French public accounting (the classes of the plan comptable général, which the
M57 of the Regions shares): class 4 for what is owed, 5 for money, 6 and 7 for what was spent and what came back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.accounts import (
    BANK,
    BANK_CHARGES,
    FUNDING,
    IN_TRANSIT,
    LAPSED,
    PARTNERS,
    SUSPENSE,
    WALLETS,
    WRITE_OFF,
)


@dataclass(frozen=True, slots=True)
class Heading:
    """One line of the chart: its code in our programs, its number and name in the general ledger, and its accounts.

    A heading with several accounts (wallets, partners) is a collective account; its accounts are its auxiliaries.
    """

    code: str
    number: str
    label: str
    accounts: range

    @property
    def is_collective(self) -> bool:
        """Whether it gathers many accounts."""
        return len(self.accounts) > 1


def _single(account: int) -> range:
    return range(account, account + 1)


CHART: tuple[Heading, ...] = (
    Heading("wallets", "467100", "Avantages à utiliser par les lycéens", WALLETS),
    Heading("partners", "467200", "Partenaires à payer", PARTNERS),
    Heading("funding", "657400", "Avantages attribués", _single(FUNDING)),
    Heading("lapsed", "758000", "Avantages non utilisés, caducs", _single(LAPSED)),
    Heading("in_transit", "580000", "Virements émis, en cours", _single(IN_TRANSIT)),
    Heading("bank", "515000", "Banque", _single(BANK)),
    Heading("suspense", "471000", "Opérations bancaires à éclaircir", _single(SUSPENSE)),
    Heading("write_off", "658000", "Montants abandonnés", _single(WRITE_OFF)),
    Heading("bank_charges", "627000", "Frais bancaires", _single(BANK_CHARGES)),
)


def heading_of(account: int) -> Heading:
    """The line of the chart to which an account belongs. Raises LookupError for a number of no class."""
    for heading in CHART:
        if account in heading.accounts:
            return heading
    raise LookupError(f"{account} is no account of the chart")


def account_label(account: int) -> str:
    """What an account is called: "Partenaire 12", "Avantage 1000000000007", or its line in the chart."""
    heading = heading_of(account)
    if heading.code == "wallets":
        return f"Avantage {account}"
    if heading.code == "partners":
        return f"Partenaire {account - PARTNERS.start}"
    return heading.label


KIND_LABELS = {
    "sale": "Vente",
    "grant": "Attribution",
    "refund": "Remboursement",
    "lapse": "Avantage caduc",
    "grant_withdrawal": "Retrait d’attribution",
    "payout": "Virement au partenaire",
    "payout_reopened": "Virement revenu, à payer de nouveau",
    "bank_debit": "Virement débité par la banque",
    "bank_return": "Virement revenu à la banque",
    "bank_charge": "Frais bancaires",
    "bank_funding": "Alimentation du compte bancaire",
    "suspense_in": "Opération bancaire à éclaircir",
    "suspense_out": "Opération bancaire éclaircie",
    "write_off": "Montant abandonné",
}
"""What each kind of transfer is called in French."""


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal of the accounting entries file: its code, its name, and the kinds of transfer written in it."""

    code: str
    label: str
    kinds: Sequence[str]


JOURNALS: tuple[Journal, ...] = (
    Journal("AV", "Avantages", ("grant", "grant_withdrawal", "lapse")),
    Journal("VE", "Ventes des partenaires", ("sale", "refund")),
    Journal("VI", "Virements aux partenaires", ("payout", "payout_reopened")),
    Journal("BQ", "Banque", ("bank_debit", "bank_return", "bank_charge", "bank_funding", "suspense_in")),
    Journal("OD", "Opérations diverses", ("suspense_out", "write_off")),
)
