"""The reconciliation sheet of a run, from the books and from the stored file, for paper, spreadsheet and screen."""

from __future__ import annotations

import tempfile
from decimal import Decimal

from sqlalchemy import Connection

from batch.sepa.profile import profile_from
from batch.sepa.reader import read_blocks
from ledger.payouts import files, runs
from ledger.payouts.runs import Run
from ledger.reconciliation.run_sheet import RunSheet, run_sheet


def sheet(conn: Connection, run_id: int) -> RunSheet:
    """The sheet of a run, its middle column read from the very bytes that went to the bank."""
    return run_sheet(conn, run_id, amounts_in_file(conn, runs.get(conn, run_id)))


def amounts_in_file(conn: Connection, run: Run) -> dict[str, int] | None:
    """The cents of each payment in the stored file of a run, by end-to-end id; None where there is no file yet.

    Raises `Altered` when the stored bytes are not those that were produced.
    """
    if run.file is None:
        return None
    amounts: dict[str, int] = {}
    with tempfile.TemporaryFile() as content:
        files.copy(conn, run, content)
        content.seek(0)
        for block in read_blocks(content, profile_from(run.bank_profile).version):
            if block.kind == "CdtTrfTxInf":
                told = Decimal(block.text("Amt/InstdAmt") or "0")
                amounts[block.text("PmtId/EndToEndId") or ""] = int(told * 100)
    return amounts
