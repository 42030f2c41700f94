"""Freezing: from the transfers that are owed to the content of a run, in one transaction.

The set of transfers cannot change while it is looked at: none can appear at or below the number up to which the books
are settled, and a lock lets one freeze or refusal happen at a time. Sales go on meanwhile; they are neither locked nor
waited for longer than their own transaction takes. Partners are taken in batches, so memory stays flat however many
there are.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import chain, count
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger import audit
from ledger.calendar import week_of
from ledger.payouts.content import ContentHash, FrozenHead, FrozenHeld, FrozenPayment, entries
from ledger.payouts.rules import Account, Due, History, Hold, Terms, flags, hold, run_flags
from ledger.settled import settled_through

_BATCH = 2000

LOCK_LINES = text("select pg_advisory_xact_lock(hashtext('atouts payout lines'))")
"""Taken by whoever claims or frees transfers, until its transaction ends."""

UNHURRIED = text("""
    select set_config(name, value, true)
      from (values ('statement_timeout', '0'), ('lock_timeout', '0'), ('jit', 'off')) as wanted(name, value)
""")
"""A run of the whole Region may take longer than a page of the portal."""

# Half a million lines may come to a table that was empty when the statement was planned: row by row, by the indexes.
_BY_THE_INDEXES = text("""
    select set_config(name, 'off', true)
      from (values ('enable_seqscan'), ('enable_hashjoin'), ('enable_mergejoin')) as avoided(name)
""")

_LIVE_WEEK = text("select id from payout_run where weekly and cutoff = :cutoff and state <> 'refused'")
_NAMES_TAKEN = text("select reference from payout_run where reference like :week || '%'")
_LATEST_SEAL = text("select max(number) from seal")

_INSERT_RUN = text("""
    insert into payout_run (reference, weekly, cutoff, settled_through, payer, bank_profile, amount_limit,
                            advance_ceiling, seal_number, prepared_by)
    values (:reference, :weekly, :cutoff, :settled_through, cast(:payer as jsonb), cast(:bank_profile as jsonb),
            :amount_limit, :advance_ceiling, :seal_number, :prepared_by)
    returning id
""")

_DUE = text("""
    with owed as materialized (
        select p.id as partner_id, count(*) filter (where o.posted_at < :cutoff) as transfers,
               coalesce(sum(o.amount) filter (where o.posted_at < :cutoff), 0)::bigint as amount,
               encode(sha256(convert_to(string_agg(o.transfer_id || ':' || o.amount, ',' order by o.transfer_id)
                                        filter (where o.posted_at < :cutoff), 'UTF8')), 'hex') as transfers_digest,
               min(o.transfer_id) as first_open,
               min(o.transfer_id) filter (where o.posted_at >= :cutoff) as first_later
          from partner p
          left join payout_horizon h on h.partner_id = p.id,
               open_transfers(p.id, coalesce(h.through, 0), :settled) o
         group by p.id
    ), sent_back as (
        select f.partner_id, max(f.reissue) + 1 as times
          from transfer t, lateral (select partner_id, reissue from payout_payment where id = t.document offset 0) f
         where t.kind = 'payout_reopened' and t.posted_at < :cutoff and t.id <= :settled
           and not exists (select from payout_line l where l.transfer_id = t.id and l.live offset 0)
         group by f.partner_id
    )
    select o.*, left(p.siret, 9) as siren, p.status::text as status, coalesce(s.times, 0) as reissue,
           a.id as account_id, a.holder, a.iban, a.bic, coalesce(a.usable_from, a.accepted_at) as usable_from,
           exists (select from bank_account_block b where b.account_id = a.id and b.lifted_at is null) as blocked,
           exists (select from partner_bank_account x
                    where x.iban = a.iban and x.partner_id <> p.id
                      and x.accepted_at is not null and x.ended_at is null) as shared,
           (select c.result from bank_account_check c
             where c.account_id = a.id order by c.id desc limit 1) as payee_check,
           latest.iban as last_iban, usual.median, coalesce(near.amount, 0)::bigint as recent
      from owed o
      join partner p on p.id = o.partner_id
      left join sent_back s on s.partner_id = p.id
      left join partner_bank_account a on a.partner_id = p.id and a.accepted_at is not null and a.ended_at is null
      left join lateral (select f.iban from payout_payment f
                          where f.partner_id = p.id and f.state in ('issued', 'booked')
                          order by f.id desc limit 1) latest on true
      left join lateral (select percentile_disc(0.5) within group (order by f.amount) as median
                           from (select amount from payout_payment
                                  where partner_id = p.id and state in ('issued', 'booked')
                                  order by id desc limit 12) f
                         having count(*) >= 3) usual on true
      left join lateral (select sum(f.amount) as amount
                           from payout_payment f
                          where f.partner_id = p.id and f.state in ('planned', 'issued', 'booked')
                            and exists (select from payout_run r where r.id = f.run_id and r.cutoff > :week_before
                                                                   and r.cutoff <= :cutoff offset 0)) near on true
     order by o.partner_id
""")

_INSERT_PAYMENTS = text("""
    insert into payout_payment (run_id, line, partner_id, bank_account_id, name, iban, bic, siren, amount, transfers,
                                transfers_digest, reissue, flags)
    select :run, r.* from json_to_recordset(cast(:rows as json))
        as r(line integer, partner_id integer, bank_account_id integer, name text, iban text, bic text, siren text,
             amount bigint, transfers integer, transfers_digest text, reissue smallint, flags text[])
""")

_INSERT_LINES = text("""
    insert into payout_line (payment_id, transfer_id, amount)
    select f.id, o.transfer_id, o.amount
      from payout_payment f
      left join payout_horizon h on h.partner_id = f.partner_id,
           open_transfers(f.partner_id, coalesce(h.through, 0), :settled) o
     where f.run_id = :run and f.line between :first and :last and o.posted_at < :cutoff
""")

_INSERT_HELD = text("""
    insert into payout_held (run_id, partner_id, amount, transfers, reason)
    select :run, r.* from json_to_recordset(cast(:rows as json))
        as r(partner_id integer, amount bigint, transfers integer, reason text)
""")

_RAISE_HORIZON = text("""
    insert into payout_horizon (partner_id, through)
    select r.* from json_to_recordset(cast(:rows as json)) as r(partner_id integer, through bigint)
    on conflict (partner_id) do update set through = excluded.through
""")

_CLOSE = text("""
    update payout_run set payments = :payments, amount = :amount, carried = :carried, held = :held, owed = :owed,
                          flags = :flags, content_hash = :content_hash
     where id = :run
""")

STEP = text("""
    insert into payout_step (run_id, state, actor, reason)
    values (:run, cast(:state as payout_state), :actor, :reason)
""")
"""Moves a run to its next state, if it may go there."""


class NotYet(ValueError):
    """The cut-off lies ahead."""


@dataclass(slots=True)
class _Totals:
    payments: int = 0
    amount: int = 0
    carried: int = 0
    held: int = 0
    owed: int = 0


def freeze(
    conn: Connection, *, cutoff: datetime, terms: Terms, actor: str, weekly: bool = True, patience: float = 20
) -> int:
    """Freeze all that is owed to partners before `cutoff` and in no run, and return the number of the run.

    A week that has a run already, refused ones aside, keeps it: its number is returned and nothing is done. With
    `weekly=False` the run is one out of turn. Needs a read committed transaction of its own; waits up to `patience`
    seconds for postings under way. Raises `StillPosting`, and `NotYet` when the cut-off lies ahead.
    """
    conn.execute(UNHURRIED)
    conn.execute(LOCK_LINES)
    if weekly and (there := conn.execute(_LIVE_WEEK, {"cutoff": cutoff}).scalar_one_or_none()) is not None:
        return int(there)
    if cutoff > conn.execute(text("select now()")).scalar_one():
        raise NotYet("La semaine n’est pas encore close." if weekly else "L’instant de la clôture est encore à venir.")
    head = FrozenHead(
        reference=_reference(conn, cutoff, weekly),
        weekly=weekly,
        cutoff=cutoff,
        settled_through=settled_through(conn, patience),
        payer=asdict(terms.payer),
        bank_profile=dict(terms.bank_profile),
        amount_limit=terms.run_limit,
        advance_ceiling=terms.advance_ceiling,
        seal_number=conn.execute(_LATEST_SEAL).scalar_one(),
        prepared_by=actor,
    )
    values = asdict(head) | {"payer": json.dumps(head.payer), "bank_profile": json.dumps(head.bank_profile)}
    run_id = int(conn.execute(_INSERT_RUN, values).scalar_one())
    _Freeze(conn, run_id, head, terms).content()
    return run_id


def _reference(conn: Connection, cutoff: datetime, weekly: bool) -> str:
    """'2026-W36', then '2026-W36-2' where that one was refused; '2026-W36-X1' for a run out of turn."""
    week = week_of(cutoff - timedelta(microseconds=1)).name
    taken = set(conn.execute(_NAMES_TAKEN, {"week": week}).scalars())
    names = chain([week], (f"{week}-{n}" for n in count(2))) if weekly else (f"{week}-X{n}" for n in count(1))
    return next(name for name in names if name not in taken)


class _Freeze:
    """One run on its way from the books into its tables."""

    def __init__(self, conn: Connection, run_id: int, head: FrozenHead, terms: Terms) -> None:
        self.conn = conn
        self.run_id = run_id
        self.head = head
        self.terms = terms
        self.hash = ContentHash(head)
        self.totals = _Totals()
        self.now: datetime = conn.execute(text("select now()")).scalar_one()

    def content(self) -> None:
        """Write payments, held amounts and lines, then close the run over them."""
        asked = {
            "cutoff": self.head.cutoff,
            "settled": self.head.settled_through,
            "week_before": self.head.cutoff - timedelta(days=7),
        }
        self.conn.execute(_BY_THE_INDEXES)
        # A cursor on the server: one batch of partners in memory at a time.
        with self.conn.execute(_DUE, asked, execution_options={"stream_results": True}) as found:
            for rows in found.partitions(_BATCH):
                self.batch(rows)
        totals = self.totals
        told = run_flags(totals.payments, totals.amount, self.terms)
        values = asdict(totals) | {"run": self.run_id, "flags": list(told), "content_hash": self.hash.digest()}
        self.conn.execute(_CLOSE, values)
        state = "frozen" if totals.payments else "empty"
        self.conn.execute(STEP, {"run": self.run_id, "state": state, "actor": self.head.prepared_by, "reason": None})
        audit.record(
            self.conn,
            actor=self.head.prepared_by,
            action=f"payout.{state}",
            subject=f"payout_run:{self.head.reference}",
            details=asdict(totals) | {"content_hash": self.hash.digest().hex()},
        )

    def batch(self, rows: Any) -> None:
        """Decide about some partners, and claim what is paid."""
        payments: list[FrozenPayment] = []
        held: list[FrozenHeld] = []
        horizons = []
        for row in rows:
            first_left = row.first_open
            if row.transfers:
                part = self.decide(_due(row))
                self.hash.add(part)
                if isinstance(part, FrozenPayment):
                    payments.append(part)
                    first_left = row.first_later
                else:
                    held.append(part)
            through = self.head.settled_through if first_left is None else first_left - 1
            horizons.append({"partner_id": row.partner_id, "through": through})
        run = {"run": self.run_id}
        if payments:
            self.conn.execute(_INSERT_PAYMENTS, run | {"rows": json.dumps([entries(one) for one in payments])})
            claimed = {
                "settled": self.head.settled_through,
                "cutoff": self.head.cutoff,
                "first": payments[0].line,
                "last": payments[-1].line,
            }
            self.conn.execute(_INSERT_LINES, run | claimed)
        if held:
            self.conn.execute(_INSERT_HELD, run | {"rows": json.dumps([entries(one) for one in held])})
        self.conn.execute(_RAISE_HORIZON, {"rows": json.dumps(horizons)})

    def decide(self, due: Due) -> FrozenPayment | FrozenHeld:
        """What becomes of one partner's amount."""
        totals = self.totals
        totals.owed += due.amount
        reason = hold(due, self.terms, self.now)
        account = due.account
        if reason is None and account is not None:
            totals.payments += 1
            totals.amount += due.amount
            return FrozenPayment(
                line=totals.payments,
                partner_id=due.partner_id,
                bank_account_id=account.id,
                name=account.holder,
                iban=account.iban,
                bic=account.bic,
                siren=due.siren,
                amount=due.amount,
                transfers=due.transfers,
                transfers_digest=due.transfers_digest,
                reissue=due.reissue,
                flags=flags(due, account, self.terms),
            )
        reason = reason or Hold.NO_BANK_ACCOUNT
        if reason.carried:
            totals.carried += due.amount
        else:
            totals.held += due.amount
        return FrozenHeld(partner_id=due.partner_id, amount=due.amount, transfers=due.transfers, reason=reason)


def _due(row: Row[Any]) -> Due:
    account = None
    if row.account_id is not None:
        account = Account(
            id=row.account_id,
            holder=row.holder,
            iban=row.iban,
            bic=row.bic,
            usable_from=row.usable_from,
            blocked=row.blocked,
            shared=row.shared,
            check=row.payee_check,
        )
    return Due(
        partner_id=row.partner_id,
        siren=row.siren,
        status=row.status,
        amount=row.amount,
        transfers=row.transfers,
        transfers_digest=row.transfers_digest,
        reissue=row.reissue,
        account=account,
        history=History(row.last_iban, row.median, row.recent),
    )
