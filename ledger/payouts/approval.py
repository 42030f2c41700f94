"""Approving and refusing a run.

Two people approve the hash of the content; neither prepared it nor had a hand in an account that it pays to. One person
is enough to refuse, which frees every transfer again. The database keeps both promises (in 0004_payouts.sql, see
`payout_approval_is_independent` and `payout_step_moves_run`); here they get words.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from operator import attrgetter

from sqlalchemy import Connection, text

from ledger import audit, promises
from ledger.payouts import runs
from ledger.payouts.content import ContentHash, FrozenHead, FrozenHeld, FrozenPayment
from ledger.payouts.freeze import LOCK_LINES, STEP, UNHURRIED
from ledger.payouts.runs import STATE_WORDS

APPROVALS_NEEDED = 2

REFUSABLE = ("frozen", "approved")
"""The states in which a run has no file yet, and can be refused."""

_APPROVE = text("insert into payout_approval (run_id, person_id, content_hash) values (:run, :person, :hash)")

# What two people agreed to and what the books hold must be the same lines.
_ALTERED_LINES = text("""
    select p.line
      from payout_payment p
      left join lateral (select encode(sha256(convert_to(
                                    string_agg(l.transfer_id || ':' || l.amount, ',' order by l.transfer_id), 'UTF8')),
                                'hex') as digest
                           from payout_line l where l.payment_id = p.id) l on true
     where p.run_id = :run and l.digest is distinct from p.transfers_digest
     limit 1
""")

_OUTDATED = text("select line, partner_name, why from payout_outdated(:run) limit 20")

_OUTDATED_WORDS = {
    "status": "le partenaire n’est plus validé",
    "ended": "le compte bancaire a changé",
    "blocked": "le compte bancaire a été bloqué",
}

_REFUSALS = {
    "only_frozen_runs_are_approved": "Cette campagne n’attend pas d’approbation.",
    "approval_is_of_the_content": "Cette empreinte n’est pas celle de la campagne : relisez-la avant d’approuver.",
    "run_within_its_limit": "La somme dépasse le plafond d’une campagne.",
    "run_within_the_advance": (
        "La somme dépasse l’avance disponible sur le compte : attendez que l’avance soit reconstituée et le relevé lu."
    ),
    "payees_are_current": "Un bénéficiaire a changé depuis : refusez la campagne et préparez-la de nouveau.",
    "maker_is_not_checker": "Vous avez préparé cette campagne : une autre personne doit l’approuver.",
    "no_hand_in_its_accounts": (
        "Vous êtes intervenu sur un compte bancaire de cette campagne : une autre personne doit l’approuver."
    ),
    "approver_has_the_role": "Cette personne n’a pas le droit d’approuver des paiements.",
    "payout_approval_pkey": "Vous avez déjà approuvé cette campagne : une autre personne doit le faire aussi.",
    "states_follow": "La campagne a changé d’état entre-temps.",
    "a_refusal_has_a_reason": "Dites pourquoi la campagne est refusée.",
}


class NotAllowed(Exception):
    """A rule of the payout protocol forbids it. The message is a French sentence, `rule` the name of the promise."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class Altered(Exception):
    """What is stored is not what was frozen: somebody went past the application. Nothing may be paid from it."""


@dataclass(frozen=True, slots=True)
class Outdated:
    """A payment whose partner or account changed after the run was frozen: the run has to be prepared again."""

    line: int
    partner_name: str
    why: str


def approve(conn: Connection, run_id: int, *, person_id: int, content_hash: bytes) -> bool:
    """Approve the content that has this hash; whether that makes the run approved, which takes two people.

    Raises `NotAllowed` with the reason, and `Altered`.
    """
    conn.execute(UNHURRIED)
    run = runs.get(conn, run_id)
    if run.state != "refused":  # its transfers are free again: there is nothing to compare any more
        verify(conn, run)
    if run.state != "frozen":
        told = f"Campagne {run.reference}, {STATE_WORDS[run.state]} : elle n’attend pas d’approbation."
        raise NotAllowed("states_follow", told)
    require_current(conn, run_id)
    actor = f"person:{person_id}"
    with promises.told(conn, _REFUSALS, NotAllowed):
        conn.execute(_APPROVE, {"run": run_id, "person": person_id, "hash": content_hash})
        complete = len(runs.approvals(conn, run_id)) >= APPROVALS_NEEDED
        if complete:
            conn.execute(STEP, {"run": run_id, "state": "approved", "actor": actor, "reason": None})
    audit.record(
        conn,
        actor=actor,
        action="payout.approve",
        subject=f"payout_run:{run.reference}",
        details={"content_hash": content_hash.hex(), "complete": complete},
    )
    return complete


def refuse(conn: Connection, run_id: int, *, actor: str, reason: str) -> None:
    """Refuse a run that has no file yet: every transfer it claimed is free again. Raises `NotAllowed`."""
    conn.execute(UNHURRIED)
    conn.execute(LOCK_LINES)
    run = runs.get(conn, run_id)
    if run.state not in REFUSABLE:
        told = f"Campagne {run.reference}, {STATE_WORDS[run.state]} : elle ne peut plus être refusée."
        raise NotAllowed("states_follow", told)
    with promises.told(conn, _REFUSALS, NotAllowed):
        conn.execute(STEP, {"run": run_id, "state": "refused", "actor": actor, "reason": reason.strip()})
    audit.record(
        conn, actor=actor, action="payout.refuse", subject=f"payout_run:{run.reference}", details={"reason": reason}
    )


def outdated(conn: Connection, run_id: int) -> list[Outdated]:
    """The first payments whose partner or account is not any more what it was when the run was frozen."""
    found = conn.execute(_OUTDATED, {"run": run_id})
    return [Outdated(row.line, row.partner_name, _OUTDATED_WORDS[row.why]) for row in found]


def require_current(conn: Connection, run_id: int) -> None:
    """Raise `NotAllowed` if a payee changed since the run was frozen."""
    changed = outdated(conn, run_id)
    if changed:
        told = " ; ".join(f"{one.partner_name} ({one.why})" for one in changed)
        remedy = "Refusez la campagne et préparez-la de nouveau."
        raise NotAllowed("payees_are_current", f"Depuis la préparation : {told}. {remedy}")


def verify(conn: Connection, run: runs.Run) -> None:
    """Compute the hash of what is stored, lines included, and compare. Raises `Altered`."""
    head = FrozenHead(
        reference=run.reference,
        weekly=run.weekly,
        cutoff=run.cutoff,
        settled_through=run.settled_through,
        payer=asdict(run.payer),
        bank_profile=run.bank_profile,
        amount_limit=run.amount_limit,
        advance_ceiling=run.advance_ceiling,
        seal_number=run.seal_number,
        prepared_by=run.prepared_by,
    )
    content = ContentHash(head)
    payments: Iterable[FrozenPayment | FrozenHeld] = (one.frozen for one in runs.payments(conn, run.id))
    held: Iterable[FrozenPayment | FrozenHeld] = (one.frozen for one in runs.held(conn, run.id))
    for part in heapq.merge(payments, held, key=attrgetter("partner_id")):
        content.add(part)
    if content.digest() != run.content_hash:
        raise Altered(f"Le contenu de la campagne {run.reference} n’est plus celui qui a été figé.")
    line = conn.execute(_ALTERED_LINES, {"run": run.id}).scalar_one_or_none()
    if line is not None:
        raise Altered(f"Les écritures du virement {line} de la campagne {run.reference} ne sont plus celles figées.")
