"""Open entries looked at again, in the light of what has been told since.

What is settled of an entry stays; the rest of it is explained as an entry of its own. Conflicts of a payment that add
up to nothing close by themselves, since a bank that debits what it rejected usually credits it again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger.bank_messages import CURRENCY, Batch, Detail, Direction, Entry, MessageKind
from ledger.explanations import explain, learn
from ledger.reconciliation.entries import Writer
from ledger.reconciliation.offsets import settle_what_is_made_good
from ledger.reconciliation.stored import from_json
from ledger.shares import Conflict, Match, Share

_OPEN = text("""
    select s.id, s.entry_id, s.detail, s.amount, s.nature, s.kind, s.certain, e.content, e.booked_on, e.name,
           exists (select from bank_share o where o.entry_id = s.entry_id
                    and o.state not in ('open', 'waiting', 'replaced')) as partly_settled,
           exists (select from bank_detail d where d.entry_id = s.entry_id) as detailed,
           exists (select from bank_entry n where n.name = e.name and n.told_by = 'camt.054') as notified,
           (select coalesce(array_agg(p.payment_id order by p.payment_id), '{}')
              from bank_share_payment p where p.share_id = s.id) as payments
      from bank_share s join bank_entry e on e.id = s.entry_id
     where s.state in ('open', 'waiting')
     order by s.entry_id, s.detail nulls last, s.id
""")
_DETAILS = text("select content from bank_detail where entry_id = :entry order by number")
_SETTLED = text("""
    select s.id, p.payment_id from bank_share s left join bank_share_payment p on p.share_id = s.id
     where s.entry_id = :entry and s.state not in ('open', 'waiting', 'replaced')
""")
_NOTIFIED = text("""
    select e.id, e.content from bank_entry e
     where e.name = :name and e.told_by = 'camt.054' and e.servicer_ref is not null order by e.id desc limit 1
""")
_NOTIFIED_ONLY = text("""
    select n.name from bank_entry n
     where n.told_by = 'camt.054' and n.servicer_ref is not null
       and not exists (select from bank_entry s where s.name = n.name and s.told_by = 'camt.053')
""")
_REPLACE = text("update bank_share set state = 'replaced' where id = any(:ids)")


def retry_open(writer: Writer) -> int:
    """Explain what is open until nothing more comes of it; how many entries that moved."""
    moved = 0
    while True:
        while changed := _pass(writer):
            moved += changed
        # What is settled may leave only one thing that another movement can be.
        if not settle_what_is_made_good(writer.conn, writer.known):
            return moved


def _pass(writer: Writer) -> int:
    by_entry: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in writer.conn.execute(_OPEN):
        by_entry[row.entry_id].append(row)
    return sum(_again(writer, rows) for rows in by_entry.values())


def _again(writer: Writer, rows: list[Row[Any]]) -> bool:
    """Explain the open part of one entry again; whether it is divided otherwise now."""
    conn, known = writer.conn, writer.known
    shares = explain(_open_part(writer, rows), MessageKind.STATEMENT, known.expected)
    before = [(row.detail, row.amount, row.nature, row.kind, row.certain, tuple(row.payments)) for row in rows]
    after = [_signature(writer, share) for share in shares]
    if sorted(map(repr, before)) == sorted(map(repr, after)):
        return False
    learn(shares, MessageKind.STATEMENT, known.expected)
    conn.execute(_REPLACE, {"ids": [row.id for row in rows]})
    day: date = rows[0].booked_on
    writer.divide(rows[0].entry_id, shares, MessageKind.STATEMENT, day, in_suspense=True)
    writer.flush()
    return True


def _signature(writer: Writer, share: Share) -> tuple[Any, ...]:
    nature = "match" if isinstance(share, Match) else "conflict" if isinstance(share, Conflict) else "unmatched"
    payments = share.payments if isinstance(share, Match | Conflict) else ()
    ids = tuple(sorted(writer.known.id_of(payment) for payment in payments))
    certain = isinstance(share, Match) and share.certain
    return (share.detail, share.signed_cents, nature, share.kind.value, certain, ids)  # type: ignore[attr-defined]


def _open_part(writer: Writer, rows: list[Row[Any]]) -> Entry:
    """The entry, or if something of it is settled, what is left as an entry of its own."""
    conn, first = writer.conn, rows[0]
    entry = from_json(Entry, first.content)
    details = tuple(_details(conn, first.entry_id)) if first.detailed else ()
    if not first.partly_settled:
        entry = replace(entry, details=details)
        return enriched(conn, entry, first.name) if first.notified else entry
    settled = conn.execute(_SETTLED, {"entry": first.entry_id}).all()
    left = sum(row.amount for row in rows)
    signed = {row.detail: row.amount for row in rows if row.detail is not None}
    direction = Direction.CREDIT if left > 0 else Direction.DEBIT
    return replace(
        entry,
        cents=abs(left),
        direction=direction,
        charges=(),
        batches=entry.batches or _batch_of(writer, details, settled),
        details=tuple(_as_told(one, signed[one.number]) for one in details if one.number in signed),
    )


def notified_only(conn: Connection) -> set[str]:
    """The names of the movements that a notification has told and no statement yet."""
    return set(conn.execute(_NOTIFIED_ONLY).scalars())


def enriched(conn: Connection, entry: Entry, name: str) -> Entry:
    """The entry with the details of the notification that tells the same movement, where it has none of its own."""
    if entry.details or not entry.account_servicer_ref:
        return entry
    row = conn.execute(_NOTIFIED, {"name": name}).one_or_none()
    if row is None:
        return entry
    told = from_json(Entry, row.content)
    return replace(entry, details=tuple(_details(conn, row.id)), batches=entry.batches or told.batches)


def _details(conn: Connection, entry_id: int) -> list[Detail]:
    return [from_json(Detail, content) for content in conn.execute(_DETAILS, {"entry": entry_id}).scalars()]


def _as_told(detail: Detail, signed: int) -> Detail:
    direction = Direction.CREDIT if signed > 0 else Direction.DEBIT
    return replace(detail, cents=abs(signed), currency=CURRENCY, direction=direction)


def _batch_of(writer: Writer, details: tuple[Detail, ...], settled: Any) -> tuple[Batch, ...]:
    """The batch that the entry is about, by its details or by the payments that it is known to hold."""
    for detail in details:
        batch = Batch(
            message_id=detail.references.message_id, payment_information_id=detail.references.payment_information_id
        )
        if writer.known.expected.run(batch.payment_information_id, batch.message_id):
            return (batch,)
    runs = {writer.known.run_ids.get(row.payment_id) for row in settled if row.payment_id is not None}
    if len(runs) != 1:
        return ()
    (run_id,) = runs
    message = next(
        (
            payment.message_id
            for key, number in writer.known.payment_ids.items()
            if writer.known.run_ids[number] == run_id and (payment := writer.known.expected.payment(key))
        ),
        None,
    )
    return (Batch(message_id=message),) if message else ()
