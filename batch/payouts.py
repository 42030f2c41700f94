"""The weekly run, step by step: prepare, generate the file, hand it over. Approval lies between, and is for people.

Each step may be asked twice, by two workers at once, or again after a crash: it finds what the first one committed and
leaves it alone. The database decides (see `ledger.payouts`), neither the queue nor the clock of a machine.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Engine

from batch import settings
from batch.sepa.check import check_file
from batch.sepa.pain001 import Debtor, Payment, PaymentBatch, WrittenFile, message_id, write_pain001
from batch.sepa.profile import BankProfile, load_profile, profile_from
from batch.sepa.rules import Finding
from batch.sepa.target import requested_execution_date
from ledger import audit
from ledger.calendar import Week
from ledger.data_folder import Unusable
from ledger.identifiers import InvalidIdentifier, parse_iban
from ledger.payouts import calendar, files, runs
from ledger.payouts.approval import NotAllowed
from ledger.payouts.freeze import freeze
from ledger.payouts.rules import Payer, Terms
from ledger.payouts.runs import Run
from ledger.settings import Setting

Progress = Callable[[int], None]

_BIC = re.compile(r"\A[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?\Z")


class FileRefused(Exception):
    """Our own checks let no file leave that the bank could not take; `findings` says what is wrong, line by line."""

    def __init__(self, run: Run, findings: list[Finding]) -> None:
        super().__init__(f"Le fichier de la campagne {run.reference} ne passe pas le contrôle : {findings[0].message}")
        self.findings = findings


def terms() -> Terms:
    """The conditions under which runs are frozen now, from the settings. Raises `Unusable`, and `ProfileError`."""
    typed = settings.PAYER_IBAN.value.strip()
    if not typed:
        raise Unusable(f"Set {settings.PAYER_IBAN.variable} to the account that pays the partners.")
    try:
        iban = parse_iban(typed)
    except InvalidIdentifier as error:
        raise Unusable(
            f"{settings.PAYER_IBAN.variable}: {error.value_masked} ({len(typed)} characters) is no IBAN of the SEPA "
            "area: a character is wrong, missing or too many."
        ) from error
    bic = settings.PAYER_BIC.value or iban.bic
    if not bic:
        raise Unusable(f"Set {settings.PAYER_BIC.variable}: the bank of {settings.PAYER_IBAN.variable} is not known.")
    if not _BIC.match(bic):
        raise Unusable(
            f"{settings.PAYER_BIC.variable}: {bic!r} is no BIC, which has 8 or 11 capital letters and digits."
        )
    name = settings.PAYER_NAME.value.strip()
    if not name:
        raise Unusable(f"Set {settings.PAYER_NAME.variable}: the bank wants to know who pays.")
    _message_id(1)  # A prefix that no file could bear is told before a week is frozen for it.
    return Terms(
        payer=Payer(name, iban.text, bic),
        bank_profile=_entries(load_profile(settings.BANK_PROFILE.value)),
        minimum=_at_least(1, settings.PAYOUT_MINIMUM_CENTS),
        payment_limit=_at_least(1, settings.PAYOUT_PAYMENT_LIMIT_CENTS),
        weekly_limit=_at_least(1, settings.PAYOUT_WEEKLY_LIMIT_CENTS),
        run_limit=_at_least(1, settings.PAYOUT_RUN_LIMIT_CENTS),
        advance_ceiling=_at_least(0, settings.PAYOUT_ADVANCE_CEILING_CENTS) or None,
        unusual_times=_at_least(1, settings.PAYOUT_UNUSUAL_TIMES),
    )


def _at_least(least: int, setting: Setting[int]) -> int:
    if setting.value < least:
        raise Unusable(f"{setting.variable}: {setting.value} is too little, it begins at {least}.")
    return setting.value


def _message_id(number: int) -> str:
    try:
        return message_id(number, settings.MESSAGE_PREFIX.value)
    except ValueError as error:
        raise Unusable(f"{settings.MESSAGE_PREFIX.variable}: {error}.") from error


def _entries(profile: BankProfile) -> dict[str, Any]:
    """The profile as JSON can hold it; `profile_from` reads it back."""
    return {name: value.isoformat() if name == "cut_off" else value for name, value in asdict(profile).items()}


# -- prepare -------------------------------------------------------------------------------------------------------


def prepare_due(engine: Engine, *, actor: str, now: datetime | None = None) -> list[int]:
    """Freeze one run for each week that is due, the oldest first, and return their numbers."""
    conditions = terms()
    prepared = []
    with engine.connect() as conn:
        weeks = calendar.due(conn, now or datetime.now(UTC))
    for week in weeks:
        with engine.begin() as conn:
            prepared.append(freeze(conn, cutoff=week.ends_at, terms=conditions, actor=actor))
    return prepared


def prepare_week(engine: Engine, week: Week, *, actor: str, now: datetime | None = None) -> int:
    """Freeze the run of one week anew after its run was refused. Raises `NotAllowed` for a week that had none."""
    now = now or datetime.now(UTC)
    with engine.connect() as conn:
        if week.ends_at <= now and not calendar.can_be_prepared(conn, week, now):
            raise NotAllowed("no_such_week", f"La semaine {week.name} n’a pas eu de campagne à préparer de nouveau.")
    return prepare(engine, cutoff=week.ends_at, actor=actor, weekly=True)


def prepare(engine: Engine, *, cutoff: datetime, actor: str, weekly: bool = False) -> int:
    """Freeze a run out of turn, of all that is owed before `cutoff`, or with `weekly` the run of the week it ends."""
    conditions = terms()
    with engine.begin() as conn:
        return freeze(conn, cutoff=cutoff, terms=conditions, actor=actor, weekly=weekly)


# -- generate ------------------------------------------------------------------------------------------------------


def generate(engine: Engine, run_id: int, *, actor: str, progress: Progress | None = None) -> Run:
    """Make the file of an approved run: number, postings, bytes and their check, in one transaction.

    A run that has its file keeps it. `progress` is told the number of payments written so far. Raises `NotAllowed`,
    `Altered`, and `FileRefused` when the bytes do not pass our own check; nothing has happened then.
    """
    with engine.begin() as conn, tempfile.TemporaryFile() as content:
        run = files.lock_for_file(conn, run_id)
        if run.file is not None:
            return run
        number = files.next_number(conn, run)
        message = _message_id(number.number)
        profile = profile_from(run.bank_profile)
        execution_date = requested_execution_date(number.created_at, profile.execution_offset, profile.cut_off)
        files.issue(conn, run, message)
        batch = _batch(conn, run, message, number.created_at, profile, execution_date)
        write_pain001(batch, content, progress)
        content.seek(0)
        findings = check_file(content, profile)
        if findings:
            raise FileRefused(run, findings)
        files.store(
            conn,
            run,
            number,
            message_id=message,
            execution_date=execution_date,
            name=f"{message}.xml",
            content=content,
            actor=actor,
        )
        return runs.get(conn, run_id)


def rewrite(conn: Connection, run: Run, stream: BinaryIO) -> WrittenFile:
    """Write the file of a run anew from its frozen payments; other bytes than those stored tell of a change."""
    if run.file is None:
        raise ValueError(f"run {run.reference} has no file")
    profile = profile_from(run.bank_profile)
    batch = _batch(conn, run, run.file.message_id, run.file.created_at, profile, run.file.execution_date)
    return write_pain001(batch, stream)


def _batch(
    conn: Connection, run: Run, message: str, created_at: datetime, profile: BankProfile, execution_date: Any
) -> PaymentBatch:
    return PaymentBatch(
        message_id=message,
        created_at=created_at,
        debtor=Debtor(run.payer.name, run.payer.iban, run.payer.bic),
        requested_date=execution_date,
        profile=profile,
        payments=_payments(conn, run),
        count=run.payments,
        total_cents=run.amount,
    )


def _payments(conn: Connection, run: Run) -> Iterator[Payment]:
    for issued in files.issued(conn, run):
        yield Payment(
            end_to_end_id=issued.end_to_end_id,
            amount_cents=issued.amount,
            name=issued.name,
            iban=issued.iban,
            bic=issued.bic,
            remittance=f"Atouts Normandie {run.reference} {issued.uai}",
        )


# -- hand over -----------------------------------------------------------------------------------------------------


def transmit(engine: Engine, run_id: int, *, actor: str, folder: Path | None = None) -> Path:
    """Put the file where the bank's transfer software takes it, whole or not at all, and return its path there.

    May be asked again whatever happened: the same bytes under the same name. Once the bank has it, it is not sent again
    by itself. Raises `NotAllowed`, `Altered`, and `Unusable` when that folder cannot take it.
    """
    folder = folder or _folder()
    if not folder.is_dir():
        raise Unusable(f"There is no folder {folder} to put the payment file into.")
    with engine.begin() as conn:
        run = files.lock_for_file(conn, run_id)
        target = folder / (run.file.name if run.file else "")
        if run.file is not None and run.state != "generated":
            return target
        # Committed before a byte leaves: after a crash we know that it may have left.
        number = files.begin_transmission(conn, run, channel="directory", destination=str(folder), actor=actor)
    with engine.begin() as conn:
        run = files.lock_for_file(conn, run_id)
        if run.state == "generated":
            try:
                _drop(conn, run, target)
            except OSError as error:
                raise Unusable(f"The payment file cannot be put into {folder} ({error.strerror}).") from error
        files.finish_transmission(conn, run, number, actor=actor)
    return target


def _folder() -> Path:
    folder = Path(settings.PAYOUT_FOLDER.value)
    if not settings.PAYOUT_FOLDER.value or not folder.is_dir():
        raise Unusable(f"Set {settings.PAYOUT_FOLDER.variable} to the folder where the bank's software takes files.")
    return folder


def _drop(conn: Connection, run: Run, target: Path) -> None:
    """Write the stored bytes beside `target`, have them on the disk, then give them their name in one step."""
    # Always the same draft: what a crash has left of it is written over by the next attempt.
    draft = target.with_name(f".{target.name}.part")
    try:
        # For us and the group of the bank's software only: it is full of accounts.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "wb") as stream:
            files.copy(conn, run, stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def download(engine: Engine, run_id: int, stream: BinaryIO, *, actor: str) -> runs.PaymentFile:
    """Write the stored bytes to `stream` for a person who may have them, and record that they left this way.

    Whether the bank has them is for that person to say: see `ledger.payouts.files.confirm_transmission`.
    """
    with engine.begin() as conn:
        run = files.lock_for_file(conn, run_id)
        number = files.begin_transmission(conn, run, channel="download", destination=actor, actor=actor)
        file = files.copy(conn, run, stream)
        files.finish_transmission(conn, run, number, actor=actor, handed_over=False)
        return file


def handed_over(engine: Engine, run_id: int, *, actor: str) -> None:
    """A person brought a downloaded copy of the file to the bank. Raises `NotAllowed` if nobody has downloaded any."""
    with engine.begin() as conn:
        run = files.lock_for_file(conn, run_id)
        if run.file is None:
            raise NotAllowed("no_file_yet", "Le fichier de cette campagne n’est pas encore produit.")
        files.confirm_transmission(conn, run_id, actor=actor, reason="remis à la main")
        audit.record(conn, actor=actor, action="payout.transmit", subject=f"payout_run:{run.reference}")
