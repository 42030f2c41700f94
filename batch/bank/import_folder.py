"""The watched folder: where the bank's software puts its files, taken in one by one.

A file that was taken goes to `traites`, a refused one to `refuses` beside a text that says why. Done twice, or broken
off anywhere, nothing happens twice: the same bytes change nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Engine

from batch import settings
from batch.bank.import_file import ImportReport, import_bank_file
from batch.bank.refusal import BankFileRefused
from ledger.data_folder import Unusable
from ledger.database import working_engine

log = structlog.get_logger(__name__)

ACTOR = "job:bank"
TAKEN, REFUSED = "traites", "refuses"
SETTLE_SECONDS = 10
"""A file that changed within these seconds may still be on its way, and is left for the next time."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that was found, with its report, or the sentence that refused it."""

    name: str
    report: ImportReport | None
    refusal: str | None = None


def import_folder(
    engine: Engine, folder: Path, *, actor: str = ACTOR, settled_for: float = SETTLE_SECONDS
) -> list[Dropped]:
    """Take in every file of a folder, by name.

    Raises `Unusable` when there is no such folder, and in the end an `ExceptionGroup` of what nobody foresaw: a file at
    which the import breaks off stays where it is, and those behind it are taken all the same.
    """
    if not folder.is_dir():
        raise Unusable(f"There is no folder {folder} to take bank files from.")
    before = time.time() - settled_for
    dropped, broken = [], {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(".") and path.stat().st_mtime <= before:
            try:
                dropped.append(_take(engine, path, actor))
            except Exception as error:
                log.exception("bank.import_broke_off", file=path.name)
                broken[path.name] = error
    if broken:
        raise ExceptionGroup(f"The import broke off at {', '.join(broken)}.", list(broken.values()))
    return dropped


def _take(engine: Engine, path: Path, actor: str) -> Dropped:
    try:
        report = import_bank_file(engine, path, name=path.name, actor=actor)
    except BankFileRefused as refusal:
        log.warning("bank.refused", file=path.name, reason=str(refusal))
        kept = _put_away(path, REFUSED)
        kept.with_name(f"{kept.name}.txt").write_text(f"{refusal}\n", encoding="utf-8")
        return Dropped(path.name, None, str(refusal))
    log.info("bank.imported", file=path.name, entries=report.entries, left_open=report.left_open)
    _put_away(path, TAKEN)
    return Dropped(path.name, report)


def _put_away(path: Path, folder: str) -> Path:
    target = path.parent / folder / path.name
    target.parent.mkdir(exist_ok=True)
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{path.stem}-{number}{path.suffix}")
    return path.rename(target)


def watch() -> int:
    """The job: take in what lies in the folder that is set, and say how many files that were."""
    if not settings.BANK_FOLDER.value:
        return 0
    with working_engine() as engine:
        return len(import_folder(engine, Path(settings.BANK_FOLDER.value)))
