"""The check of the books: everything is computed again from the transfers alone, and each difference is named.

The database refuses what would break a promise of the books. This is for the day when somebody went past it, a disk
lied or a program of ours was wrong: it trusts no balance, trigger, index or constraint, and asks of each transfer,
account, sale, hold, cancellation and payout whether they agree. It reads range after range, so its memory does not grow
with the books. What was changed so that all still agrees is found by the seals (`ledger.seals`).

The order in which a wallet's transfers took effect is that of their numbers: whoever debits a wallet holds its lock
before taking a number.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

from sqlalchemy import Connection, text

from ledger.accounts import WALLETS
from ledger.books_check.balances import held, wallets
from ledger.books_check.bank import bank
from ledger.books_check.differences import SENTENCES, Difference, Promise
from ledger.books_check.documents import (
    cancellations,
    holds,
    nothing_owed_is_forgotten,
    payouts,
    reopenings,
    sales,
)
from ledger.books_check.guards import guards
from ledger.books_check.transfers import accounts, business_keys, numbers, reversals, sides, zero_sum
from ledger.streams import Progress, silent, take_time

__all__ = ["SENTENCES", "Difference", "Promise", "check"]

SLICE = 1_000_000
"""Transfers looked at in one statement, about: a few seconds of work."""

_EVERYTHING = range(-(2**63), 2**63 - 1)

_Look = Callable[[Connection], Iterator[Difference]]
_LookAtRange = Callable[[Connection, int, int], Iterator[Difference]]


def check(conn: Connection, progress: Progress = silent) -> Iterator[Difference]:
    """Compute the books anew and yield what differs; nothing when every promise was kept.

    Others may post meanwhile if the transaction is REPEATABLE READ: all is then seen as of one instant. `progress`
    counts pieces of work.
    """
    take_time(conn)
    conn.execute(text("set local work_mem = '256MB'"))
    looks = _looks(conn)
    for done, look in enumerate(looks):
        progress(done, len(looks))
        yield from look(conn)
    progress(len(looks), len(looks))


def _looks(conn: Connection) -> list[_Look]:
    """Everything there is to look at, in pieces of about the same size, the cheap and the telling first."""
    there = conn.execute(
        text("""
            select (select count(*) from transfer) as transfers,
                   (select coalesce(max(id), 0) from transfer) as last_transfer,
                   (select max(id) from account where id < :wallets_end) as last_wallet,
                   (select coalesce(max(id), 0) from sale) as last_sale
        """),
        {"wallets_end": WALLETS.stop},
    ).one()
    slices = 1 + there.transfers // SLICE
    return [
        guards,
        numbers,
        accounts,
        held,
        holds,
        reversals,
        cancellations,
        payouts,
        reopenings,
        nothing_owed_is_forgotten,
        bank,
        zero_sum,
        business_keys,
        *_sliced(sides, _EVERYTHING, 0, there.last_transfer, slices),
        *_sliced(wallets, WALLETS, WALLETS.start, there.last_wallet or WALLETS.start, slices),
        *_sliced(sales, _EVERYTHING, 0, there.last_sale, slices),
    ]


def _sliced(look: _LookAtRange, whole: range, first: int, last: int, slices: int) -> Iterator[_Look]:
    """`look` at the ranges into which `whole` is cut, evenly between `first` and `last`, where nearly everything is."""
    width = (last - first) // slices + 1
    edges = [whole.start, *(first + width * n for n in range(1, slices)), whole.stop]
    for start, stop in pairwise(edges):
        yield lambda conn, start=start, stop=stop: look(conn, start, stop)  # type: ignore[misc]
