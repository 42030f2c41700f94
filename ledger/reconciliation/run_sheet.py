"""A run as ledger, file and bank tell it, side by side: each payment, and a name for each difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from ledger.payouts import runs
from ledger.payouts.runs import Run
from ledger.reconciliation.items import Item, open_items


class Why(StrEnum):
    """Why the bank's amount is not the ledger's. The value is what people read."""

    AGREES = "concordant"
    REJECTED = "rejeté par la banque"
    RETURNED = "retourné par la banque"
    RETURNED_BEFORE_DEBIT = "retourné, débit attendu"
    ANNOUNCED = "débit annoncé, pas encore au relevé"
    AWAITED = "débit attendu"
    IN_CONFLICT = "en litige avec la banque"
    NOT_IN_FILE = "absent du fichier, ou pour un autre montant"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One payment, in cents: what the ledger paid, what the file says, what the bank took and gave back in the end."""

    payment_id: int
    end_to_end_id: str
    partner_name: str
    ledger: int
    file: int | None
    debited: int
    returned: int
    state: str
    code: str | None
    owed_again: bool
    why: Why
    replaced_by: str | None = None

    @property
    def bank(self) -> int:
        """What the bank kept of it for the partner."""
        return self.debited - self.returned

    @property
    def difference(self) -> int:
        """Ledger less bank."""
        return self.ledger - self.bank

    @property
    def unsettled(self) -> int:
        """What is still in transit: neither with the partner, nor owed again."""
        return self.ledger * (not self.owed_again) - self.bank


@dataclass(frozen=True, slots=True)
class Closing:
    """A person's word that a run is reconciled, with the cents and the reason of what was not nil."""

    closed_by: str
    closed_at: datetime
    difference: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class RunSheet:
    """The sheet of a run. All amounts in cents."""

    run: Run
    rows: tuple[SheetRow, ...]
    items: tuple[Item, ...]
    closing: Closing | None
    charges: int
    """What banks kept of returns."""

    @property
    def ledger(self) -> int:
        """What the books paid."""
        return sum(row.ledger for row in self.rows)

    @property
    def file(self) -> int | None:
        """What the file says, None where it was not read."""
        amounts = [row.file for row in self.rows if row.file is not None]
        return sum(amounts) if amounts else None

    @property
    def bank(self) -> int:
        """What left our account for good."""
        return sum(row.bank for row in self.rows)

    @property
    def differences(self) -> dict[Why, tuple[int, int]]:
        """Number of payments and cents by the name of their difference; these add up to ledger less bank."""
        counts: Counter[Why] = Counter()
        cents: Counter[Why] = Counter()
        for row in self.rows:
            if row.why is not Why.AGREES:
                counts[row.why] += 1
                cents[row.why] += row.difference
        return {why: (counts[why], cents[why]) for why in Why if counts[why]}

    @property
    def unsettled(self) -> int:
        """What is still in transit or in suspense: nil when the run can be closed."""
        suspense = sum(abs(item.amount or 0) for item in self.items)
        return sum(abs(row.unsettled) for row in self.rows) + suspense

    @property
    def agrees(self) -> bool:
        """Whether nothing is left to explain."""
        return self.unsettled == 0 and not self.items


_ROWS = text("""
    with moved as (
        select x.payment_id,
               -coalesce(sum(x.amount) filter (where s.applied and x.amount < 0), 0)::bigint as debited,
               coalesce(sum(x.amount + s.charges) filter (where s.applied and x.amount > 0), 0)::bigint as returned,
               coalesce(sum(s.charges) filter (where s.applied), 0)::bigint as charges,
               bool_or(s.nature = 'conflict' and s.state in ('open', 'refused', 'waiting')) as in_conflict
          from bank_share_payment x
          join (select *, state = 'settled' and nature = 'match' and certain as applied from bank_share) s
            on s.id = x.share_id
          join payout_payment p on p.id = x.payment_id
         where p.run_id = :run and s.state <> 'replaced'
         group by x.payment_id
    ), reopened as (
        select t.document as payment_id, n.end_to_end_id as replaced_by
          from transfer t
          left join payout_line l on l.transfer_id = t.id and l.live
          left join payout_payment n on n.id = l.payment_id
         where t.kind = 'payout_reopened'
           and t.document in (select id from payout_payment where run_id = :run)
    )
    select p.id, coalesce(p.end_to_end_id, '') as end_to_end_id, p.name, p.state, p.state_reason,
           coalesce(t.amount, 0) as ledger, coalesce(m.debited, 0) as debited, coalesce(m.returned, 0) as returned,
           coalesce(m.charges, 0) as charges, coalesce(m.in_conflict, false) as in_conflict,
           o.payment_id is not null as owed_again, o.replaced_by,
           exists (select from bank_told b where b.payment_id = p.id and b.direction = 'DBIT') as debit_told
      from payout_payment p
      left join transfer t on t.kind = 'payout' and t.document = p.id and t.line = 1
      left join moved m on m.payment_id = p.id
      left join reopened o on o.payment_id = p.id
     where p.run_id = :run
     order by p.line
""")
_CLOSING = text("""
    select closed_by, closed_at, difference, reason from bank_closing where run_id = :run order by id desc limit 1
""")


def run_sheet(conn: Connection, run_id: int, in_file: Mapping[str, int] | None = None) -> RunSheet:
    """The sheet of a run; `in_file` holds the cents of each payment as its stored file says, by end-to-end id."""
    run = runs.get(conn, run_id)
    rows, charges = [], 0
    for row in conn.execute(_ROWS, {"run": run_id}):
        charges += row.charges
        told = None if in_file is None else in_file.get(row.end_to_end_id, 0)
        rows.append(
            SheetRow(
                payment_id=row.id,
                end_to_end_id=row.end_to_end_id,
                partner_name=row.name,
                ledger=row.ledger,
                file=told,
                debited=row.debited,
                returned=row.returned,
                state=row.state,
                code=row.state_reason,
                owed_again=row.owed_again,
                replaced_by=row.replaced_by,
                why=_why(row.state, row.ledger, told, row.debited, row.returned, row.in_conflict, row.debit_told),
            )
        )
    closing = conn.execute(_CLOSING, {"run": run_id}).one_or_none() if run.state == "reconciled" else None
    items = tuple(open_items(conn, run=run.reference))
    return RunSheet(run, tuple(rows), items, Closing(*closing) if closing else None, charges)


def _why(
    state: str, ledger: int, in_file: int | None, debited: int, returned: int, in_conflict: bool, debit_told: bool
) -> Why:
    if in_file is not None and in_file != ledger:
        return Why.NOT_IN_FILE
    if in_conflict:
        return Why.IN_CONFLICT
    if state == "rejected":
        return Why.REJECTED
    if state == "returned":
        return Why.RETURNED if debited else Why.RETURNED_BEFORE_DEBIT
    if debited - returned == ledger:
        return Why.AGREES
    return Why.ANNOUNCED if debit_told else Why.AWAITED
