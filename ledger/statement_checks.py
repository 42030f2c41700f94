"""What is found wrong or worth saying about a bank's file and its statements, before any entry is looked at.

Pure functions: they compare what a file says with itself and with what was recorded of earlier ones. The balance
equation (opening balance and booked entries give the closing balance) is the arbiter of every doubt about a sign.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ledger.bank_messages import CURRENCY, Balance, Entry, FileDescription, MessageKind, Statement
from ledger.calendar import PARIS
from ledger.money import euros


class Finding(StrEnum):
    """The names of what can be found."""

    FILE_SEEN = "file_seen"
    STATEMENT_SEEN = "statement_seen"
    STATEMENT_CHANGED = "statement_changed"
    MOVEMENTS_SEEN = "movements_seen"
    OTHER_ACCOUNT = "other_account"
    OTHER_CURRENCY = "other_currency"
    BALANCE_MISSING = "balance_missing"
    UNBALANCED = "unbalanced"
    TOTALS_DIFFER = "totals_differ"
    GAP = "gap"
    SEQUENCE_GAP = "sequence_gap"
    PENDING_ENTRIES = "pending_entries"
    RELEASED = "released"


class Consequence(StrEnum):
    """What follows from a finding."""

    SKIP = "skip"
    """It was taken before; taking it again has no effect."""
    QUARANTINE = "quarantine"
    """Kept aside: none of its entries has any effect. `REMEDIES` say what may be done about it."""
    NOTE = "note"
    """Taken all the same; the reconciliation of its period stays open until it is settled."""


_CONSEQUENCES = {
    Finding.FILE_SEEN: Consequence.SKIP,
    Finding.STATEMENT_SEEN: Consequence.SKIP,
    Finding.GAP: Consequence.NOTE,
    Finding.SEQUENCE_GAP: Consequence.NOTE,
    Finding.PENDING_ENTRIES: Consequence.NOTE,
    Finding.RELEASED: Consequence.NOTE,
}

RELEASABLE = frozenset({Finding.TOTALS_DIFFER})
"""What two people may set aside: the balances prove the entries all the same. Nothing else ever is: an entry that is
not proved, not ours or counted already would be wrong in the books whoever signed for it."""

_CORRECTED = "demandez à la banque un relevé corrigé et déposez-le : il remplacera celui-ci."
REMEDIES = {
    Finding.STATEMENT_CHANGED: "Comparez-le avec celui qui est pris en compte. Une banque corrige par une écriture sur "
    "un relevé suivant : écartez celui-ci.",
    Finding.MOVEMENTS_SEEN: "Ces écritures comptent déjà. Écartez ce relevé, ou déposez celui qui ne les répète pas.",
    Finding.OTHER_ACCOUNT: "Écartez-le. Si ce compte est bien le nôtre, faites-le inscrire dans les réglages, puis "
    "déposez de nouveau le fichier.",
    Finding.OTHER_CURRENCY: "Nos livres sont en euros : écartez-le, et demandez à la banque ce qu'est ce relevé.",
    Finding.BALANCE_MISSING: f"Sans soldes rien ne prouve ses écritures : {_CORRECTED}",
    Finding.UNBALANCED: f"Ses soldes démentent ses écritures : {_CORRECTED}",
    Finding.TOTALS_DIFFER: "Ses soldes prouvent ses écritures, mais il annonce d'autres totaux : interrogez la banque. "
    "S'il est juste, deux personnes peuvent le faire prendre en compte ; sinon déposez le relevé corrigé.",
}
"""What an accountant does about a statement that is kept aside, by what is found."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding with its French sentence for the accountant."""

    finding: Finding
    sentence: str

    @property
    def consequence(self) -> Consequence:
        """What follows: quarantine, unless the finding is a repeat or a mere note."""
        return _CONSEQUENCES.get(self.finding, Consequence.QUARANTINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStatement:
    """What is remembered of a statement taken before. Balances are signed cents."""

    statement_id: str
    sequence: int | None
    page: int | None
    fingerprint: str
    opening_cents: int | None
    closing_cents: int | None
    last_day: date | None


def check_file(description: FileDescription, imported_at: datetime | None) -> Remark | None:
    """Whether the very same bytes were imported before, at `imported_at` (UTC)."""
    if imported_at is None:
        return None
    when = imported_at.astimezone(PARIS)
    return Remark(
        Finding.FILE_SEEN,
        f"Ce fichier ({description.message_id}) a déjà été déposé le {when:%d/%m/%Y à %H:%M} : rien n'a changé.",
    )


def check_repeat(statement: Statement, same_id: RecordedStatement | None) -> Remark | None:
    """Whether a statement of the same account, year, id, sequence and page was taken before, from whatever file."""
    if same_id is None:
        return None
    if same_id.fingerprint == statement.fingerprint:
        return Remark(
            Finding.STATEMENT_SEEN, f"Le relevé {statement.statement_id} a déjà été pris en compte : rien n'a changé."
        )
    return Remark(
        Finding.STATEMENT_CHANGED,
        f"Un relevé {statement.statement_id} a déjà été pris en compte avec un autre contenu.",
    )


def check_statement(statement: Statement, accounts: Collection[str]) -> list[Remark]:
    """What a statement says against itself and against the IBANs of our accounts."""
    remarks: list[Remark] = []
    account = account_of(statement.account, accounts)
    if account not in accounts:
        remarks.append(
            Remark(Finding.OTHER_ACCOUNT, f"Le relevé porte sur le compte {account}, qui n'est pas le nôtre.")
        )
    foreign = _foreign_currencies(statement)
    if foreign:
        remarks.append(
            Remark(Finding.OTHER_CURRENCY, f"Le relevé contient des montants en {', '.join(foreign)}, pas en euros.")
        )
    elif statement.kind is MessageKind.STATEMENT:
        remarks.extend(_balance_remarks(statement))
    remarks.extend(_total_remarks(statement))
    pending = statement.all_entries.entries - statement.booked_entries.entries
    if pending:
        remarks.append(
            Remark(
                Finding.PENDING_ENTRIES,
                f"{pending} écriture{'s' if pending > 1 else ''} seulement annoncée{'s' if pending > 1 else ''} : "
                "sans effet jusqu'à leur comptabilisation.",
            )
        )
    return remarks


def check_movements(named: Iterable[tuple[Entry, str]], on_other_statements: Collection[str]) -> Remark | None:
    """Whether entries of a statement, each with its name, are on other statements already: two of them overlap.

    An entry without the bank's own reference proves nothing here: two equal ones may well be two movements.
    """
    seen = [entry for entry, name in named if entry.account_servicer_ref and name in on_other_statements]
    if not seen:
        return None
    count = f"{len(seen)} écritures figurent" if len(seen) > 1 else "Une écriture figure"
    return Remark(
        Finding.MOVEMENTS_SEEN,
        f"{count} déjà sur un autre relevé, dont {seen[0].account_servicer_ref}.",
    )


def check_chain(
    statement: Statement, before: RecordedStatement | None, after: RecordedStatement | None
) -> list[Remark]:
    """Whether a statement joins its neighbours in time. Each neighbour is None where nothing is recorded."""
    remarks: list[Remark] = []
    opening, closing = opening_balance(statement), closing_balance(statement)
    if before is not None and opening is not None and before.closing_cents not in (None, opening.signed_cents):
        remarks.append(_gap(before.statement_id, before.closing_cents, statement.statement_id, opening.signed_cents))
    elif before is not None and _numbers_missing(before.sequence, statement.sequence):
        remarks.append(
            Remark(
                Finding.SEQUENCE_GAP,
                f"Le relevé porte le n° {statement.sequence} après le n° {before.sequence}, "
                "bien que les soldes se suivent.",
            )
        )
    if after is not None and closing is not None and after.opening_cents not in (None, closing.signed_cents):
        remarks.append(_gap(statement.statement_id, closing.signed_cents, after.statement_id, after.opening_cents))
    return remarks


def account_of(told: str, accounts: Collection[str]) -> str:
    """The account that a bank speaks of: the one IBAN of ours, however it is written; else what is told, unspaced.

    Some banks give the national number alone, which an IBAN holds after its country and check digits, and the same bank
    may give both, one in statements and the other in notifications. They are one account, with one balance.
    """
    number = told.replace(" ", "")
    return next((iban for iban in accounts if number in (iban, iban[4:])), number)


def opening_balance(statement: Statement) -> Balance | None:
    """The booked balance before the first entry: OPBD, else the previous closing, else the first interim balance."""
    return (
        _earliest(statement, "OPBD")
        or _earliest(statement, "PRCD")
        or next((balance for balance in statement.balances if _is_interim(balance, "OIBD")), None)
    )


def closing_balance(statement: Statement) -> Balance | None:
    """The booked balance after the last entry: CLBD, else the last interim balance of a page."""
    interim = [balance for balance in statement.balances if _is_interim(balance, "CIBD")]
    opening = opening_balance(statement)
    return _latest(statement, "CLBD") or next(
        (balance for balance in reversed(interim) if balance is not opening), None
    )


def recorded(statement: Statement) -> RecordedStatement:
    """What to remember of a statement."""
    opening, closing = opening_balance(statement), closing_balance(statement)
    return RecordedStatement(
        statement_id=statement.statement_id,
        sequence=statement.sequence,
        page=statement.page,
        fingerprint=statement.fingerprint,
        opening_cents=opening.signed_cents if opening else None,
        closing_cents=closing.signed_cents if closing else None,
        last_day=closing.on if closing else statement.to_date,
    )


class MovementNames:
    """Gives each entry of an account a name that a camt.053 and a camt.054 telling the same movement share.

    Where the bank gives no reference of its own, equal entries of one day are told apart by their order. One instance
    serves one statement.
    """

    def __init__(self, account: str) -> None:
        self._account = account
        self._seen: Counter[str] = Counter()

    def name(self, entry: Entry) -> str:
        """The name, a SHA-256 in hexadecimal."""
        day = entry.booking_date or entry.value_date
        facts = f"{self._account} {entry.account_servicer_ref} {entry.signed_cents} {entry.currency} {day}"
        self._seen[facts] += 1
        return hashlib.sha256(f"{facts} {self._seen[facts]}".encode()).hexdigest()


def _foreign_currencies(statement: Statement) -> list[str]:
    told = {
        statement.currency or CURRENCY,
        *statement.currencies,
        *(balance.currency for balance in statement.balances),
    }
    return sorted(told - {CURRENCY})


def _earliest(statement: Statement, code: str) -> Balance | None:
    return min((b for b in statement.balances if b.code == code), key=lambda balance: balance.on, default=None)


def _latest(statement: Statement, code: str) -> Balance | None:
    return max((b for b in statement.balances if b.code == code), key=lambda balance: balance.on, default=None)


def _is_interim(balance: Balance, subtype: str) -> bool:
    return balance.code == "ITBD" and balance.subtype in (None, subtype)


def _balance_remarks(statement: Statement) -> list[Remark]:
    opening, closing = opening_balance(statement), closing_balance(statement)
    if opening is None or closing is None:
        which = "d'ouverture" if opening is None else "de clôture"
        return [Remark(Finding.BALANCE_MISSING, f"Le relevé ne donne pas de solde {which} : rien ne le prouve.")]
    moved = statement.booked_entries.net_cents
    difference = closing.signed_cents - opening.signed_cents - moved
    if difference == 0:
        return []
    return [
        Remark(
            Finding.UNBALANCED,
            f"Solde d'ouverture {euros(opening.signed_cents)}, écritures {euros(moved)}, solde de clôture "
            f"{euros(closing.signed_cents)} : il y a un écart de {euros(difference)}.",
        )
    ]


def _total_remarks(statement: Statement) -> list[Remark]:
    announced = statement.announced
    faults = []
    for tally in (statement.all_entries, statement.booked_entries):
        gross = tally.credit_cents + tally.debit_cents
        checks = [
            ("nombre d'écritures", announced.entries, {tally.entries}),
            # Some banks announce the net sum there.
            ("somme des écritures", announced.sum_cents, {gross, abs(tally.net_cents)}),
            ("nombre de crédits", announced.credit_entries, {tally.credit_entries}),
            ("somme des crédits", announced.credit_cents, {tally.credit_cents}),
            ("nombre de débits", announced.debit_entries, {tally.debit_entries}),
            ("somme des débits", announced.debit_cents, {tally.debit_cents}),
        ]
        faults = [name for name, told, counted in checks if told is not None and told not in counted]
        if not faults:
            return []
    return [Remark(Finding.TOTALS_DIFFER, f"Le relevé annonce d'autres totaux que les siens : {', '.join(faults)}.")]


def _numbers_missing(before: int | None, now: int | None) -> bool:
    # Many banks start again at 1 each year.
    return before is not None and now is not None and now not in (before + 1, 1)


def _gap(earlier: str, closing_cents: int | None, later: str, opening_cents: int | None) -> Remark:
    return Remark(
        Finding.GAP,
        f"Le relevé {earlier} se termine à {euros(closing_cents or 0)} et le relevé {later} commence à "
        f"{euros(opening_cents or 0)} : il manque un relevé entre les deux.",
    )
