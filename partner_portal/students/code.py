"""My code: the card to print again, its replacement, and the code that the phone itself draws, without the network.

The page of the code is the same for everybody and holds nothing personal, so that a service worker can keep it. What
makes the code is the key of the student's one card, which the page asks for once and keeps on the device; a card that
is replaced has another key.
"""

import functools
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from batch.documents.cards import card_sheets
from batch.documents.models import StudentCard
from batch.letters import post
from batch.student_letters import questions_email, reissue_letter
from ledger import cards, student_access
from ledger.calendar import last_day_before
from ledger.cards import Card
from ledger.student_record import profile
from ledger.wallets import wallets_of
from partner_portal import assets
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.limits import asker, limiter
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.students.home import known, own_id

blueprint = Blueprint("students_code", __name__, url_prefix="/eleve")

NO_BENEFIT = "La carte s’imprime dès que vos avantages de l’année sont attribués."
NO_CARD = "Vous n’avez pas de carte en cours : adressez-vous à votre établissement."
PREFIX = slice(1, 16)
"""The fifteen letters of a code that tell card and key: they stay the same from one time step to the next."""
WHY_REPLACED = "perdue ou copiée"
SHELL_FILES = ("atouts.css", "atouts.js", "icon.svg", "student/student.css", "student/code.js")
SHELL_MODULES = ("student/qr.js", "student/key.js", "student/steps.js")
"""What the page of the code needs, by the addresses it asks for: modules are imported without a fingerprint."""


@blueprint.get("/code")
@requires("public.read")
def page() -> str:
    """The code, drawn by the device."""
    return render_template("students/code.html")


@blueprint.get("/code/cle")
@requires("card.show")
@limiter.limit("30 per minute", key_func=asker)
def key() -> dict[str, Any]:
    """What a phone needs to make its owner's codes: it signs nothing but that card, until the card is replaced."""
    keys = portal().config.card_keys
    with portal().engine.connect() as conn:
        card = _live_card(conn)
    card_key = keys.card_key(card.card_id, card.key_id)
    if card_key is None:
        raise Problem("not_found", NO_CARD)
    return {
        "prefix": cards.printed_code(keys, card.card_id, card.key_id)[PREFIX],
        "key": card_key.hex(),
        "step_seconds": cards.STEP_SECONDS,
        "now_ms": int(datetime.now(UTC).timestamp() * 1000),
        "name": current_principal().name,
    }


@blueprint.get("/carte")
@requires("card.show")
def card() -> str:
    """The printed card, and what to do when it is lost."""
    with portal().engine.connect() as conn:
        found = cards.live_cards(conn, [own_id()])
        wallets = wallets_of(conn, own_id())
    return render_template(
        "students/card.html", has_card=bool(found), has_benefits=bool(wallets), no_benefit=NO_BENEFIT
    )


@blueprint.get("/carte.pdf")
@requires("card.show")
@limiter.limit("20 per minute", key_func=asker)
def card_pdf() -> Response:
    """The card, to print again."""
    student_id, keys = own_id(), portal().config.card_keys
    with portal().engine.connect() as conn:
        found = _live_card(conn)
        who = known(profile(conn, student_id))
        wallets = wallets_of(conn, student_id)
    if not wallets:
        raise Problem("not_found", NO_BENEFIT)
    if keys.card_key(found.card_id, found.key_id) is None:
        raise Problem("not_found", NO_CARD)
    printed = StudentCard(
        code=cards.printed_code(keys, found.card_id, found.key_id),
        first_name=who.first_name,
        last_name=who.last_name,
        class_name=who.class_name,
        school=who.school,
        school_year=wallets[0].school_year,
        benefits=tuple(wallet.label for wallet in wallets),
        usable_until=last_day_before(min(wallet.usable_until for wallet in wallets)),
        student_space=portal().config.public_url.partition("://")[2],
    )
    answer = Response(card_sheets([printed], "Ma carte", datetime.now(UTC)), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = 'inline; filename="ma-carte-atouts.pdf"'
    return answer


@blueprint.post("/carte/remplacer")
@requires("card.replace")
@limiter.limit("5 per hour", key_func=asker)
def replace() -> ResponseReturnValue:
    """Lost or copied: the old card is refused at the next scan, on paper and on every phone."""
    student_id = own_id()
    with portal().engine.begin() as conn:
        _live_card(conn)
        cards.reissue(
            conn,
            portal().config.card_keys,
            student_id,
            reason=WHY_REPLACED,
            actor=current_principal().actor,
        )
        student = student_access.get(conn, student_id)
        if student is not None:
            post(
                conn,
                reissue_letter(student.first_name),
                recipient=student.email,
                purpose="card_reissue",
                dedup_key=f"card_reissue:{uuid4()}",
            )
    flash("C’est fait : l’ancienne carte est refusée. Imprimez la nouvelle.", "success")
    return redirect(url_for("students_code.card"))


def _live_card(conn: Connection) -> Card:
    found = cards.live_cards(conn, [own_id()])
    if not found:
        raise Problem("not_found", NO_CARD)
    return found[own_id()]


# -- what makes the page an application that works without the network -----------------------------------------------


@blueprint.get("/manifest.webmanifest")
@requires("public.read")
def manifest() -> Response:
    """What a phone needs to put the code on its home screen."""
    icon = {"src": url_for("static", filename="icon.svg"), "type": "image/svg+xml", "sizes": "any", "purpose": "any"}
    pictures = [
        {"src": url_for("static", filename=f"student/icon-{size}.png"), "type": "image/png", "sizes": f"{size}x{size}"}
        for size in (192, 512)
    ]
    answer = {
        "name": "Atouts Normandie, mon code",
        "short_name": "Atouts",
        "lang": "fr",
        "id": url_for("students_code.page"),
        "start_url": url_for("students_code.page"),
        "scope": url_for("students_home.index"),
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#12436b",
        "icons": [*pictures, icon],
    }
    return Response(json.dumps(answer, ensure_ascii=False), mimetype="application/manifest+json")


@blueprint.get("/service-worker.js")
@requires("public.read")
def service_worker() -> Response:
    """The script that keeps the page of the code on the device. It changes with whatever it keeps."""
    asset = current_app.jinja_env.globals["asset"]
    files = [asset(name) for name in SHELL_FILES]  # type: ignore[operator]
    files += [url_for("static", filename=name) for name in SHELL_MODULES]
    kept = {
        "page": url_for("students_code.page"),
        "files": files,
        "version": _version(questions_email()),
    }
    script = (assets.FOLDER / "student" / "service-worker.js").read_text(encoding="utf-8")
    answer = Response(f"const KEPT = {json.dumps(kept)};\n{script}", mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@functools.cache
def _version(shown: str) -> str:
    templates = Path(current_app.root_path) / "templates"
    digest = hashlib.sha256(shown.encode())
    for name in ("base.html", "students/code.html", "students/footer.html"):
        digest.update((templates / name).read_bytes())
    for name in SHELL_FILES + SHELL_MODULES:
        digest.update(assets.fingerprint(name).encode())
    return digest.hexdigest()[:12]
