"""What an operator of the Region watches: the tasks that run by themselves, and the mails that did not leave."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from batch import queue
from batch.mail import STATE_WORDS
from ledger import outbox
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.portal import portal

blueprint = Blueprint("operations", __name__, url_prefix="/region/exploitation")

TASKS = {
    "batch.payout_jobs": "Préparation des versements",
    "batch.payout_orders": "Versements demandés par un agent",
    "batch.mail_jobs": "Envoi des courriels",
    "batch.student_mails": "Courriels aux élèves",
    "batch.seals": "Scellement du grand livre",
    "batch.bank.import_folder": "Lecture des fichiers de la banque",
}
"""What the module of a job does, in words."""
MAIL_TONES = {"waiting": "neutral", "unclear": "warning", "refused": "danger"}


@blueprint.get("")
@requires("operations.read")
def index() -> str:
    """How the tasks and the mails stand."""
    with portal().reading() as conn:
        troubles = outbox.troubles(conn)
    standing = queue.standing(portal().redis)
    return render_template(
        "operations.html",
        standing=standing,
        troubles=troubles,
        tasks=TASKS,
        states=STATE_WORDS,
        tones=MAIL_TONES,
    )


@blueprint.post("/courriels/<int:mail_id>")
@requires("operations.resend")
def send_again(mail_id: int) -> ResponseReturnValue:
    """Try a mail once more."""
    with portal().engine.begin() as conn:
        is_asked = outbox.send_again(conn, mail_id, actor=current_principal().actor)
    if is_asked:
        flash("Le courriel repart dans la minute.", "success")
    else:
        flash("Ce courriel est déjà parti, ou repart déjà.", "info")
    return redirect(url_for(".index"))
