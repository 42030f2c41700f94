"""Entries on their way into the books: kept as told, divided into shares, posted, and made known to their payments."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from ledger import transfers
from ledger.bank_messages import Direction, Entry, MessageKind, Reason
from ledger.explanations import explain, learn, share_moves
from ledger.payouts import outcomes
from ledger.reconciliation.effects import counters, from_bank, from_suspense, owe_again
from ledger.reconciliation.expectations import Known
from ledger.reconciliation.notices import Tell
from ledger.reconciliation.stored import as_json
from ledger.return_reasons import iso_code
from ledger.shares import Conflict, Match, MatchKind, Share
from ledger.transfers import Transfer

_AT_ONCE = 500

_NUMBERS = text("select nextval('bank_document') from generate_series(1, :count)")
_ENTRIES = text("""
    insert into bank_entry (id, statement_id, number, told_by, name, servicer_ref, amount, booked_on, content)
    select r.id, r.statement, r.number, r.told_by, r.name, r.servicer_ref, r.amount, r.booked_on, r.content::jsonb
      from json_to_recordset(cast(:rows as json))
        as r(id bigint, statement integer, number integer, told_by text, name text, servicer_ref text, amount bigint,
             booked_on date, content text)
""")
_DETAILS = text("""
    insert into bank_detail (entry_id, number, content)
    select r.entry, r.number, r.content::jsonb
      from json_to_recordset(cast(:rows as json)) as r(entry bigint, number integer, content text)
""")
_SHARES = text("""
    insert into bank_share (id, entry_id, detail, amount, nature, kind, certain, keys, reason, return_code, charges,
                            state, decided_by, decided_at, decision)
    select r.id, r.entry, r.detail, r.amount, r.nature, r.kind, r.certain, r.keys, r.reason, r.return_code, r.charges,
           r.state, r.decided_by, case when r.decided_by is not null then now() end, r.decision
      from json_to_recordset(cast(:rows as json))
        as r(id bigint, entry bigint, detail integer, amount bigint, nature text, kind text, certain boolean,
             keys text[], reason text, return_code text, charges bigint, state text, decided_by text, decision text)
""")
_SHARE_PAYMENTS = text("""
    insert into bank_share_payment (share_id, payment_id, amount)
    select r.share, r.payment, r.amount
      from json_to_recordset(cast(:rows as json)) as r(share bigint, payment bigint, amount bigint)
""")
_TOLD = """
    insert into bank_told (payment_id, direction, told_by, share_id, "references")
    select r.payment, r.direction, r.told_by, r.share, r."references"
      from json_to_recordset(cast(:rows as json))
        as r(payment bigint, direction text, told_by text, share bigint, "references" text[])
"""
_TOLD_ONCE = text(_TOLD)
"""A second debit or return of one payment by a statement is refused by the database."""
_TOLD_AGAIN = text(_TOLD + " on conflict do nothing")
_WRITTEN = {
    "entry": _ENTRIES,
    "detail": _DETAILS,
    "share": _SHARES,
    "share_payment": _SHARE_PAYMENTS,
    "told_once": _TOLD_ONCE,
    "told_again": _TOLD_AGAIN,
}
"""How each kind of row is written, many at a time, after those that it refers to."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person says an amount on the bank's statement is."""

    signed_cents: int
    kind: str
    decision: str
    decided_by: str


@dataclass(slots=True)
class Writer:
    """Collects what entries do and writes it in large steps. `flush` at the end.

    A share of a statement posts from the bank account; with `in_suspense` its amount is there already, and moves on.
    """

    conn: Connection
    known: Known
    tell: Tell
    actor: str
    _numbers: list[int] = field(default_factory=list)
    _rows: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    _transfers: list[Transfer] = field(default_factory=list)
    _booked: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _returned: list[tuple[int, tuple[Reason, ...]]] = field(default_factory=list)
    _waiting: int = 0

    def number(self) -> int:
        """The next number of an entry or share."""
        if not self._numbers:
            self._numbers = list(self.conn.execute(_NUMBERS, {"count": _AT_ONCE}).scalars())[::-1]
        return self._numbers.pop()

    def take(
        self,
        statement_id: int,
        entry: Entry,
        told_by: MessageKind,
        name: str,
        *,
        last_day: date | None,
        told: Entry | None = None,
    ) -> bool:
        """Put an entry into the books; whether a share of it stays open.

        An entry without a day of its own, which ISO 20022 allows, was booked by the `last_day` of its statement. `told`
        is the same entry as it is explained, where another message says more about it.
        """
        day = entry.booking_date or entry.value_date or last_day
        shares = explain(told or entry, told_by, self.known.expected) if entry.booked else ()
        learn(shares, told_by, self.known.expected)
        number = self.number()
        self._rows["entry"].append(
            {
                "id": number,
                "statement": statement_id,
                "number": entry.number,
                "told_by": told_by,
                "name": name,
                "servicer_ref": entry.account_servicer_ref,
                "amount": entry.signed_cents,
                "booked_on": day,
                "content": as_json(entry),
            }
        )
        for detail in entry.details:
            self._rows["detail"].append({"entry": number, "number": detail.number, "content": as_json(detail)})
        still_open = self.divide(number, shares, told_by, day, in_suspense=False)
        if self._waiting >= _AT_ONCE:
            self.flush()
        return still_open

    def divide(
        self,
        entry_id: int,
        shares: Sequence[Share],
        told_by: MessageKind,
        day: date | None,
        *,
        in_suspense: bool,
        decided_by: str | None = None,
        decision: str | None = None,
    ) -> bool:
        """Record the shares of an entry with all that follows from them; whether one of them stays open."""
        moves_money = told_by is MessageKind.STATEMENT
        still_open = False
        for share in shares:
            number = self.number()
            settled = isinstance(share, Match) and share.certain
            state = "noted" if not moves_money else "settled" if settled else "open"
            still_open |= state == "open"
            self._rows["share"].append(_share_row(number, entry_id, share, state, decided_by, decision))
            self._note_payments(number, share, told_by)
            if moves_money:
                if day is None:
                    raise ValueError(f"entry {entry_id} has no day, and its statement none either")
                move = from_suspense if in_suspense else from_bank
                self._transfers += move(number, counters(share), day)
            self._waiting += 1
        return still_open

    def settle(self, entry_id: int, detail: int | None, decided: Decided, account: int, day: date) -> None:
        """Record a share of an entry that a person explains; its amount moves from suspense to `account`."""
        number = self.number()
        self._rows["share"].append(
            {
                "id": number,
                "entry": entry_id,
                "detail": detail,
                "amount": decided.signed_cents,
                "nature": "decision",
                "kind": decided.kind,
                "certain": True,
                "keys": [],
                "reason": decided.decision,
                "return_code": None,
                "charges": 0,
                "state": "settled",
                "decided_by": decided.decided_by,
                "decision": decided.decision,
            }
        )
        self._transfers += from_suspense(number, [(account, decided.signed_cents)], day)

    def _note_payments(self, number: int, share: Share, told_by: MessageKind) -> None:
        """Which payments a share speaks of, and what it tells of them."""
        if not isinstance(share, Match | Conflict):
            return
        direction = Direction.CREDIT if share.signed_cents > 0 else Direction.DEBIT
        certain = isinstance(share, Match) and share.certain
        for payment in share.payments:
            payment_id = self.known.id_of(payment)
            single = len(share.payments) == 1
            amount = share.signed_cents if single else direction.signed(payment.cents)
            self._rows["share_payment"].append({"share": number, "payment": payment_id, "amount": amount})
            if share_moves(share):
                strict = certain and told_by is MessageKind.STATEMENT
                references = sorted(share.bank_references) if isinstance(share, Match) else []
                self._rows["told_once" if strict else "told_again"].append(
                    {
                        "payment": payment_id,
                        "direction": direction,
                        "told_by": told_by,
                        "share": number,
                        "references": references,
                    }
                )
            if isinstance(share, Match) and certain:
                self._follow(share, payment_id, told_by)

    def _follow(self, match: Match, payment_id: int, told_by: MessageKind) -> None:
        if match.kind is MatchKind.RETURNED and not match.told_before:
            self._returned.append((payment_id, match.reasons))
        elif match.kind is MatchKind.DEBITED and told_by is MessageKind.STATEMENT:
            self._booked[self.known.run_ids[payment_id]].append(payment_id)

    def flush(self) -> None:
        """Write all that is collected."""
        conn = self.conn
        for name, statement in _WRITTEN.items():
            if self._rows[name]:
                conn.execute(statement, {"rows": json_rows(self._rows[name])})
        transfers.post(conn, self._transfers)
        for run_id, payment_ids in self._booked.items():
            outcomes.book(conn, run_id, payment_ids)
        for payment_id, reasons in self._returned:
            owe_again(conn, payment_id, "returned", reasons, tell=self.tell, actor=self.actor)
        for collected in (self._rows, self._transfers, self._booked, self._returned):
            collected.clear()
        self._waiting = 0


def json_rows(rows: Iterable[dict[str, Any]]) -> str:
    """Rows as `json_to_recordset` reads them."""
    return json.dumps(list(rows), ensure_ascii=False, default=date.isoformat)


def _share_row(
    number: int, entry_id: int, share: Share, state: str, decided_by: str | None, decision: str | None
) -> dict[str, Any]:
    match = share if isinstance(share, Match) else None
    reasons = share.reasons if isinstance(share, Match | Conflict) else ()
    nature = "match" if match else "conflict" if isinstance(share, Conflict) else "unmatched"
    return {
        "id": number,
        "entry": entry_id,
        "detail": share.detail,
        "amount": share.signed_cents,
        "nature": nature,
        "kind": share.kind.value,  # type: ignore[attr-defined]
        "certain": bool(match and match.certain),
        "keys": list(share.keys) if isinstance(share, Match | Conflict) else [],
        "reason": share.reason,
        "return_code": iso_code(reasons),
        "charges": match.charges_cents if match else 0,
        "state": state,
        "decided_by": decided_by,
        "decision": decision,
    }
