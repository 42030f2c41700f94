"""A bank's file into the books, all of it or nothing, however often it is dropped and in whatever order files come.

The file is read to its end first; then one transaction records it with all that follows. The same bytes a second time
change nothing and say so, unless a statement of theirs was kept aside: that one is judged anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, Engine

from batch import settings
from batch.bank.document import Source
from batch.bank.files import StatementFile, StatusFile, open_bank_file
from batch.bank.import_letters import tell
from batch.french import counted, whole_number
from ledger import audit
from ledger.bank_messages import Entry, FileDescription, MessageKind, Statement
from ledger.calendar import paris_date
from ledger.database import long_transaction
from ledger.reconciliation import expectations, lock, position, reports, retries, statements
from ledger.reconciliation.entries import Writer
from ledger.reconciliation.progress import move_runs
from ledger.reconciliation.reports import ReportCounts
from ledger.reconciliation.statements import Verdict
from ledger.statement_checks import (
    Consequence,
    MovementNames,
    Remark,
    account_of,
    check_file,
    check_movements,
    recorded,
)

Progress = Callable[[int], None]
_AT_ONCE = 1000


@dataclass(slots=True)
class ImportReport:
    """What became of a file. `seen` says that nothing happened since these bytes were known."""

    described: FileDescription
    import_id: int
    seen: Remark | None = None
    statements: list[Verdict] = field(default_factory=list)
    entries: int = 0
    """Entries that were taken."""
    left_open: int = 0
    """Entries of which something waits for a person or for a later file."""
    cleared: int = 0
    """Entries of earlier files that this one helped to explain."""
    report: ReportCounts | None = None

    @property
    def aside(self) -> bool:
        """Whether something of it was kept aside."""
        return any(verdict.outcome is Consequence.QUARANTINE for verdict in self.statements)

    def sentences(self) -> list[str]:
        """What became of the file, in French."""
        if self.seen is not None:
            return [self.seen.sentence]
        said = [remark.sentence for verdict in self.statements for remark in verdict.remarks]
        said += [
            f"Le relevé {verdict.statement.statement_id} est mis à l’écart, sans aucun effet."
            for verdict in self.statements
            if verdict.outcome is Consequence.QUARANTINE
        ]
        if self.report is not None:
            told = self.report
            accepted, pending = counted(told.accepted, "virement accepté"), whole_number(told.pending)
            said += [
                f"{accepted}, {pending} en cours, {whole_number(told.rejected)} à payer de nouveau.",
                *told.sentences,
            ]
        else:
            said.append(f"{counted(self.entries, 'écriture')}, dont {whole_number(self.left_open)} à examiner.")
        if self.cleared:
            said.append(f"Ce fichier explique {counted(self.cleared, 'écriture')} des fichiers d’avant.")
        return said


def import_bank_file(
    engine: Engine, source: Source, *, name: str, actor: str, progress: Progress | None = None
) -> ImportReport:
    """Read a camt.053, camt.054 or pain.002 and put it into the books.

    `progress` is told the number of entries taken so far. Raises `BankFileRefused` when the file cannot be trusted;
    nothing has happened then.
    """
    with open_bank_file(source) as bank_file, long_transaction(engine) as conn:
        return take_bank_file(conn, bank_file, name=name, actor=actor, progress=progress)


def take_bank_file(
    conn: Connection,
    bank_file: StatementFile | StatusFile,
    *,
    name: str,
    actor: str,
    progress: Progress | None = None,
) -> ImportReport:
    """Put a file that was read whole into the books, in a transaction that may take its time."""
    described = bank_file.description
    lock.take_turn(conn)
    seen = statements.seen_file(conn, described.sha256)
    if seen is not None and not seen.aside:
        return ImportReport(described, seen.import_id, seen=check_file(described, seen.imported_at))
    if seen is not None:
        statements.look_again(conn, seen.import_id, actor=actor)
        import_id = seen.import_id
    else:
        import_id = statements.record_import(conn, described, name=name, actor=actor)
    report = _Import(conn, import_id, actor, progress).run(bank_file)
    audit.record(
        conn,
        actor=actor,
        action="bank.import",
        subject=f"bank_import:{import_id}",
        details={"name": name, "sha256": described.sha256, "kind": described.kind},
    )
    return report


def own_accounts(conn: Connection) -> frozenset[str]:
    """The IBANs we pay from."""
    configured = settings.PAYER_IBAN.value.replace(" ", "")
    return expectations.own_accounts(conn, [configured] if configured else [])


class _Import:
    """One file on its way into the books, within one transaction."""

    def __init__(self, conn: Connection, import_id: int, actor: str, progress: Progress | None) -> None:
        self._conn = conn
        self._import_id = import_id
        self._actor = actor
        self._progress = progress or (lambda _: None)
        self._own = own_accounts(conn)

    def run(self, bank_file: StatementFile | StatusFile) -> ImportReport:
        conn = self._conn
        named = [bank_file.report.original_message_id or ""] if isinstance(bank_file, StatusFile) else []
        known = expectations.known(conn, named)
        writer = Writer(conn, known, tell, self._actor)
        report = ImportReport(bank_file.description, self._import_id)
        if isinstance(bank_file, StatusFile):
            report.report = reports.take_report(
                conn,
                self._import_id,
                bank_file.report,
                bank_file.instructions(),
                bank_file.description.created_at,
                known,
                tell=tell,
                actor=self._actor,
            )
        else:
            self._take_statements(bank_file, writer, report)
            position.adjust(conn, self._import_id, paris_date(datetime.now(UTC)))
        report.cleared = retries.retry_open(writer)
        reports.close_answered(conn, actor=self._actor)
        move_runs(conn, known.run_ids.values(), actor=self._actor)
        return report

    def _take_statements(self, bank_file: StatementFile, writer: Writer, report: ImportReport) -> None:
        overlaps = self._overlaps(bank_file)
        taken: dict[int, int] = {}
        for statement in map(self._called_as_ours, bank_file.statements):
            overlap = check_movements(overlaps[statement.number], {name for _, name in overlaps[statement.number]})
            verdict = statements.judge(self._conn, bank_file.description, statement, self._own, overlap)
            if verdict.outcome is not Consequence.SKIP:
                number = statements.record_statement(
                    self._conn, self._import_id, bank_file.description, verdict, actor=self._actor
                )
                verdict = replace(verdict, number=number)
                if verdict.outcome is not Consequence.QUARANTINE:
                    taken[statement.number] = number
            report.statements.append(verdict)
        for statement, entries in self._by_statement(bank_file):
            if statement.number in taken:
                self._take_entries(statement, entries, taken[statement.number], writer, report)
        writer.flush()

    def _take_entries(
        self, statement: Statement, entries: Iterator[Entry], statement_id: int, writer: Writer, report: ImportReport
    ) -> None:
        names = MovementNames(statement.account)
        last_day = recorded(statement).last_day
        notified = retries.notified_only(self._conn) if statement.kind is MessageKind.STATEMENT else set()
        for entry in entries:
            name = names.name(entry)
            told = retries.enriched(self._conn, entry, name) if name in notified else None
            report.left_open += writer.take(statement_id, entry, statement.kind, name, last_day=last_day, told=told)
            report.entries += 1
            if report.entries % _AT_ONCE == 0:
                self._progress(report.entries)

    def _overlaps(self, bank_file: StatementFile) -> defaultdict[int, list[tuple[Entry, str]]]:
        """The movements of each statement that another one tells, earlier in the file or in an earlier file."""
        overlaps: defaultdict[int, list[tuple[Entry, str]]] = defaultdict(list)
        if bank_file.description.kind is not MessageKind.STATEMENT:
            return overlaps
        in_file: dict[str, int] = {}
        waiting: list[tuple[int, Entry, str]] = []
        for statement, entries in self._by_statement(bank_file):
            names = MovementNames(statement.account)
            for entry in entries:
                name = names.name(entry)
                if not entry.account_servicer_ref:
                    continue
                if in_file.setdefault(name, statement.number) != statement.number:
                    overlaps[statement.number].append((entry, name))
                waiting.append((statement.number, replace(entry, details=()), name))
                if len(waiting) >= _AT_ONCE:
                    self._look_up(waiting, overlaps)
        self._look_up(waiting, overlaps)
        return overlaps

    def _look_up(
        self, waiting: list[tuple[int, Entry, str]], overlaps: defaultdict[int, list[tuple[Entry, str]]]
    ) -> None:
        known = statements.on_other_statements(self._conn, [name for _, _, name in waiting])
        for number, entry, name in waiting:
            if name in known:
                overlaps[number].append((entry, name))
        waiting.clear()

    def _by_statement(self, bank_file: StatementFile) -> Iterator[tuple[Statement, Iterator[Entry]]]:
        for statement, pairs in groupby(bank_file.entries(), key=itemgetter(0)):
            yield self._called_as_ours(statement), (entry for _, entry in pairs)

    def _called_as_ours(self, statement: Statement) -> Statement:
        return replace(statement, account=account_of(statement.account, self._own))
