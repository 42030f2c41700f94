"""The week closes: a job freezes the run, two people approve it, the bank's file and the advices are written."""

import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

from redis import Redis

from batch import payout_documents, payout_orders, payouts
from batch.documents.payout_run import payout_run_pdf
from batch.documents.remittance_advice import remittance_advice_csv, remittance_advice_pdf
from batch.french import counted, euros
from batch.payout_orders import Order
from batch.queue import redis_connection
from batch.sepa.check import check_file
from ledger import seals
from ledger.data_folder import Unusable
from ledger.payouts import approval, runs
from ledger.payouts.approval import NotAllowed
from ledger.rights import Role
from partner_portal.demo.people import CAST
from partner_portal.demo.story import Story

PATIENCE_SECONDS = 120


def close_the_week(story: Story) -> None:
    """From what partners are owed to the file that the bank takes, and what explains it to each of them."""
    stage = story.stage
    stage.chapter("La semaine se ferme : campagne de versement")
    with story.engine.begin() as conn:
        seals.seal(conn)
    (accountant,) = story.cast[Role.ACCOUNTANT]
    order = uuid4()
    redis = redis_connection()
    payout_orders.place(redis, order, Order.PREPARE_NOW, datetime.now(UTC).isoformat(), f"person:{accountant}")
    with stage.console.status("Une tâche fige ce qui est dû…"):
        run_id = _prepared(redis, order)
    with story.engine.connect() as conn:
        run = runs.get(conn, run_id)
        payments = list(runs.payments(conn, run_id))
        held = list(runs.held(conn, run_id))
    stage.say(f"Campagne {run.reference} figée par la tâche {str(order)[:8]} : {counted(run.payments, 'virement')}.")
    stage.say(
        f"{euros(run.amount)} à payer + {euros(run.carried)} reportés + {euros(run.held)} retenus "
        f"= {euros(run.owed)} dus."
    )
    stage.table(
        "Virements",
        ("N°:", "Bénéficiaire", "Montant:", "À regarder"),
        [
            (
                str(one.frozen.line),
                one.frozen.name,
                euros(one.frozen.amount),
                ", ".join(flag.words for flag in one.frozen.flags),
            )
            for one in payments
        ],
    )
    for one in held:
        stage.say(f"Laissé de côté : {one.partner_name}, {euros(one.frozen.amount)} ({one.frozen.reason.words}).")
    _approve(story, run_id)
    _write_everything(story, run_id)


def _prepared(redis: Redis, order: UUID) -> int:
    """Wait for the worker, and return the number of the run; raise `Unusable` when there is none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        progress = payout_orders.look_up(redis, order)
        if progress.outcome is not None and progress.outcome.run_ids:
            return progress.outcome.run_ids[0]
        if progress.is_over:
            reason = progress.outcome.refusal if progress.outcome else "see the worker's log"
            raise Unusable(f"The payout job prepared nothing: {reason}")
        time.sleep(0.1)
    raise Unusable("The payout job was not taken by a worker.")


def _approve(story: Story, run_id: int) -> None:
    """The accountant may not approve what they prepared; two approvers do, each the same hash."""
    stage = story.stage
    with story.engine.connect() as conn:
        run = runs.get(conn, run_id)
    (accountant,) = story.cast[Role.ACCOUNTANT]
    try:
        with story.engine.begin() as conn:
            approval.approve(conn, run_id, person_id=accountant, content_hash=run.content_hash)
    except NotAllowed as refused:
        stage.say(f"Le comptable essaie d’approuver lui-même : {refused}")
    names = (one.name for one in CAST if one.role is Role.PAYMENT_APPROVER)
    for name, person in zip(names, story.cast[Role.PAYMENT_APPROVER], strict=True):
        with story.engine.begin() as conn:
            complete = approval.approve(conn, run_id, person_id=person, content_hash=run.content_hash)
        stage.say(
            f"{name} approuve l’empreinte {run.content_hash.hex()[:16]}… "
            + ("La campagne est approuvée." if complete else "Il en faut encore un.")
        )


def _write_everything(story: Story, run_id: int) -> None:
    """The file for the bank, checked as it will leave, and the documents."""
    stage = story.stage
    (accountant,) = story.cast[Role.ACCOUNTANT]
    run = payouts.generate(story.engine, run_id, actor=f"person:{accountant}")
    file = payouts.transmit(story.engine, run_id, actor=f"person:{accountant}")
    out = file.parent
    with file.open("rb") as stream:
        findings = check_file(stream)
    if findings or run.file is None:
        raise Unusable(f"{file} does not pass our check: {findings[:1]}")
    stage.say(f"Fichier pain.001 : {file} ({run.file.size} octets, SHA-256 {run.file.sha256.hex()[:16]}…)")
    stage.say("Schéma officiel et règles SEPA : aucune anomalie.")
    with story.engine.connect() as conn:
        run = runs.get(conn, run_id)
        for payment in runs.payments(conn, run_id):
            advice = payout_documents.advice(conn, run, payment)
            name = f"avis-{payment.end_to_end_id}"
            (out / f"{name}.pdf").write_bytes(remittance_advice_pdf(advice))
            (out / f"{name}.csv").write_bytes(remittance_advice_csv(advice))
        summary = payout_documents.summary(conn, run)
        (out / f"campagne-{run.reference}.pdf").write_bytes(payout_run_pdf(summary))
    stage.say(f"{run.payments} avis de virement (PDF et CSV) et le bordereau de la campagne : {out}")
