"""Seals: the history of the books, hashed range after range into a chain, so that nobody changes it unseen.

A seal covers the transfers numbered above `after_id` up to `last_id`. Its hash is

    SHA-256( hash of the seal before, 32 bytes; zeros before the first  ||  one line per transfer, by number )

where a line is what `copy ... to stdout` writes for the columns `COLUMNS`, with instants in UTC, so that anybody can
reproduce a seal with psql and sha256sum and no program of ours (here the second one, PREVIOUS being the first's hash):

    export PGOPTIONS='-c search_path=atouts -c timezone=UTC -c datestyle=ISO'
    (printf PREVIOUS | xxd -r -p; psql -c 'copy (select COLUMNS from transfer
      where id > 100000 and id <= 200000 order by id) to stdout') | sha256sum

Who owns the database can rewrite the seals as well. That is why the latest one is printed on each payout run's
documents: `verify` compares what was printed.

Only what is settled is sealed (see `settled_through`): transfers commit out of the order of their numbers, and one that
came later into a sealed range would look like a forgery. A number that was never used, after a rollback or a crash, is
a gap and sealed as one. A restored database keeps its seals, as long as the sequence of numbers is restored with it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger.settled import StillPosting, settled_through
from ledger.streams import Progress, copied_rows, silent, take_time

COLUMNS = "id, posted_at, debit_account, credit_account, amount, document, line, kind, school_year, reverses"
BEFORE_THE_FIRST = bytes(32)
RANGE = 100_000
"""Numbers that one seal covers at most: what `verify` narrows a change down to."""
PATIENCE_SECONDS = 5.0
# Any number will do that nothing else in the database takes as an advisory lock.
_SEALING_LOCK = 0x5345414C
_LOWEST = -(2**63)

_LINES = f"copy (select {COLUMNS} from transfer where id > %(after)s and id <= %(last)s order by id) to stdout"  # noqa: S608


class NumbersWentBack(Exception):
    """The next transfer would get a number that is sealed already: the sequence was not restored with the books."""


@dataclass(frozen=True, slots=True)
class Seal:
    """The seal of the transfers numbered above `after_id` up to `last_id`: how many, their sum in cents, the hash."""

    number: int
    after_id: int
    last_id: int
    transfers: int
    amount: int
    previous_hash: bytes
    hash: bytes
    sealed_at: datetime

    @property
    def printed(self) -> str:
        """The seal as documents show it, and as `verify` takes it back."""
        return f"{self.number}:{self.hash.hex()}"


class Damage(StrEnum):
    """What `verify` finds wrong about a seal."""

    CHANGED = "changed"
    """As many transfers as were sealed, yet not the same."""
    MISSING = "missing"
    INSERTED = "inserted"
    BROKEN_CHAIN = "broken_chain"
    """The seal does not follow the one before."""
    NOT_AS_PRINTED = "not_as_printed"
    """The seal is whole, but another one was printed under its number; or none is left."""


@dataclass(frozen=True, slots=True)
class BrokenSeal:
    """A seal that does not match: which, why, and how many transfers and cents there are in its range now.

    Number 0 stands for what lies below the first range; `seal` is None where there is none.
    """

    number: int
    damage: Damage
    seal: Seal | None
    transfers: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Verification:
    """What was verified: seals and transfers looked at, those that do not match, and transfers not sealed yet."""

    seals: int
    transfers: int
    broken: tuple[BrokenSeal, ...]
    unsealed: int


def latest(conn: Connection) -> Seal | None:
    """The seal to print on what leaves the house; None before the first."""
    row = conn.execute(text("select * from seal order by number desc limit 1")).one_or_none()
    return None if row is None else _seal(row)


def seal(conn: Connection, *, patience: float = PATIENCE_SECONDS) -> Seal | None:
    """Seal the next range, at most `RANGE` numbers, in a read committed transaction that has posted nothing itself.

    None when there is nothing new, when another sealer is at it, or when a transaction that may still add to the range
    does not end within `patience` seconds: the next run will find it ended. Raises `NumbersWentBack`.
    """
    if not conn.scalar(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": _SEALING_LOCK}):
        return None
    take_time(conn)
    last = latest(conn)
    after = last.last_id if last else 0
    try:
        settled = settled_through(conn, patience)
    except StillPosting:
        return None
    if settled < after:
        raise NumbersWentBack(f"transfer number {settled + 1} would be next, and {after} is sealed")
    return None if settled == after else _record(conn, last, after, min(settled, after + RANGE))


def _record(conn: Connection, last: Seal | None, after: int, last_id: int) -> Seal:
    previous = last.hash if last else BEFORE_THE_FIRST
    transfers, amount = _figures(conn, after, last_id)
    row = conn.execute(
        text("""
            insert into seal (number, after_id, last_id, transfers, amount, previous_hash, hash)
            values (:number, :after, :last, :transfers, :amount, :previous, :hash) returning *
        """),
        {
            "number": last.number + 1 if last else 1,
            "after": after,
            "last": last_id,
            "transfers": transfers,
            "amount": amount,
            "previous": previous,
            "hash": _hash(conn, previous, after, last_id),
        },
    ).one()
    return _seal(row)


def verify(
    conn: Connection, *, printed: Mapping[int, bytes] | None = None, progress: Progress = silent
) -> Verification:
    """Compute every seal anew from the transfers and name those that do not match, the first one first.

    `printed` holds hashes that were printed or published, by the seal's number. `progress` counts transfers. Reads
    only, so a standby may do it; what is found of one range does not hide what is wrong with the next.
    """
    take_time(conn)
    printed = dict(printed or {})
    seals = [_seal(row) for row in conn.execute(text("select * from seal order by number"))]
    total = sum(each.transfers for each in seals)
    broken: list[BrokenSeal] = []
    below, below_amount = _figures(conn, _LOWEST, 0)
    if below:
        broken.append(BrokenSeal(0, Damage.INSERTED, None, below, below_amount))
    looked_at = 0
    for before, each in zip([None, *seals], seals, strict=False):
        broken += _damages(conn, before, each, printed.pop(each.number, each.hash))
        looked_at += each.transfers
        progress(looked_at, total)
    broken += [BrokenSeal(number, Damage.NOT_AS_PRINTED, None) for number in sorted(printed)]
    unsealed = conn.execute(
        text("select count(*) from transfer where id > :last"), {"last": seals[-1].last_id if seals else 0}
    ).scalar_one()
    return Verification(len(seals), looked_at, tuple(broken), unsealed)


def _damages(conn: Connection, before: Seal | None, each: Seal, printed: bytes) -> Iterator[BrokenSeal]:
    follows = (before.number + 1, before.last_id, before.hash) if before else (1, 0, BEFORE_THE_FIRST)
    if (each.number, each.after_id, each.previous_hash) != follows:
        yield BrokenSeal(each.number, Damage.BROKEN_CHAIN, each, each.transfers, each.amount)
    transfers, amount = _figures(conn, each.after_id, each.last_id)
    if transfers < each.transfers:
        yield BrokenSeal(each.number, Damage.MISSING, each, transfers, amount)
    elif transfers > each.transfers:
        yield BrokenSeal(each.number, Damage.INSERTED, each, transfers, amount)
    elif amount != each.amount or _hash(conn, each.previous_hash, each.after_id, each.last_id) != each.hash:
        yield BrokenSeal(each.number, Damage.CHANGED, each, transfers, amount)
    if printed != each.hash:
        yield BrokenSeal(each.number, Damage.NOT_AS_PRINTED, each, transfers, amount)


def _figures(conn: Connection, after: int, last: int) -> tuple[int, int]:
    """How many transfers the range holds, and their sum in cents."""
    count, amount = conn.execute(
        text("select count(*), coalesce(sum(amount), 0) from transfer where id > :after and id <= :last"),
        {"after": after, "last": last},
    ).one()
    return count, int(amount)


def _hash(conn: Connection, previous: bytes, after: int, last: int) -> bytes:
    digest = hashlib.sha256(previous)
    for line in copied_rows(conn, _LINES, {"after": after, "last": last}):
        digest.update(line)
    return digest.digest()


def _seal(row: Row[Any]) -> Seal:
    fields = dict(row._mapping)
    fields["amount"] = int(fields["amount"])
    return Seal(**fields)
