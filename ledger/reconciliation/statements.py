"""Files and statements of the bank as they are recorded: what was seen before, what is taken, what is kept aside."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from ledger.bank_messages import FileDescription, MessageKind, Statement
from ledger.reconciliation import quarantine
from ledger.statement_checks import (
    Consequence,
    RecordedStatement,
    Remark,
    check_chain,
    check_repeat,
    check_statement,
    recorded,
)

_SEEN = text("""
    select i.id, i.imported_at,
           exists (select from bank_statement s where s.import_id = i.id and s.state = 'quarantined') as aside
      from bank_import i where i.sha256 = :sha256
""")
_INSERT_IMPORT = text("""
    insert into bank_import (sha256, name, size, kind, version, message_id, created_at, imported_by)
    values (:sha256, :name, :size, :kind, :version, :message_id, :created_at, :actor) returning id
""")
_COLUMNS = "statement_id, sequence, page, fingerprint, opening, closing, last_day"
_SAME_YEAR = "extract(year from last_day) is not distinct from extract(year from cast(:last_day as date))"
_SAME_ID = text(f"""
    select {_COLUMNS} from bank_statement
     where state = 'taken' and kind = :kind and account = :account and statement_id = :statement_id
       and sequence is not distinct from :sequence and page is not distinct from :page and {_SAME_YEAR}
""")  # noqa: S608 - lists of columns
_ORDER = "(last_day, coalesce(sequence, 0), coalesce(page, 0), created_at)"
_PLACE = "(cast(:last_day as date), coalesce(:sequence, 0), coalesce(:page, 0), cast(:created_at as timestamptz))"
_BEFORE = text(f"""
    select {_COLUMNS} from bank_statement
     where state = 'taken' and kind = 'camt.053' and account = :account and {_ORDER} < {_PLACE}
     order by last_day desc, sequence desc nulls last, page desc nulls last, created_at desc limit 1
""")  # noqa: S608 - lists of columns
_AFTER = text(f"""
    select {_COLUMNS} from bank_statement
     where state = 'taken' and kind = 'camt.053' and account = :account and {_ORDER} > {_PLACE}
     order by last_day, sequence nulls first, page nulls first, created_at limit 1
""")  # noqa: S608 - lists of columns
_INSERT_STATEMENT = text("""
    insert into bank_statement (import_id, number, kind, account, statement_id, sequence, page, fingerprint, first_day,
                                last_day, created_at, opening, closing, booked, entries, remarks, state)
    values (:import_id, :number, :kind, :account, :statement_id, :sequence, :page, :fingerprint, :first_day, :last_day,
            :created_at, :opening, :closing, :booked, :entries, cast(:remarks as jsonb), :state)
    returning id
""")
_ASIDE_AGAIN = text("""
    update bank_statement set state = 'dismissed', decided_by = :actor, decided_at = now(),
                              decision = 'Fichier déposé de nouveau.'
     where import_id = :import_id and state = 'quarantined'
""")
_REPLACED = text(f"""
    update bank_statement set state = 'dismissed', decided_by = :actor, decided_at = now(),
                              decision = 'Remplacé par un relevé pris en compte.'
     where state = 'quarantined' and kind = :kind and account = :account and statement_id = :statement_id
       and sequence is not distinct from :sequence and page is not distinct from :page and {_SAME_YEAR}
""")  # noqa: S608 - a condition
_NAMES_ELSEWHERE = text("""
    select name from bank_entry where told_by = 'camt.053' and servicer_ref is not null and name = any(:names)
""")


@dataclass(frozen=True, slots=True)
class SeenFile:
    """An import of the very same bytes. `aside` tells that a statement of it is in quarantine."""

    import_id: int
    imported_at: datetime
    aside: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about a statement, and what becomes of it."""

    statement: Statement
    remarks: tuple[Remark, ...]
    outcome: Consequence
    number: int | None = None
    """Its number in the books, unless it is skipped."""


def seen_file(conn: Connection, sha256: str) -> SeenFile | None:
    """The import of these bytes, if there was one."""
    row = conn.execute(_SEEN, {"sha256": bytes.fromhex(sha256)}).one_or_none()
    return None if row is None else SeenFile(row.id, row.imported_at, row.aside)


def record_import(conn: Connection, described: FileDescription, *, name: str, actor: str) -> int:
    """Record a file; its number. At the end of the transaction the bank account must be what the statements say."""
    return int(
        conn.execute(
            _INSERT_IMPORT,
            {
                "sha256": bytes.fromhex(described.sha256),
                "name": name,
                "size": described.size,
                "kind": described.kind,
                "version": described.version,
                "message_id": described.message_id,
                "created_at": described.created_at,
                "actor": actor,
            },
        ).scalar_one()
    )


def look_again(conn: Connection, import_id: int, *, actor: str) -> None:
    """The file of an import was dropped again: what was kept aside of it is about to be judged anew."""
    conn.execute(_ASIDE_AGAIN, {"import_id": import_id, "actor": actor})


def judge(
    conn: Connection, described: FileDescription, statement: Statement, own: Collection[str], overlap: Remark | None
) -> Verdict:
    """What is found about a statement, against itself and against those taken before. `overlap` is of its entries."""
    repeat = check_repeat(statement, _one(conn, _SAME_ID, _facts(described, statement)))
    if repeat is not None and repeat.consequence is Consequence.SKIP:
        return Verdict(statement, (repeat,), Consequence.SKIP)
    remarks = [*([repeat] if repeat else []), *check_statement(statement, own), *([overlap] if overlap else [])]
    if any(remark.consequence is Consequence.QUARANTINE for remark in remarks):
        release = quarantine.released(conn, _facts(described, statement))
        if release is None or not all(quarantine.may_be_released(remark) for remark in remarks):
            return Verdict(statement, tuple(remarks), Consequence.QUARANTINE)
        remarks.append(release)
    if statement.kind is MessageKind.STATEMENT:
        place = _facts(described, statement)
        remarks += check_chain(statement, _one(conn, _BEFORE, place), _one(conn, _AFTER, place))
    return Verdict(statement, tuple(remarks), Consequence.NOTE)


def record_statement(
    conn: Connection, import_id: int, described: FileDescription, verdict: Verdict, *, actor: str
) -> int:
    """Record a statement that is taken or kept aside; its number. A taken one replaces what was kept aside as it."""
    statement = verdict.statement
    if verdict.outcome is not Consequence.QUARANTINE:
        conn.execute(_REPLACED, _facts(described, statement) | {"actor": actor})
    state = "quarantined" if verdict.outcome is Consequence.QUARANTINE else "taken"
    remarks = [{"finding": remark.finding, "sentence": remark.sentence} for remark in verdict.remarks]
    return int(
        conn.execute(
            _INSERT_STATEMENT,
            _facts(described, statement)
            | {
                "import_id": import_id,
                "number": statement.number,
                "first_day": statement.from_date,
                "booked": statement.booked_entries.net_cents,
                "entries": statement.all_entries.entries,
                "remarks": json.dumps(remarks, ensure_ascii=False),
                "state": state,
            },
        ).scalar_one()
    )


def on_other_statements(conn: Connection, names: Sequence[str]) -> set[str]:
    """Which of these movements, named by the bank itself, a statement has told already."""
    return set(conn.execute(_NAMES_ELSEWHERE, {"names": list(names)}).scalars())


def _facts(described: FileDescription, statement: Statement) -> dict[str, object]:
    told = recorded(statement)
    return {
        "kind": statement.kind,
        "account": statement.account,
        "statement_id": told.statement_id,
        "sequence": told.sequence,
        "page": told.page,
        "fingerprint": told.fingerprint,
        "opening": told.opening_cents,
        "closing": told.closing_cents,
        "last_day": told.last_day,
        "created_at": statement.created_at or described.created_at,
    }


def _one(conn: Connection, wanted: object, facts: dict[str, object]) -> RecordedStatement | None:
    row = conn.execute(wanted, facts).first()  # type: ignore[call-overload]
    if row is None:
        return None
    return RecordedStatement(
        statement_id=row.statement_id,
        sequence=row.sequence,
        page=row.page,
        fingerprint=row.fingerprint,
        opening_cents=row.opening,
        closing_cents=row.closing,
        last_day=row.last_day,
    )
