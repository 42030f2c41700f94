"""Proving, from the transfers alone, that nothing is paid twice and nothing is forgotten.

These look at every transfer of every partner, so they are for `atouts books check` and for tests, not for a run.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Unbalanced:
    """A partner for whom what the books owe is not what runs have yet to pay. Amounts in cents."""

    partner_id: int
    owed: int
    """Balance of its account."""
    planned: int
    """In runs that are frozen or approved: still on the account, already claimed."""
    open: int
    """In no run."""


_UNBALANCED = text("""
    with owed as (
        select a.owner_id as partner_id, coalesce(sum(e.amount), 0)::bigint as owed
          from account a left join entry e on e.account_id = a.id
         where a.id between 2000000000000 and 2999999999999 group by a.owner_id
    ), planned as (
        select partner_id, sum(amount)::bigint as planned
          from payout_payment where state = 'planned' group by partner_id
    ), open as (
        select p.id as partner_id, sum(o.amount)::bigint as open
          from partner p, open_transfers(p.id, 0, 9223372036854775807) o group by p.id
    )
    select o.partner_id, o.owed, coalesce(p.planned, 0), coalesce(x.open, 0)
      from owed o left join planned p using (partner_id) left join open x using (partner_id)
     where o.owed <> coalesce(p.planned, 0) + coalesce(x.open, 0)
     order by o.partner_id
""")

_HIDDEN = text("""
    select h.partner_id, o.transfer_id from payout_horizon h, open_transfers(h.partner_id, 0, h.through) o
     order by h.partner_id, o.transfer_id
""")


def unbalanced(conn: Connection) -> list[Unbalanced]:
    """The partners whose account is not what runs have yet to pay; none, if all is well."""
    return [Unbalanced(*row) for row in conn.execute(_UNBALANCED)]


def hidden(conn: Connection) -> list[tuple[int, int]]:
    """Partner and number of each transfer in no run and below where runs begin to look; none, if all is well."""
    return [(row.partner_id, row.transfer_id) for row in conn.execute(_HIDDEN)]
