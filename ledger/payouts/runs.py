"""Reading runs: what the pages, the commands, the documents and the file are made from. Amounts are in cents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, text

from ledger.calendar import last_day_before, week_of
from ledger.payouts.content import FrozenHeld, FrozenPayment
from ledger.payouts.rules import Flag, Hold, Payer

State = Literal[
    "draft", "frozen", "approved", "generated", "transmitted", "booked", "partial", "rejected", "reconciled",
    "refused", "empty",
]  # fmt: skip

STATE_WORDS: dict[State, str] = {
    "draft": "en préparation",
    "frozen": "figée, à approuver",
    "approved": "approuvée",
    "generated": "fichier produit",
    "transmitted": "transmise à la banque",
    "booked": "exécutée",
    "partial": "exécutée en partie",
    "rejected": "rejetée par la banque",
    "reconciled": "rapprochée",
    "refused": "refusée",
    "empty": "rien à payer",
}

PaymentState = Literal["planned", "issued", "booked", "rejected", "returned", "withdrawn"]

PAYMENT_STATE_WORDS: dict[PaymentState, str] = {
    "planned": "prévu",
    "issued": "émis",
    "booked": "exécuté",
    "rejected": "rejeté",
    "returned": "retourné",
    "withdrawn": "retiré",
}


class UnknownRun(LookupError):
    """No run has this number or reference."""


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """The bytes that go to the bank, by what identifies them."""

    message_id: str
    name: str
    size: int
    sha256: bytes
    created_at: datetime
    execution_date: date


@dataclass(frozen=True, slots=True)
class Run:
    """One payout run. `amount + carried + held = owed`."""

    id: int
    reference: str
    weekly: bool
    cutoff: datetime
    state: State
    payer: Payer
    bank_profile: dict[str, Any]
    payments: int
    amount: int
    carried: int
    held: int
    owed: int
    amount_limit: int
    advance_ceiling: int | None
    flags: tuple[Flag, ...]
    content_hash: bytes
    seal_number: int | None
    settled_through: int
    prepared_by: str
    prepared_at: datetime
    file: PaymentFile | None

    @property
    def first_day(self) -> date:
        """The Monday of the week that it closes."""
        return week_of(self.cutoff - timedelta(microseconds=1)).monday

    @property
    def last_day(self) -> date:
        """The day on whose last instant, or in whose course, it closes."""
        return last_day_before(self.cutoff)

    @property
    def out_of_turn(self) -> datetime | None:
        """The instant up to which it pays, where it is not the run of a week."""
        return None if self.weekly else self.cutoff


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of a run, with what happened to it since it was frozen."""

    id: int
    frozen: FrozenPayment
    state: PaymentState
    end_to_end_id: str | None
    state_reason: str | None
    partner_name: str
    partner_email: str
    town: str
    uai: str
    siret: str


@dataclass(frozen=True, slots=True)
class Held:
    """An amount that is owed and not in the run."""

    frozen: FrozenHeld
    partner_name: str
    siret: str


@dataclass(frozen=True, slots=True)
class Step:
    """One event in the story of a run."""

    state: State
    actor: str
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of the content hash."""

    person_id: int
    name: str
    at: datetime


_RUNS = """
    select r.*, f.message_id, f.name as file_name, f.size, f.sha256, f.created_at, f.execution_date
      from payout_run r left join payout_file f on f.run_id = r.id
"""

_PAYMENTS = """
    select p.*, s.name as partner_name, s.email as partner_email, s.town, s.uai, s.siret
      from payout_payment p join partner s on s.id = p.partner_id
"""


STREAMED = {"stream_results": True, "yield_per": 1000}
"""How to read what may be a hundred thousand rows."""


def _run(row: Row[Any]) -> Run:
    file = None
    if row.message_id is not None:
        file = PaymentFile(
            row.message_id, row.file_name, row.size, bytes(row.sha256), row.created_at, row.execution_date
        )
    return Run(
        id=row.id,
        reference=row.reference,
        weekly=row.weekly,
        cutoff=row.cutoff,
        state=row.state,
        payer=Payer(**row.payer),
        bank_profile=row.bank_profile,
        payments=row.payments,
        amount=row.amount,
        carried=row.carried,
        held=row.held,
        owed=row.owed,
        amount_limit=row.amount_limit,
        advance_ceiling=row.advance_ceiling,
        flags=tuple(map(Flag, row.flags)),
        content_hash=bytes(row.content_hash),
        seal_number=row.seal_number,
        settled_through=row.settled_through,
        prepared_by=row.prepared_by,
        prepared_at=row.prepared_at,
        file=file,
    )


def _payment(row: Row[Any]) -> Payment:
    frozen = FrozenPayment(
        line=row.line,
        partner_id=row.partner_id,
        bank_account_id=row.bank_account_id,
        name=row.name,
        iban=row.iban,
        bic=row.bic,
        siren=row.siren,
        amount=row.amount,
        transfers=row.transfers,
        transfers_digest=row.transfers_digest,
        reissue=row.reissue,
        flags=tuple(map(Flag, row.flags)),
    )
    return Payment(
        id=row.id,
        frozen=frozen,
        state=row.state,
        end_to_end_id=row.end_to_end_id,
        state_reason=row.state_reason,
        partner_name=row.partner_name,
        partner_email=row.partner_email,
        town=row.town,
        uai=row.uai,
        siret=row.siret,
    )


def get(conn: Connection, run_id: int) -> Run:
    """The run with this number. Raises `UnknownRun`."""
    row = conn.execute(text(_RUNS + " where r.id = :id"), {"id": run_id}).one_or_none()
    if row is None:
        raise UnknownRun(f"Aucune campagne ne porte le numéro {run_id}.")
    return _run(row)


def by_reference(conn: Connection, reference: str) -> Run:
    """The run with this reference, such as "2026-W36". Raises `UnknownRun`."""
    row = conn.execute(text(_RUNS + " where r.reference = :reference"), {"reference": reference}).one_or_none()
    if row is None:
        raise UnknownRun(f"Aucune campagne ne porte la référence {reference}.")
    return _run(row)


def latest(conn: Connection, limit: int = 20, *, before: int | None = None) -> list[Run]:
    """Runs, the newest first; `before` a number for the next page."""
    wanted = text(_RUNS + " where r.id < coalesce(:before, 2147483647) order by r.id desc limit :limit")
    return [_run(row) for row in conn.execute(wanted, {"limit": limit, "before": before})]


def in_state(conn: Connection, *states: State) -> list[Run]:
    """The runs that are in one of these states, the oldest first."""
    wanted = text(_RUNS + " where r.state::text = any(:states) order by r.id")
    return [_run(row) for row in conn.execute(wanted, {"states": list(states)})]


def payments(conn: Connection, run_id: int) -> Iterator[Payment]:
    """The payments of a run by line, drawn as they are asked for: a run may have a hundred thousand."""
    wanted = text(_PAYMENTS + " where p.run_id = :run order by p.line")
    with conn.execute(wanted, {"run": run_id}, execution_options=STREAMED) as found:
        for row in found:
            yield _payment(row)


def payment(conn: Connection, payment_id: int) -> tuple[Run, Payment]:
    """One payment and its run. Raises `UnknownRun` where there is none of this number."""
    row = conn.execute(text(_PAYMENTS + " where p.id = :id"), {"id": payment_id}).one_or_none()
    if row is None:
        raise UnknownRun(f"Aucun virement ne porte le numéro {payment_id}.")
    return get(conn, row.run_id), _payment(row)


def payments_of_partner(conn: Connection, partner_id: int, limit: int = 50) -> list[Payment]:
    """What was sent, or is about to be sent, to a partner; the newest first."""
    theirs = " where p.partner_id = :partner and p.state <> 'withdrawn' order by p.id desc limit :limit"
    wanted = text(_PAYMENTS + theirs)
    return [_payment(row) for row in conn.execute(wanted, {"partner": partner_id, "limit": limit})]


def held(conn: Connection, run_id: int) -> Iterator[Held]:
    """What is owed and not in the run, by partner."""
    wanted = text("""
        select h.*, s.name, s.siret from payout_held h join partner s on s.id = h.partner_id
         where h.run_id = :run order by h.partner_id
    """)
    with conn.execute(wanted, {"run": run_id}, execution_options=STREAMED) as found:
        for row in found:
            frozen = FrozenHeld(
                partner_id=row.partner_id, amount=row.amount, transfers=row.transfers, reason=Hold(row.reason)
            )
            yield Held(frozen, row.name, row.siret)


def steps(conn: Connection, run_id: int) -> list[Step]:
    """The story of a run, from its freezing."""
    wanted = text("select state, actor, at, reason from payout_step where run_id = :run order by id")
    return [Step(*row) for row in conn.execute(wanted, {"run": run_id})]


def approvals(conn: Connection, run_id: int) -> list[Approval]:
    """Who approved a run, in order."""
    wanted = text("""
        select a.person_id, p.name, a.approved_at from payout_approval a join person p on p.id = a.person_id
         where a.run_id = :run order by a.approved_at, a.person_id
    """)
    return [Approval(*row) for row in conn.execute(wanted, {"run": run_id})]


def called(conn: Connection, actor: str) -> str:
    """The name of whoever acted: a person's, else what the actor's text says of a job or an operator."""
    kind, _, number = actor.partition(":")
    if kind == "person" and number.isdigit():
        name = conn.execute(text("select name from person where id = :id"), {"id": int(number)}).scalar_one_or_none()
        return name or actor
    return {"job": "tâche automatique", "operator": f"opérateur {number}"}.get(kind, actor)
