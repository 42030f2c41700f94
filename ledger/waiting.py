"""What waits for somebody at the Region, counted in one statement: cheap enough for a page that everybody opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from ledger.outbox import IN_TROUBLE

_WAITING = text(f"""
    select (select count(*) from partner where status = 'submitted') as applications,
           (select count(*) from partner_bank_account a join partner p on p.id = a.partner_id
             where a.accepted_at is null and a.ended_at is null and p.status in ('validated', 'suspended'))
               as bank_accounts,
           (select count(*) from payout_run where state = 'frozen') as to_approve,
           (select count(*) from payout_run r
             where r.state = 'frozen' and r.prepared_by <> 'person:' || cast(:person as text)
               and not exists (select from payout_approval a where a.run_id = r.id and a.person_id = :person))
               as to_approve_by_them,
           (select count(*) from payout_run where state = 'approved') as to_generate,
           (select count(*) from payout_run where state = 'generated') as to_transmit,
           (select count(*) from bank_share where state in ('open', 'refused', 'waiting'))
               + (select count(*) from bank_status_conflict where settled_at is null)
               + (select count(*) from bank_statement where state = 'quarantined') as unexplained,
           (select count(*) from mail_outbox where {IN_TROUBLE}) as mails,
           s.number as seal, s.sealed_at,
           exists (select from transfer where id > coalesce(s.last_id, 0)
                      and posted_at < now() - interval '1 hour') as seal_is_late
      from (values (1)) one(row) left join lateral (select * from seal order by number desc limit 1) s on true
""")  # noqa: S608 - a condition of ours


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much of each kind waits. A seal is late when transfers older than an hour bear none.

    `to_approve_by_them` leaves out the runs that the person who asks prepared or has approved.
    """

    applications: int
    bank_accounts: int
    to_approve: int
    to_approve_by_them: int
    to_generate: int
    to_transmit: int
    unexplained: int
    mails: int
    seal: int | None
    sealed_at: datetime | None
    seal_is_late: bool


def waiting(conn: Connection, person_id: int) -> Waiting:
    """What waits now, as a person asks for it."""
    return Waiting(*conn.execute(_WAITING, {"person": person_id}).one())
