"""What leaves as a file: the bank's own, the payment list for the public accountant, the run's summary, the advices."""

from __future__ import annotations

import tempfile

from flask import Response, send_file

from batch import payout_documents, payouts
from batch.documents.models import RemittanceAdvice
from batch.documents.payout_run import payout_run_pdf
from batch.documents.remittance_advice import remittance_advice_csv, remittance_advice_pdf
from ledger.payouts.approval import NotAllowed
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.principals import current_principal
from partner_portal.payouts.pages import blueprint, payment_of, run_of
from partner_portal.portal import portal
from partner_portal.problems import Problem


@blueprint.get("/<int:run_id>/fichier.xml")
@requires("payouts.transmit")
@step_up
def file(run_id: int) -> Response:
    """The bank's file, byte for byte; who took it and when is recorded."""
    with portal().engine.connect() as conn:
        run_of(conn, run_id)
    content = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the answer has been sent
    try:
        kept = payouts.download(portal().engine, run_id, content, actor=current_principal().actor)
    except NotAllowed as refused:
        content.close()
        raise Problem("not_found", str(refused)) from refused
    content.seek(0)
    return send_file(content, "application/xml", as_attachment=True, download_name=kept.name, max_age=0)


@blueprint.get("/<int:run_id>/virements.csv")
@requires("payouts.read")
@step_up
def payment_list(run_id: int) -> Response:
    """Every payment, with its account in full; who took it and when is recorded."""
    with portal().engine.begin() as conn:
        run = run_of(conn, run_id)
        content = payout_documents.payment_list_csv(conn, run, actor=current_principal().actor)
    return _answer(content, "text/csv", f"virements-{run.reference}.csv", "attachment")


@blueprint.get("/<int:run_id>/bordereau.pdf")
@requires("payouts.read")
def summary(run_id: int) -> Response:
    """The run as a document to be filed."""
    with portal().engine.connect() as conn:
        run = run_of(conn, run_id)
        content = payout_run_pdf(payout_documents.summary(conn, run))
    return _answer(content, "application/pdf", f"campagne-{run.reference}.pdf", "inline")


@blueprint.get("/<int:run_id>/virements/<int:payment_id>/avis.pdf")
@requires("payouts.read")
def advice_pdf(run_id: int, payment_id: int) -> Response:
    """The advice that the partner finds in its own space."""
    name, told = _advice(run_id, payment_id)
    return _answer(remittance_advice_pdf(told), "application/pdf", f"{name}.pdf", "inline")


@blueprint.get("/<int:run_id>/virements/<int:payment_id>/avis.csv")
@requires("payouts.read")
def advice_csv(run_id: int, payment_id: int) -> Response:
    """The same as a table."""
    name, told = _advice(run_id, payment_id)
    return _answer(remittance_advice_csv(told), "text/csv", f"{name}.csv", "attachment")


def _advice(run_id: int, payment_id: int) -> tuple[str, RemittanceAdvice]:
    with portal().engine.connect() as conn:
        run, payment = payment_of(conn, run_id, payment_id)
        if run.file is None:
            raise Problem("not_found", "L’avis sera prêt quand le fichier de la campagne sera produit.")
        return f"avis-{run.reference}-{payment.uai}", payout_documents.advice(conn, run, payment)


def _answer(content: bytes, mimetype: str, name: str, disposition: str) -> Response:
    response = Response(content, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'{disposition}; filename="{name}"'
    return response
