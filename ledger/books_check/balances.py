"""Wallets: what the database keeps of them is what transfers and open holds come to, at the end and all along."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from ledger.books_check.differences import Difference, Promise

_STORIES = text("""
    with movement as (
        select debit_account as account, id, -amount as amount from transfer
         where debit_account >= :first and debit_account < :after
        union all
        select credit_account, id, amount from transfer where credit_account >= :first and credit_account < :after
    ), running as (
        select account, id, amount, sum(amount) over (partition by account order by id) as after from movement
    ), story as (
        select account, sum(amount) as balance, min(after) as lowest, min(id) filter (where after < 0) as first_below
          from running group by account
    )
    select coalesce(a.id, s.account) as account, a.id is not null as there, coalesce(s.balance, 0) as computed,
           a.balance, s.lowest, s.first_below
      from story s
      full join (select id, balance from account where id >= :first and id < :after) a on a.id = s.account
     where a.balance is distinct from coalesce(s.balance, 0) or s.lowest < 0
     order by 1
""")


def wallets(conn: Connection, first: int, after: int) -> Iterator[Difference]:
    """Each wallet numbered from `first` and below `after` holds the sum of its transfers, and was never below zero."""
    for row in conn.execute(_STORIES, {"first": first, "after": after}):
        subject = f"account {row.account}"
        if not row.there:
            yield Difference(Promise.ACCOUNT_EXISTS, subject, "an account", f"transfers of {row.computed} cents")
        elif row.balance != row.computed:
            yield Difference(Promise.BALANCE_FOLLOWS, subject, str(row.computed), str(row.balance))
        if row.lowest is not None and row.lowest < 0:
            yield Difference(
                Promise.NEVER_NEGATIVE, subject, "0 or more", f"{row.lowest}, first by transfer {row.first_below}"
            )


def held(conn: Connection) -> Iterator[Difference]:
    """Each wallet holds back the sum of its open holds, and no other account has a balance or holds of its own."""
    rows = conn.execute(
        text("""
            select coalesce(a.id, h.wallet) as account, coalesce(h.amount, 0) as computed, a.held
              from (select wallet, sum(amount) as amount from hold where closed_at is null group by wallet) h
              full join (select id, held from account where held <> 0) a on a.id = h.wallet
             where a.held is distinct from h.amount
             order by 1
        """)
    )
    for row in rows:
        yield Difference(Promise.HELD_FOLLOWS, f"account {row.account}", str(row.computed), str(row.held or 0))
    others = conn.execute(
        text("""
            select id, balance from account
             where id not between 1000000000000 and 1999999999999 and balance <> 0 order by id
        """)
    )
    for row in others:
        yield Difference(Promise.BALANCE_FOLLOWS, f"account {row.id}", "no balance of its own", str(row.balance))
