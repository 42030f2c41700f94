"""The transfers by themselves: sides, numbers, business keys, reversals, and the sum of everything."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from ledger.accounts import (
    BANK,
    BANK_CHARGES,
    FUNDING,
    IN_TRANSIT,
    LAPSED,
    PARTNERS,
    SUSPENSE,
    WALLETS,
    WRITE_OFF,
)
from ledger.books_check.differences import Difference, Promise
from ledger.statements import trial_balance

_WALLET, _PARTNER = WALLETS.start // 10**12, PARTNERS.start // 10**12
_REGION = {FUNDING, LAPSED, IN_TRANSIT, BANK, SUSPENSE, WRITE_OFF, BANK_CHARGES}


def _both_ways(one: int, others: set[int]) -> set[tuple[int, int]]:
    return {(one, other) for other in others} | {(other, one) for other in others}


SIDES: dict[str, set[tuple[int, int]]] = {
    "sale": {(_WALLET, _PARTNER)},
    "grant": {(FUNDING, _WALLET)},
    "refund": {(_PARTNER, _WALLET)},
    "lapse": {(_WALLET, LAPSED)},
    "grant_withdrawal": {(_WALLET, FUNDING)},
    "payout": {(_PARTNER, IN_TRANSIT)},
    "payout_reopened": {(IN_TRANSIT, _PARTNER)},
    "bank_debit": {(IN_TRANSIT, BANK)},
    "bank_return": {(BANK, IN_TRANSIT)},
    "bank_charge": _both_ways(BANK, {BANK_CHARGES}),
    "bank_funding": _both_ways(BANK, {FUNDING}),
    "suspense_in": _both_ways(BANK, {SUSPENSE}),
    "suspense_out": _both_ways(SUSPENSE, _REGION - {BANK, SUSPENSE}),
    "write_off": _both_ways(WRITE_OFF, _REGION - {WRITE_OFF} | {_PARTNER}),
}
"""The debit and credit sides that each kind may have: an account of the Region, or a class by its leading digit.

Said a second time, apart from the trigger that refuses everything else: the check must not trust the trigger.
"""

_UNFIT = text("""
    with fit as materialized (
        select * from unnest(cast(:kinds as transfer_kind[]), cast(:debits as bigint[]), cast(:credits as bigint[]))
            as f(kind, debit, credit)
    )
    select t.id, t.kind::text, t.debit_account, t.credit_account, t.amount, t.line
      from transfer t
      left join fit f
        on f.kind = t.kind
       and f.debit = case when t.debit_account between 1000000000000 and 2999999999999
                          then t.debit_account / 1000000000000 else t.debit_account end
       and f.credit = case when t.credit_account between 1000000000000 and 2999999999999
                           then t.credit_account / 1000000000000 else t.credit_account end
     where t.id >= :first and t.id < :after
       and (f.kind is null or t.amount <= 0 or t.line <= 0
            or (t.kind = 'grant' and (t.document, t.line) <> (t.credit_account, 1)))
     order by t.id
""")


def sides(conn: Connection, first: int, after: int) -> Iterator[Difference]:
    """Each transfer numbered from `first` and below `after` moves something between accounts that fit its kind."""
    fits = [(kind, debit, credit) for kind, pairs in SIDES.items() for debit, credit in pairs]
    columns = dict(zip(("kinds", "debits", "credits"), map(list, zip(*fits, strict=True)), strict=True))
    for row in conn.execute(_UNFIT, columns | {"first": first, "after": after}):
        found = f"{row.amount} from {row.debit_account} to {row.credit_account}, line {row.line}"
        yield Difference(Promise.SIDES_FIT, f"transfer {row.id}", f"sides of a {row.kind}", found)


def numbers(conn: Connection) -> Iterator[Difference]:
    """No transfer has a number that the sequence has not given out."""
    rows = conn.execute(
        text("""
            select t.id, n.last_value
              from (select case when is_called then last_value else 0 end as last_value from transfer_number) n
              join transfer t on t.id > n.last_value or t.id < 1
             order by t.id
        """)
    )
    for row in rows:
        yield Difference(
            Promise.NUMBER_WAS_GIVEN_OUT, f"transfer {row.id}", f"between 1 and {row.last_value}", str(row.id)
        )


def accounts(conn: Connection) -> Iterator[Difference]:
    """Every account that a transfer names, wallets aside, is in the books."""
    rows = conn.execute(
        text("""
            select id, account
              from (select min(id) as id, debit_account as account from transfer
                     where debit_account not between 1000000000000 and 1999999999999 group by debit_account
                     union all
                    select min(id), credit_account from transfer
                     where credit_account not between 1000000000000 and 1999999999999 group by credit_account) named
             where not exists (select from account a where a.id = named.account)
             order by id
        """)
    )
    for row in rows:
        yield Difference(Promise.ACCOUNT_EXISTS, f"transfer {row.id}", f"account {row.account}", "no such account")


def business_keys(conn: Connection) -> Iterator[Difference]:
    """No two transfers share a business key."""
    rows = conn.execute(
        text("""
            select kind::text, document, line, array_agg(id order by id) as ids
              from transfer group by kind, document, line having count(*) > 1 order by min(id)
        """)
    )
    for row in rows:
        subject = f"{row.kind} {row.document} line {row.line}"
        yield Difference(Promise.POSTED_ONCE, subject, "one transfer", f"transfers {', '.join(map(str, row.ids))}")


def reversals(conn: Connection) -> Iterator[Difference]:
    """What takes a transfer back mirrors it, whole, and is alone in doing so: nothing is refunded above its sale."""
    rows = conn.execute(
        text("""
            select r.id, r.kind::text, r.amount, r.reverses, t.id as original, t.kind::text as original_kind,
                   t.amount as original_amount
              from transfer r
              left join transfer t on t.id = r.reverses
             where (r.reverses is not null or r.kind in ('refund', 'grant_withdrawal', 'payout_reopened'))
               and (t.debit_account, t.credit_account, t.amount, t.school_year, t.kind::text, true)
                   is distinct from
                   (r.credit_account, r.debit_account, r.amount, r.school_year,
                    case r.kind when 'refund' then 'sale' when 'grant_withdrawal' then 'grant'
                                when 'payout_reopened' then 'payout' end, r.id > t.id)
             order by r.id
        """)
    )
    for row in rows:
        expected = (
            "a transfer to take back"
            if row.original is None
            else f"the mirror of {row.original_kind} {row.original}, {row.original_amount} cents"
        )
        yield Difference(Promise.REVERSAL_MIRRORS, f"transfer {row.id}", expected, f"{row.kind} of {row.amount} cents")
    twice = conn.execute(
        text("""
            select reverses, array_agg(id order by id) as ids from transfer where reverses is not null
             group by reverses having count(*) > 1 order by reverses
        """)
    )
    for row in twice:
        found = f"transfers {', '.join(map(str, row.ids))}"
        yield Difference(Promise.REVERSED_ONCE, f"transfer {row.reverses}", "at most one reversal", found)


def zero_sum(conn: Connection) -> Iterator[Difference]:
    """All accounts together hold nothing, taking the wallets at the balance that the database has for them."""
    derived = {line.heading.code: line.balance for line in trial_balance(conn)}
    wallets = conn.execute(
        text("select coalesce(sum(balance), 0) from account where id between 1000000000000 and 1999999999999")
    ).scalar_one()
    total = int(wallets) + sum(amount for code, amount in derived.items() if code != "wallets")
    if total:
        yield Difference(Promise.ZERO_SUM, "all accounts", "0", str(total))
