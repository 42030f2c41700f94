"""Files come in: a page to drop them on, which says what became of each."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.utils import secure_filename

from batch.bank.import_file import ImportReport, import_bank_file
from batch.bank.refusal import BankFileRefused
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.portal import portal
from partner_portal.reconciliation.pages import blueprint


@blueprint.route("/fichiers", methods=["GET", "POST"])
@requires("bank.import")
def deposit() -> ResponseReturnValue:
    """Take in the bank's files, each of them whole or not at all."""
    results: list[tuple[str, str, list[str]]] = []
    if request.method == "POST":
        for file in request.files.getlist("files"):
            if not file.filename:
                continue
            name = secure_filename(file.filename) or "fichier"
            try:
                report = import_bank_file(
                    portal().engine, file.stream.read(), name=name, actor=current_principal().actor
                )
            except BankFileRefused as refusal:
                results.append((name, "danger", [str(refusal)]))
            else:
                results.append((name, _tone(report), report.sentences()))
        if not results:
            results.append(("Aucun fichier", "warning", ["Choisissez d’abord un fichier."]))
    refused = bool(results) and all(tone in ("danger", "warning") for _, tone, _ in results)
    return render_template("reconciliation/deposit.html", results=results), 422 if refused else 200


def _tone(report: ImportReport) -> str:
    if report.seen is not None:
        return "info"
    return "danger" if report.aside else "success"
