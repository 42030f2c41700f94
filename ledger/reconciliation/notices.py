"""Facts about payments that people are told of by mail, in the transaction that records them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from ledger.bank_messages import Reason
from ledger.return_reasons import FollowUp

_OFFICERS = text("""
    select distinct p.email from person p join role_grant g on g.person_id = p.id
     where p.status = 'active' and g.role = 'region_officer' order by p.email
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A payment was rejected, or came back. `amount` in cents; `what_to_do` says what follows from the reason."""

    outcome: Literal["rejected", "returned"]
    partner_id: int
    partner_name: str
    partner_email: str
    run: str
    end_to_end_id: str
    amount: int
    iban: str
    reasons: tuple[Reason, ...]
    what_to_do: FollowUp
    officers: tuple[str, ...]
    """Mail addresses of the Region's partner officers."""


Tell = Callable[[Connection, Notice], None]


def officers(conn: Connection) -> tuple[str, ...]:
    """Mail addresses of the partner officers who are active."""
    return tuple(conn.execute(_OFFICERS).scalars())
