"""Statements that are kept aside: what may be done about each, and the two signatures that may have one taken.

None of their entries is kept, so a statement that is released is taken when its file is dropped once more. The release
is of the statement's content: another content under its name is judged anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, text

from ledger import audit, promises
from ledger.reconciliation import lock
from ledger.reconciliation.decisions import CannotSettle, require_known
from ledger.statement_checks import RELEASABLE, REMEDIES, Consequence, Finding, Remark

_ASIDE = text("""
    select s.id, i.name as file, s.remarks, a.signed_by as asked_by, a.reason, g.signed_by as granted_by
      from bank_statement s
      join bank_import i on i.id = s.import_id
      left join bank_release a on a.statement_id = s.id and a.step = 'asked'
      left join bank_release g on g.statement_id = s.id and g.step = 'granted'
     where s.id = :id and s.state = 'quarantined'
""")
_SIGN = text("""
    insert into bank_release (statement_id, step, signed_by, reason) values (:id, :step, :actor, :reason)
""")
_RELEASED = text("""
    select a.reason from bank_statement s
      join bank_release a on a.statement_id = s.id and a.step = 'asked'
      join bank_release g on g.statement_id = s.id and g.step = 'granted'
     where s.kind = :kind and s.account = :account and s.fingerprint = :fingerprint
     order by g.signed_at desc limit 1
""")
_REFUSALS = {
    "each_step_is_signed_once": "C’est déjà signé.",
    "two_people_sign": "Vous avez demandé la prise en compte : une autre personne doit la contresigner.",
}


@dataclass(frozen=True, slots=True)
class Aside:
    """A statement that is kept aside, with what to do about it and who has signed for it so far."""

    id: int
    file: str
    remarks: tuple[Remark, ...]
    asked_by: str | None
    reason: str | None
    granted_by: str | None

    @property
    def remedies(self) -> tuple[str, ...]:
        """What an accountant does about it, in French."""
        return tuple(REMEDIES[remark.finding] for remark in self.remarks if remark.finding in REMEDIES)

    @property
    def releasable(self) -> bool:
        """Whether two people may have it taken."""
        return all(may_be_released(remark) for remark in self.remarks)


def may_be_released(remark: Remark) -> bool:
    """Whether a finding keeps a statement aside at most until two people have signed."""
    return remark.consequence is not Consequence.QUARANTINE or remark.finding in RELEASABLE


def find(conn: Connection, statement_id: int) -> Aside | None:
    """The statement with this number, if it is kept aside."""
    row = conn.execute(_ASIDE, {"id": statement_id}).one_or_none()
    if row is None:
        return None
    remarks = tuple(Remark(Finding(remark["finding"]), remark["sentence"]) for remark in row.remarks)
    return Aside(row.id, row.file, remarks, row.asked_by, row.reason, row.granted_by)


def ask(conn: Connection, statement_id: int, *, reason: str, actor: str) -> None:
    """Ask that a statement be taken all the same; it takes somebody else's `grant`. Raises `CannotSettle`."""
    _releasable(conn, statement_id)
    if not reason.strip():
        raise CannotSettle("Dites pourquoi, en une phrase.")
    _sign(conn, statement_id, "asked", reason.strip(), actor)


def grant(conn: Connection, statement_id: int, *, actor: str) -> None:
    """Countersign: the statement is taken once its file is dropped again. Raises `CannotSettle`."""
    aside = _releasable(conn, statement_id)
    if aside.reason is None:
        raise CannotSettle("Personne n’a encore demandé que ce relevé soit pris en compte.")
    _sign(conn, statement_id, "granted", aside.reason, actor)


def released(conn: Connection, facts: Mapping[str, Any]) -> Remark | None:
    """The note that two people have signed for a statement with this account, kind and fingerprint, if they have."""
    reason = conn.execute(_RELEASED, facts).scalar_one_or_none()
    if reason is None:
        return None
    return Remark(Finding.RELEASED, f"Pris en compte sur la signature de deux personnes : {reason}")


def _releasable(conn: Connection, statement_id: int) -> Aside:
    lock.take_turn(conn)
    require_known(conn, "relevé", statement_id)
    aside = find(conn, statement_id)
    if aside is None:
        raise CannotSettle("Ce relevé n’est plus à l’écart.")
    if not aside.releasable:
        raise CannotSettle("Ce relevé ne peut pas être pris en compte tel quel, quelle que soit la signature.")
    return aside


def _sign(conn: Connection, statement_id: int, step: Literal["asked", "granted"], reason: str, actor: str) -> None:
    with promises.told(conn, _REFUSALS, lambda _, sentence: CannotSettle(sentence)):
        conn.execute(_SIGN, {"id": statement_id, "step": step, "actor": actor, "reason": reason})
    audit.record(
        conn,
        actor=actor,
        action=f"bank.release_{step}",
        subject=f"bank_statement:{statement_id}",
        details={"reason": reason},
    )
