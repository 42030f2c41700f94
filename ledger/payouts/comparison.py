"""A run beside the one before it: who is new, who left, whose amount moved. Amounts are in cents."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger.payouts.rules import Flag, Hold
from ledger.payouts.runs import PaymentState, Run


class Look(StrEnum):
    """Which payments of a run to look at, and in which order."""

    ALL = "all"
    FLAGGED = "flagged"
    NEW = "new"
    MOVED = "moved"
    """Those that the run before paid too, the largest change first."""
    CAME_BACK = "came_back"


@dataclass(frozen=True, slots=True)
class Compared:
    """One payment; `before` is what the run before paid to the same partner, None if nothing."""

    id: int
    line: int
    name: str
    partner_name: str
    uai: str
    iban: str
    amount: int
    before: int | None
    transfers: int
    state: PaymentState
    state_reason: str | None
    end_to_end_id: str | None
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """A run against the one before it, of which `reference`, payments and amount are; None and 0 if it is the first.

    `new` and `gone` count the partners that only this one, and only that one, paid.
    """

    reference: str | None
    payments: int
    amount: int
    new: int
    gone: int
    flagged: int
    came_back: int


@dataclass(frozen=True, slots=True)
class Share:
    """What of a run is in one state."""

    state: PaymentState
    payments: int
    amount: int


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What a run leaves out for one reason: how many partners, and how much."""

    reason: Hold
    partners: int
    amount: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a partner is owed and a run leaves out."""

    partner_id: int
    partner_name: str
    uai: str
    amount: int
    transfers: int
    reason: Hold


# Runs without a payment tell nothing, and a refused one did not happen.
_BEFORE = text("""
    select r.id, r.reference, r.payments, r.amount from payout_run r
     where (r.cutoff, r.id) < (:cutoff, :run) and r.state not in ('refused', 'empty')
     order by r.cutoff desc, r.id desc limit 1
""")

_COMPARED = """
    select p.id, p.line, p.name, s.name as partner_name, s.uai, p.iban, p.amount, b.amount as before, p.transfers,
           p.state, p.state_reason, p.end_to_end_id, p.flags
      from payout_payment p
      join partner s on s.id = p.partner_id
      left join payout_payment b on b.partner_id = p.partner_id and b.run_id = :before
     where p.run_id = :run
"""

_DIFFERENCES = text("""
    select count(m.id) filter (where t.id is null) as new, count(t.id) filter (where m.id is null) as gone,
           count(m.id) filter (where m.flags <> '{}') as flagged,
           count(m.id) filter (where m.state in ('rejected', 'returned')) as came_back
      from (select * from payout_payment where run_id = :run) m
      full join (select * from payout_payment where run_id = :before) t on t.partner_id = m.partner_id
""")

_LOOKS = {
    Look.ALL: ("true", "p.line"),
    Look.FLAGGED: ("p.flags <> '{}'", "p.line"),
    Look.NEW: ("b.id is null", "p.line"),
    Look.MOVED: ("b.amount <> p.amount", "abs(p.amount - b.amount) desc, p.line"),
    Look.CAME_BACK: ("p.state in ('rejected', 'returned')", "p.line"),
}

_MATCHES = """
    (position(lower(:search) in lower(p.name || ' ' || s.name || ' ' || s.town || ' ' || s.uai || ' ' || s.siret)) > 0
     or position(upper(replace(:search, ' ', '')) in p.iban || ' ' || coalesce(p.end_to_end_id, '')) > 0)
"""


def payments(
    conn: Connection, run: Run, look: Look = Look.ALL, *, search: str = "", skip: int = 0, limit: int = 50
) -> list[Compared]:
    """Payments of a run as `look` asks, whose payee, partner, account or reference holds the text `search`."""
    which, order = _LOOKS[look]
    wanted = text(_COMPARED + f" and {which} and {_MATCHES} order by {order} limit :n offset :skip")
    before = _before(conn, run)
    asked = {"run": run.id, "before": before.id if before else None, "search": search, "skip": skip, "n": limit}
    rows = conn.execute(wanted, asked)
    return [Compared(**row._asdict() | {"flags": tuple(map(Flag, row.flags))}) for row in rows]


def differences(conn: Connection, run: Run) -> Differences:
    """The run against the one before it."""
    before = _before(conn, run)
    row = conn.execute(_DIFFERENCES, {"run": run.id, "before": before.id if before else None}).one()
    return Differences(*(before[1:] if before else (None, 0, 0)), *row)


def _before(conn: Connection, run: Run) -> Row[Any] | None:
    return conn.execute(_BEFORE, {"run": run.id, "cutoff": run.cutoff}).one_or_none()


def by_state(conn: Connection, run_id: int) -> list[Share]:
    """How a run stands at the bank: its payments by their state."""
    rows = conn.execute(
        text("""
            select state, count(*), sum(amount)::bigint from payout_payment where run_id = :run
             group by state order by state
        """),
        {"run": run_id},
    )
    return [Share(*row) for row in rows]


def held_by_reason(conn: Connection, run_id: int) -> list[HeldBack]:
    """What a run leaves out, by reason."""
    rows = conn.execute(
        text("""
            select reason, count(*), sum(amount)::bigint from payout_held where run_id = :run
             group by reason order by reason
        """),
        {"run": run_id},
    )
    return [HeldBack(Hold(reason), partners, amount) for reason, partners, amount in rows]


def held(conn: Connection, run_id: int, *, skip: int = 0, limit: int = 100) -> list[Held]:
    """What a run leaves out, the largest amounts first."""
    rows = conn.execute(
        text("""
            select h.partner_id, s.name as partner_name, s.uai, h.amount, h.transfers, h.reason
              from payout_held h join partner s on s.id = h.partner_id
             where h.run_id = :run order by h.amount desc, h.partner_id limit :n offset :skip
        """),
        {"run": run_id, "n": limit, "skip": skip},
    )
    return [Held(**row._asdict() | {"reason": Hold(row.reason)}) for row in rows]
