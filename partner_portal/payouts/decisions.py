"""Deciding: approve or refuse a run. The screen before restates number, sum and hash; the form sends back that hash."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from batch.french import counted, euros
from ledger.payouts import advance, approval, comparison, runs
from ledger.payouts.approval import Altered, NotAllowed
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.principals import current_principal
from partner_portal.payouts import words
from partner_portal.payouts.pages import blueprint, hindrance_of, run_of
from partner_portal.portal import portal
from partner_portal.problems import Problem


class RefusalForm(FlaskForm):  # type: ignore[misc]
    """Why."""

    reason = TextAreaField(
        "Motif du refus",
        validators=[
            DataRequired("Dites pourquoi la campagne est refusée."),
            Length(max=500, message="500 signes au plus."),
        ],
    )


@blueprint.get("/<int:run_id>/approbation")
@requires("payouts.approve")
@step_up
def approval_page(run_id: int) -> ResponseReturnValue:
    """What is about to be approved."""
    with portal().engine.connect() as conn:
        run = run_of(conn, run_id)
        if run.state != "frozen":
            flash("Cette campagne n’attend pas d’approbation.", "warning")
            return redirect(url_for("payouts.show", run_id=run_id))
        return render_template(
            "payouts/approve.html",
            run=run,
            differences=comparison.differences(conn, run),
            outdated=approval.outdated(conn, run_id),
            hindrance=hindrance_of(conn, run),
            advance_left=advance.left(conn, run),
            approvals=runs.approvals(conn, run_id),
            needed=approval.APPROVALS_NEEDED,
            words=words,
        )


@blueprint.post("/<int:run_id>/approbation")
@requires("payouts.approve")
@step_up
def approve(run_id: int) -> ResponseReturnValue:
    """Approve the hash that the page showed; any other one is a page that is out of date."""
    person_id = current_principal().id
    if person_id is None:
        raise Problem("forbidden")
    with portal().engine.connect() as conn:
        run = run_of(conn, run_id)
    try:
        content_hash = bytes.fromhex(request.form.get("content_hash", ""))
    except ValueError as error:
        raise Problem("bad_request") from error
    try:
        with portal().engine.begin() as conn:
            complete = approval.approve(conn, run_id, person_id=person_id, content_hash=content_hash)
    except (NotAllowed, Altered) as refused:
        flash(str(refused), "danger")
        return redirect(url_for("payouts.show", run_id=run_id))
    told = "La campagne est approuvée : son fichier peut être produit."
    if not complete:
        told = "Une deuxième personne doit encore l’approuver."
    flash(f"Vous avez approuvé {counted(run.payments, 'virement')} pour {euros(run.amount)}. {told}", "success")
    return redirect(url_for("payouts.show", run_id=run_id))


@blueprint.route("/<int:run_id>/refus", methods=["GET", "POST"])
@requires("payouts.refuse")
@step_up
def refuse(run_id: int) -> ResponseReturnValue:
    """Refuse a run, with the reason: everything that it would have paid is owed again."""
    with portal().engine.connect() as conn:
        run = run_of(conn, run_id)
    if run.state not in approval.REFUSABLE:
        flash("Cette campagne ne peut plus être refusée.", "warning")
        return redirect(url_for("payouts.show", run_id=run_id))
    form = RefusalForm()
    if form.validate_on_submit():
        try:
            with portal().engine.begin() as conn:
                approval.refuse(conn, run_id, actor=current_principal().actor, reason=str(form.reason.data))
        except NotAllowed as refused:
            flash(str(refused), "danger")
        else:
            flash(f"La campagne {run.reference} est refusée : tout ce qu’elle payait est de nouveau dû.", "success")
        return redirect(url_for("payouts.show", run_id=run_id))
    return render_template("payouts/refuse.html", run=run, form=form), 422 if form.errors else 200
