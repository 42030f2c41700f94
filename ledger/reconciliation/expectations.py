"""The payments that the bank may speak of, with what it told of each so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from ledger.bank_messages import MessageKind
from ledger.expected import Expected, ExpectedPayment

_RUNS = text("""
    select f.run_id from payout_file f
     where f.created_at > now() - interval '1 year'
        or exists (select from payout_payment p where p.run_id = f.run_id and p.state = 'issued')
        or f.message_id = any(:named)
     order by f.run_id
""")
_PAYMENTS = text("""
    with told as (
        select payment_id, min(told_by) filter (where direction = 'DBIT') as debited_by,
               min(told_by) filter (where direction = 'CRDT') as returned_by
          from bank_told group by payment_id
    ), doubled as (
        select distinct x.payment_id
          from bank_share s join bank_share_payment x on x.share_id = s.id
         where s.state in ('open', 'refused', 'waiting') and s.kind = 'debited_twice' and 'montant' <> all(s.keys)
    )
    select p.id, p.run_id, p.end_to_end_id, p.amount, p.iban, f.message_id, f.execution_date, j.reported_at,
           t.debited_by, t.returned_by, d.payment_id is not null as doubled
      from payout_payment p
      join payout_file f on f.run_id = p.run_id
      left join told t on t.payment_id = p.id
      left join doubled d on d.payment_id = p.id
      left join bank_rejection j on j.payment_id = p.id
     where p.run_id = any(:runs)
     order by p.run_id, p.line
""")
_REFERENCES = text("""
    select t.payment_id, t."references" from bank_told t join payout_payment p on p.id = t.payment_id
     where p.run_id = any(:runs) and t."references" <> '{}'
""")
_REPLACED = text("""
    select t.document as payment_id, n.end_to_end_id
      from transfer t
      join payout_payment p on p.id = t.document
      join payout_line l on l.transfer_id = t.id and l.live
      join payout_payment n on n.id = l.payment_id
     where t.kind = 'payout_reopened' and p.run_id = any(:runs) and n.end_to_end_id is not null
""")
_OWN_ACCOUNTS = text("select distinct payer->>'iban' from payout_run")


@dataclass(slots=True)
class Known:
    """The expected payments, and the numbers by which the books know them."""

    expected: Expected
    payment_ids: dict[str, int] = field(default_factory=dict)
    """By end-to-end id."""
    run_ids: dict[int, int] = field(default_factory=dict)
    """By payment."""
    keys: dict[int, str] = field(default_factory=dict)
    """End-to-end ids by payment."""

    def payment(self, payment_id: int) -> ExpectedPayment | None:
        """What is known of the payment with this number; None if nothing is expected of it any more."""
        return self.expected.payment(self.keys.get(payment_id))

    def id_of(self, payment: ExpectedPayment) -> int:
        """The number of a payment."""
        return self.payment_ids[payment.end_to_end_id]


def own_accounts(conn: Connection, configured: Iterable[str] = ()) -> frozenset[str]:
    """The IBANs we pay from: those of the settings and of every run."""
    return frozenset(configured) | frozenset(conn.execute(_OWN_ACCOUNTS).scalars())


def known(conn: Connection, named: Sequence[str] = ()) -> Known:
    """The payments of every run of the last year, of older ones that still wait for the bank, and of `named` messages.

    Always whole runs.
    """
    runs = {"runs": list(conn.execute(_RUNS, {"named": list(named)}).scalars())}
    references: defaultdict[int, frozenset[str]] = defaultdict(frozenset)
    for row in conn.execute(_REFERENCES, runs):
        references[row.payment_id] |= frozenset(row.references)
    replaced = {row.payment_id: row.end_to_end_id for row in conn.execute(_REPLACED, runs)}
    payments, ids, of_runs = [], {}, {}
    for row in conn.execute(_PAYMENTS, runs):
        ids[row.end_to_end_id], of_runs[row.id] = row.id, row.run_id
        payments.append(
            ExpectedPayment(
                end_to_end_id=row.end_to_end_id,
                instruction_id=row.end_to_end_id,
                message_id=row.message_id,
                payment_information_id=f"{row.message_id}-1",
                cents=row.amount,
                iban=row.iban,
                not_before=row.execution_date,
                rejected_at=row.reported_at,
                debited_by=MessageKind(row.debited_by) if row.debited_by else None,
                returned_by=MessageKind(row.returned_by) if row.returned_by else None,
                doubled=row.doubled,
                replaced_by=replaced.get(row.id),
                bank_references=references[row.id],
            )
        )
    return Known(Expected(payments, own_accounts(conn)), ids, of_runs, {number: key for key, number in ids.items()})
