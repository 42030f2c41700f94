"""Sales, holds, cancellations and payouts: each document says what its transfers do."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from ledger.books_check.differences import Difference, Promise
from ledger.payouts import proof

_SALE_LINES = text("""
    with expected as (
        select s.id as sale, l.line, l.wallet, 2000000000000 + s.partner_id as partner, l.price
          from sale s
          join sale_line l on l.sale_id = s.id
         where s.id >= :first and s.id < :after and s.refusal is null
           and (s.held_until is null
                or exists (select from hold h
                            where h.sale_id = l.sale_id and h.line = l.line and h.outcome = 'captured'))
    ), posted as (
        select document as sale, line, debit_account as wallet, credit_account as partner, amount as price
          from transfer where kind = 'sale' and document >= :first and document < :after
    )
    select sale, line, e.wallet, e.partner, e.price, p.wallet as debit, p.partner as credit, p.price as amount
      from expected e full join posted p using (sale, line)
     where (e.wallet, e.partner, e.price) is distinct from (p.wallet, p.partner, p.price)
     order by sale, line
""")

_SALE_AMOUNTS = text("""
    select s.id, s.amount, case when s.refusal is null then coalesce(l.prices, 0) else 0 end as expected
      from sale s
      left join (select sale_id, sum(price) as prices from sale_line where sale_id >= :first and sale_id < :after
                  group by sale_id) l on l.sale_id = s.id
     where s.id >= :first and s.id < :after
       and s.amount <> case when s.refusal is null then coalesce(l.prices, 0) else 0 end
     order by s.id
""")


def sales(conn: Connection, first: int, after: int) -> Iterator[Difference]:
    """Each accepted line of the sales numbered from `first` and below `after` was posted, and nothing else was.

    A reserved line is posted when its hold was captured, and only then.
    """
    asked = {"first": first, "after": after}
    for row in conn.execute(_SALE_LINES, asked):
        yield Difference(
            Promise.SALE_AGREES,
            f"sale {row.sale} line {row.line}",
            _movement(row.price, row.wallet, row.partner),
            _movement(row.amount, row.debit, row.credit),
        )
    for row in conn.execute(_SALE_AMOUNTS, asked):
        yield Difference(Promise.SALE_AGREES, f"sale {row.id}", f"{row.expected} cents", f"{row.amount} cents")


def _movement(amount: int | None, debit: int | None, credit: int | None) -> str:
    return "no transfer" if amount is None else f"{amount} cents from {debit} to {credit}"


def holds(conn: Connection) -> Iterator[Difference]:
    """A sale that was accepted as a reservation has one hold per line, and no other sale has any."""
    rows = conn.execute(
        text("""
            with reserved as (
                select l.sale_id, l.line, l.wallet, l.price from sale s join sale_line l on l.sale_id = s.id
                 where s.held_until is not null and s.refusal is null
            )
            select sale_id, line, r.wallet, r.price, h.wallet as held_wallet, h.amount
              from reserved r full join hold h using (sale_id, line)
             where (r.wallet, r.price) is distinct from (h.wallet, h.amount)
             order by sale_id, line
        """)
    )
    for row in rows:
        yield Difference(
            Promise.HOLD_AGREES,
            f"sale {row.sale_id} line {row.line}",
            "no hold" if row.price is None else f"{row.price} cents of {row.wallet}",
            "no hold" if row.amount is None else f"{row.amount} cents of {row.held_wallet}",
        )


def cancellations(conn: Connection) -> Iterator[Difference]:
    """Each cancellation refunded what it says, of its own sale, and what came too late lapsed with it."""
    rows = conn.execute(
        text("""
            with refund as (
                select r.document as id, sum(r.amount) as refunded, min(s.document) as sale,
                       max(s.document) as last_sale
                  from transfer r left join transfer s on s.id = r.reverses
                 where r.kind = 'refund' group by r.document
            ), lapse as (
                select document as id, sum(amount) as lapsed from transfer
                 where kind = 'lapse' and document < 1000000000000 group by document
            ), posted as (
                select id, refunded, coalesce(lapsed, 0) as lapsed, sale, last_sale
                  from refund full join lapse using (id)
            )
            select id, c.sale_id, c.refunded, c.lapsed, p.sale, p.refunded as posted, p.lapsed as posted_lapsed
              from cancellation c full join posted p using (id)
             where (c.sale_id, c.sale_id, c.refunded, c.lapsed)
                   is distinct from (p.sale, p.last_sale, p.refunded, p.lapsed)
             order by id
        """)
    )
    for row in rows:
        yield Difference(
            Promise.CANCELLATION_AGREES,
            f"cancellation {row.id}",
            _refund(row.sale_id, row.refunded, row.lapsed),
            _refund(row.sale, row.posted, row.posted_lapsed),
        )


def _refund(sale: int | None, refunded: int | None, lapsed: int | None) -> str:
    if sale is None and refunded is None and not lapsed:
        return "nothing"
    return f"{refunded or 0} cents of sale {sale}, {lapsed or 0} of them lapsed"


def payouts(conn: Connection) -> Iterator[Difference]:
    """No transfer is in two live payout lines, and lines, payments and transfers agree on partner and amount."""
    twice = conn.execute(
        text("""
            select transfer_id, array_agg(payment_id order by payment_id) as payments
              from payout_line where live group by transfer_id having count(*) > 1 order by transfer_id
        """)
    )
    for row in twice:
        found = f"payments {', '.join(map(str, row.payments))}"
        yield Difference(Promise.PAID_ONCE, f"transfer {row.transfer_id}", "one payment", found)
    lines = conn.execute(
        text("""
            select l.payment_id, l.transfer_id, l.amount, t.owed
              from payout_line l
              join payout_payment p on p.id = l.payment_id
              -- As the runs see it: all that moves the account of a partner, save the payouts themselves.
              left join (select id, credit_account as partner, amount as owed from transfer
                          where credit_account between 2000000000000 and 2999999999999 and kind <> 'payout'
                          union all
                         select id, debit_account, -amount from transfer
                          where debit_account between 2000000000000 and 2999999999999 and kind <> 'payout') t
                on t.id = l.transfer_id
             where (t.partner, t.owed) is distinct from (2000000000000 + p.partner_id, l.amount)
             order by l.payment_id, l.transfer_id
        """)
    )
    for row in lines:
        expected = "a transfer of this partner" if row.owed is None else f"{row.owed} cents of this partner"
        subject = f"payment {row.payment_id} line for transfer {row.transfer_id}"
        yield Difference(Promise.PAYOUT_AGREES, subject, expected, f"{row.amount} cents")
    payments = conn.execute(
        text("""
            with line as (
                select payment_id as id, sum(amount) as amount, count(*) as transfers
                  from payout_line group by payment_id
            ), payout as (
                select document as id, debit_account - 2000000000000 as partner_id, amount from transfer
                 where kind = 'payout'
            )
            select id, p.amount, l.amount as lines, t.amount as posted, p.state
              from payout_payment p left join line l using (id) full join payout t using (id)
             where (p.amount, p.transfers) is distinct from (l.amount, l.transfers)
                or case when p.state in ('planned', 'withdrawn') then t.id is not null
                        else (p.partner_id, p.amount) is distinct from (t.partner_id, t.amount) end
             order by id
        """)
    )
    for row in payments:
        yield Difference(
            Promise.PAYOUT_AGREES,
            f"payment {row.id}",
            "no payment" if row.amount is None else f"{row.amount} cents, {row.state}",
            f"lines of {row.lines or 0} cents, payout of {row.posted or 0} cents",
        )


def reopenings(conn: Connection) -> Iterator[Difference]:
    """What is owed again is what the bank rejected or sent back, and all of that is owed again."""
    rows = conn.execute(
        text("""
            with reopened as (
                select r.document as id, r.amount, paid.document as payment
                  from transfer r left join transfer paid on paid.id = r.reverses and paid.kind = 'payout'
                 where r.kind = 'payout_reopened'
            ), back as (
                select id, amount, state from payout_payment where state in ('rejected', 'returned')
            )
            select id, b.amount, b.state, r.amount as reopened, r.payment
              from back b full join reopened r using (id)
             where (b.id, b.amount) is distinct from (r.payment, r.amount)
             order by id
        """)
    )
    for row in rows:
        expected = "not owed again" if row.amount is None else f"{row.amount} cents owed again, {row.state}"
        found = (
            "not owed again" if row.reopened is None else f"{row.reopened} cents owed again of payment {row.payment}"
        )
        yield Difference(Promise.PAYOUT_AGREES, f"payment {row.id}", expected, found)


def nothing_owed_is_forgotten(conn: Connection) -> Iterator[Difference]:
    """What the books owe each partner is what runs have yet to pay, and nothing lies below where runs begin to look."""
    for one in proof.unbalanced(conn):
        found = f"{one.planned} cents in runs to come, {one.open} cents in none"
        yield Difference(Promise.PAYOUT_AGREES, f"partner {one.partner_id}", f"{one.owed} cents to be paid", found)
    for partner_id, transfer_id in proof.hidden(conn):
        expected = "in a run, or above where runs begin to look"
        yield Difference(
            Promise.PAYOUT_AGREES, f"partner {partner_id}", expected, f"transfer {transfer_id} is in no run"
        )
