"""The file of a run: its payments go into the books in the transaction that stores the bytes for the bank.

The bytes are made by `batch.payouts`, once; whatever happens to copies of them, what is stored here is what leaves, as
often as it has to. Messages are numbered when a file is made and only then, so their numbers have no gap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, NamedTuple

from sqlalchemy import Connection, text

from ledger import audit, promises, transfers
from ledger.accounts import IN_TRANSIT, partner_account
from ledger.calendar import school_year_of
from ledger.payouts import runs
from ledger.payouts.approval import Altered, NotAllowed, require_current, verify
from ledger.payouts.freeze import STEP, UNHURRIED
from ledger.payouts.runs import PaymentFile, Run

PART_BYTES = 1 << 20
_POSTED_AT_ONCE = 5000

_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtext('atouts payout files'))")
_LOCK_RUN = text("select from payout_run where id = :run for update")
_NEXT_NUMBER = text("select coalesce(max(message_number), 0) + 1, date_trunc('second', now()) from payout_file")

# "ATOUTS-000037-000123", and "-R2" at its end for what the bank has sent back twice before.
_ISSUE = text("""
    update payout_payment
       set state = 'issued', state_at = now(),
           end_to_end_id = :message || '-' || lpad(line::text, greatest(6, length(line::text)), '0')
                           || case when reissue > 0 then '-R' || reissue else '' end
     where run_id = :run
""")

_TO_POST = text("select id, partner_id, amount from payout_payment where run_id = :run order by line")
_TO_WRITE = text("""
    select p.end_to_end_id, p.amount, p.name, p.iban, p.bic, s.uai
      from payout_payment p join partner s on s.id = p.partner_id where p.run_id = :run order by p.line
""")

_INSERT_FILE = text("""
    insert into payout_file (run_id, message_number, message_id, created_at, execution_date, name, size, sha256)
    values (:run, :number, :message_id, :created_at, :execution_date, :name, :size, :sha256)
""")
_INSERT_PART = text("insert into payout_file_part (run_id, part, content) values (:run, :part, :content)")
_READ_PART = text("select content from payout_file_part where run_id = :run and part = :part")

_BEGIN_TRANSMISSION = text("""
    insert into payout_transmission (run_id, channel, destination, sha256, begun_by)
    values (:run, :channel, :destination, :sha256, :actor) returning id
""")
_OPEN_TRANSMISSION = text("""
    select id from payout_transmission
     where run_id = :run and channel = :channel and destination = :destination and finished_at is null
     order by id limit 1
""")
_FINISH_TRANSMISSION = text("update payout_transmission set finished_at = now() where id = :id and finished_at is null")
_TRANSMISSIONS = text("""
    select channel, destination, begun_by, begun_at, finished_at from payout_transmission
     where run_id = :run order by id
""")


_REFUSALS = {"transmission_is_recorded": "Téléchargez d’abord le fichier : personne ne l’a encore pris."}


@dataclass(frozen=True, slots=True)
class Number:
    """The next message number, and the instant that its file will tell as that of its making."""

    number: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Transmission:
    """One way by which a file left, or may have left if `finished_at` is None."""

    channel: str
    destination: str
    begun_by: str
    begun_at: datetime
    finished_at: datetime | None


def lock_for_file(conn: Connection, run_id: int) -> Run:
    """The run, with nobody else making or sending files, or refusing it, until the transaction ends."""
    conn.execute(UNHURRIED)
    conn.execute(_ONE_AT_A_TIME)
    conn.execute(_LOCK_RUN, {"run": run_id})
    return runs.get(conn, run_id)


def next_number(conn: Connection, run: Run) -> Number:
    """The number under which the locked run's file is to be made, after a last look at its content.

    Raises `NotAllowed` unless it is approved and its payees are still those approved, and `Altered`.
    """
    if run.state != "approved":
        raise NotAllowed("only_approved_runs_are_written", "Un fichier ne se produit que pour une campagne approuvée.")
    verify(conn, run)
    require_current(conn, run.id)
    return Number(*conn.execute(_NEXT_NUMBER).one())


def issue(conn: Connection, run: Run, message_id: str) -> None:
    """Give each payment its id in the message, and move its amount from the partner into transit."""
    conn.execute(_ISSUE, {"run": run.id, "message": message_id})
    # Of the last day it pays: the cut-off may be the first instant of the next school year.
    school_year = school_year_of(run.last_day)
    found = conn.execute(_TO_POST, {"run": run.id}, execution_options=runs.STREAMED)
    for rows in found.partitions(_POSTED_AT_ONCE):
        transfers.post(
            conn,
            [
                transfers.Transfer(
                    "payout", partner_account(row.partner_id), IN_TRANSIT, row.amount, row.id, school_year
                )
                for row in rows
            ],
        )


class IssuedPayment(NamedTuple):
    """What the file says of a payment. `amount` in cents."""

    end_to_end_id: str
    amount: int
    name: str
    iban: str
    bic: str | None
    uai: str


def issued(conn: Connection, run: Run) -> Iterator[IssuedPayment]:
    """The payments of a run as its file says them, by line, drawn as they are asked for."""
    with conn.execute(_TO_WRITE, {"run": run.id}, execution_options=runs.STREAMED) as found:
        yield from map(IssuedPayment._make, found)


def store(
    conn: Connection, run: Run, number: Number, *, message_id: str, execution_date: date, name: str, content: BinaryIO,
    actor: str,
) -> None:  # fmt: skip
    """Keep the bytes of `content` as the file of the run, which is generated by that."""
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(content):
        digest.update(piece)
        size += len(piece)
    file = {
        "run": run.id,
        "number": number.number,
        "message_id": message_id,
        "created_at": number.created_at,
        "execution_date": execution_date,
        "name": name,
        "size": size,
        "sha256": digest.digest(),
    }
    conn.execute(_INSERT_FILE, file)
    for part, piece in enumerate(_pieces(content), start=1):
        conn.execute(_INSERT_PART, {"run": run.id, "part": part, "content": piece})
    conn.execute(STEP, {"run": run.id, "state": "generated", "actor": actor, "reason": None})
    audit.record(
        conn,
        actor=actor,
        action="payout.generate",
        subject=f"payout_run:{run.reference}",
        details={"message_id": message_id, "sha256": digest.hexdigest(), "size": size},
    )


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    content.seek(0)
    return iter(lambda: content.read(PART_BYTES), b"")


def copy(conn: Connection, run: Run, stream: BinaryIO) -> PaymentFile:
    """Write the stored bytes to `stream`. Raises `Altered` when they are not those of the hash that was recorded."""
    if run.file is None:
        raise NotAllowed("no_file_yet", "Le fichier de cette campagne n’est pas encore produit.")
    digest, part = hashlib.sha256(), 1
    while (piece := conn.execute(_READ_PART, {"run": run.id, "part": part}).scalar_one_or_none()) is not None:
        digest.update(piece)
        stream.write(piece)
        part += 1
    if digest.digest() != run.file.sha256:
        raise Altered(f"Les octets du fichier {run.file.name} ne sont plus ceux qui ont été produits.")
    return run.file


# -- leaving -------------------------------------------------------------------------------------------------------


def begin_transmission(conn: Connection, run: Run, *, channel: str, destination: str, actor: str) -> int:
    """Note, to be committed before the first byte leaves, that the file goes to `destination`; returns its number.

    A transmission whose outcome nobody knows is taken up again: the same bytes go once more.
    """
    if run.file is None:
        raise NotAllowed("no_file_yet", "Le fichier de cette campagne n’est pas encore produit.")
    where = {"run": run.id, "channel": channel, "destination": destination}
    open_one = conn.execute(_OPEN_TRANSMISSION, where).scalar_one_or_none()
    if open_one is not None:
        return int(open_one)
    number = conn.execute(_BEGIN_TRANSMISSION, where | {"sha256": run.file.sha256, "actor": actor}).scalar_one()
    return int(number)


def finish_transmission(
    conn: Connection, run: Run, transmission_id: int, *, actor: str, handed_over: bool = True
) -> None:
    """Note that the file has left; `handed_over` if that puts it into the hands of the bank."""
    done = conn.execute(_FINISH_TRANSMISSION, {"id": transmission_id})
    if done.rowcount == 0:
        return
    if handed_over:
        confirm_transmission(conn, run.id, actor=actor)
    audit.record(
        conn,
        actor=actor,
        action="payout.transmit" if handed_over else "payout.download",
        subject=f"payout_run:{run.reference}",
        details={"transmission": transmission_id, "sha256": run.file.sha256.hex() if run.file else ""},
    )


def confirm_transmission(conn: Connection, run_id: int, *, actor: str, reason: str | None = None) -> None:
    """The bank has the file: a person brought it there, or it lies where the bank takes it.

    Raises `NotAllowed` for a file that never left.
    """
    conn.execute(_LOCK_RUN, {"run": run_id})  # a person may say so while the bank's answer is read
    if runs.get(conn, run_id).state == "generated":
        with promises.told(conn, _REFUSALS, NotAllowed):
            conn.execute(STEP, {"run": run_id, "state": "transmitted", "actor": actor, "reason": reason})


def left_open(conn: Connection) -> list[tuple[int, str]]:
    """Run and directory of each file that was on its way when something broke: nobody knows whether it arrived."""
    found = conn.execute(
        text("""
            select t.run_id, t.destination from payout_transmission t join payout_run r on r.id = t.run_id
             where t.finished_at is null and t.channel = 'directory' and r.state = 'generated' order by t.id
        """)
    )
    return [(row.run_id, row.destination) for row in found]


def transmissions(conn: Connection, run_id: int) -> list[Transmission]:
    """How the file of a run left, in order."""
    return [Transmission(*row) for row in conn.execute(_TRANSMISSIONS, {"run": run_id})]
