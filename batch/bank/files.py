"""A bank's file from the door: recognised, read to its end and checked, then handed out. Nothing has any effect here.

What to do with it:

    with open_bank_file(path) as bank_file:
        if isinstance(bank_file, StatementFile):
            for statement, entry in bank_file.entries():
                ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Self

from batch.bank.document import Format, Reading, Source, recognise
from batch.bank.header import MessageHeader
from batch.bank.refusal import BankFileRefused
from batch.bank.spool import Spool
from batch.bank.statements import read_statements
from batch.bank.status_reports import read_status_report
from ledger.bank_messages import (
    Detail,
    Entry,
    FileDescription,
    InstructionStatus,
    MessageKind,
    Statement,
    StatusReport,
    TransactionStatus,
)


class _OpenFile:
    """A file that was read whole. What it says waits on disk: close it, or use it in a `with`."""

    def __init__(self, description: FileDescription, spool: Spool) -> None:
        self.description = description
        self._spool = spool

    def close(self) -> None:
        """Drop what waits on disk."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class StatementFile(_OpenFile):
    """A camt.053 or camt.054."""

    def __init__(self, description: FileDescription, statements: tuple[Statement, ...], spool: Spool) -> None:
        super().__init__(description, spool)
        self.statements = statements

    def entries(self) -> Iterator[tuple[Statement, Entry]]:
        """Every entry with its statement, in the order of the file; from the first again at each call."""
        number = 0
        details: list[Detail] = []
        for item in self._spool:
            if isinstance(item, Detail):
                details.append(item)
            elif isinstance(item, Entry):
                yield self.statements[number], replace(item, details=tuple(details))
                details.clear()
            else:
                number += 1


class StatusFile(_OpenFile):
    """A pain.002."""

    def __init__(self, description: FileDescription, report: StatusReport, spool: Spool) -> None:
        super().__init__(description, spool)
        self.report = report

    def instructions(self) -> Iterator[InstructionStatus]:
        """What is said of each batch of payments, in the order of the file; from the first again at each call."""
        transactions: list[TransactionStatus] = []
        for item in self._spool:
            if isinstance(item, TransactionStatus):
                transactions.append(item)
            else:
                yield replace(item, transactions=tuple(transactions))
                transactions.clear()


def open_bank_file(source: Source) -> StatementFile | StatusFile:
    """Read a bank's file to its end and check all of it.

    Raises BankFileRefused with the first fault; OSError when the file cannot be read.
    """
    reading = Reading(source)
    spool = Spool()
    try:
        form = recognise(reading)
        if form.kind is MessageKind.STATUS_REPORT:
            return _status_file(reading, form, spool)
        return _statement_file(reading, form, spool)
    except BaseException:
        spool.close()
        raise
    finally:
        reading.close()


def _statement_file(reading: Reading, form: Format, spool: Spool) -> StatementFile:
    header: MessageHeader | None = None
    statements: list[Statement] = []
    for item in read_statements(reading, form):
        if isinstance(item, MessageHeader):
            header = item
        else:
            spool.put(item)
        if isinstance(item, Statement):
            statements.append(item)
    return StatementFile(_description(reading, form, header), tuple(statements), spool)


def _status_file(reading: Reading, form: Format, spool: Spool) -> StatusFile:
    header: MessageHeader | None = None
    report: StatusReport | None = None
    for item in read_status_report(reading, form):
        if isinstance(item, MessageHeader):
            header = item
        elif isinstance(item, StatusReport):
            report = item
        else:
            spool.put(item)
    if report is None:
        raise BankFileRefused("il ne dit pas sur quel fichier il porte.", element="OrgnlGrpInfAndSts")
    return StatusFile(_description(reading, form, header), report, spool)


def _description(reading: Reading, form: Format, header: MessageHeader | None) -> FileDescription:
    if header is None:
        raise BankFileRefused("l'en-tête est obligatoire et manque.", element="GrpHdr")
    return FileDescription(
        sha256=reading.sha256,
        size=reading.size,
        kind=form.kind,
        version=form.version,
        message_id=header.message_id,
        created_at=header.created_at,
    )
