"""A period of the bank account: what moved it, by what the movements are, and the books beside the statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from ledger.accounts import IN_TRANSIT, SUSPENSE
from ledger.reconciliation import position
from ledger.reconciliation.items import Item, open_items

CATEGORIES = {
    "debited": "Virements débités",
    "returned": "Virements rendus",
    "charges": "Frais de banque",
    "funding": "Alimentations du compte",
    "write_off": "Abandons signés",
    "suspense": "En attente d’explication",
    "offset": "Mouvements qui se compensent",
}


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A statement as it was recorded. Amounts in signed cents; `state` is taken, quarantined or dismissed."""

    id: int
    kind: str
    statement_id: str
    account: str
    sequence: int | None
    last_day: date | None
    opening: int | None
    closing: int | None
    booked: int
    entries: int
    left_open: int
    state: str
    remarks: tuple[str, ...]
    decision: str | None
    file: str
    imported_by: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class PeriodSheet:
    """From one day to another, both included. Amounts in signed cents as on the bank's statement."""

    first_day: date
    last_day: date
    opening: int
    closing: int
    categories: tuple[tuple[str, int, int], ...]
    """Name, number of movements and sum."""
    missing: int
    """What the statements of the period do not tell: their gaps."""
    statements: tuple[StatementLine, ...]
    items: tuple[Item, ...]
    balance: position.BankBalance
    in_transit: int
    suspense: int

    @property
    def agrees(self) -> bool:
        """Whether the bank account in the books is what the statements say."""
        return self.balance.books == self.balance.statements


_STATEMENTS = """
    select s.id, s.kind, s.statement_id, s.account, s.sequence, s.last_day, s.opening, s.closing, s.booked, s.entries,
           (select count(*) from bank_entry e join bank_share h on h.entry_id = e.id
             where e.statement_id = s.id and h.state in ('open', 'refused', 'waiting')) as left_open,
           s.state, s.decision,
           (select coalesce(array_agg(r->>'sentence'), '{}') from jsonb_array_elements(s.remarks) r) as remarks,
           i.name, i.imported_by, i.imported_at
      from bank_statement s join bank_import i on i.id = s.import_id
"""
_SUMS = text("""
    select case when h.state in ('open', 'refused', 'waiting') then 'suspense'
                when h.nature in ('conflict', 'unmatched') or (h.nature = 'match' and not h.certain) then 'offset'
                else h.kind end as kind,
           count(*) as movements, sum(h.amount)::bigint as cents
      from bank_share h
      join bank_entry e on e.id = h.entry_id
     where e.told_by = 'camt.053' and h.state <> 'replaced' and e.booked_on between :first and :last
     group by 1
""")
_BALANCES = text("""
    select account_id, sum(amount)::bigint as cents from entry where account_id in (:transit, :suspense) group by 1
""")


def statements(conn: Connection, *, before: int | None = None, limit: int = 50) -> list[StatementLine]:
    """The statements and notifications that came in, the newest first."""
    wanted = text(_STATEMENTS + " where s.id < coalesce(:before, 2147483647) order by s.id desc limit :limit")
    return [_line(row) for row in conn.execute(wanted, {"before": before, "limit": limit})]


def period_sheet(conn: Connection, first_day: date, last_day: date) -> PeriodSheet:
    """The bank account from `first_day` to `last_day`."""
    days = {"first": first_day, "last": last_day}
    wanted = text(
        _STATEMENTS
        + """ where s.kind = 'camt.053' and s.state = 'taken' and s.last_day between :first and :last
              order by s.last_day, s.sequence nulls first, s.page nulls first, s.created_at, s.id"""
    )
    told = [_line(row) for row in conn.execute(wanted, days)]
    sums = {row.kind: (row.movements, row.cents) for row in conn.execute(_SUMS, days)}
    accounts = {line.account: line for line in reversed(told)}
    last = {line.account: line for line in told}
    opening = sum(line.opening or 0 for line in accounts.values())
    closing = sum(line.closing or 0 for line in last.values())
    balances: dict[int, int] = {
        row.account_id: row.cents for row in conn.execute(_BALANCES, {"transit": IN_TRANSIT, "suspense": SUSPENSE})
    }
    return PeriodSheet(
        first_day=first_day,
        last_day=last_day,
        opening=opening,
        closing=closing,
        categories=tuple((CATEGORIES[kind], *sums[kind]) for kind in CATEGORIES if kind in sums),
        missing=closing - opening - sum(line.booked for line in told),
        statements=tuple(told),
        items=tuple(open_items(conn)),
        balance=position.balance(conn),
        in_transit=balances.get(IN_TRANSIT, 0),
        suspense=balances.get(SUSPENSE, 0),
    )


def _line(row: Any) -> StatementLine:
    return StatementLine(
        id=row.id,
        kind=row.kind,
        statement_id=row.statement_id,
        account=row.account,
        sequence=row.sequence,
        last_day=row.last_day,
        opening=row.opening,
        closing=row.closing,
        booked=row.booked,
        entries=row.entries,
        left_open=row.left_open,
        state=row.state,
        remarks=tuple(row.remarks),
        decision=row.decision,
        file=row.name,
        imported_by=row.imported_by,
        imported_at=row.imported_at,
    )
