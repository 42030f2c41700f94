"""The pages of a sign-up: its beginning, its steps, its summary, and what follows once it is sent."""

from collections.abc import Callable

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import Connection

from batch import sign_up_letters as letters
from batch.letters import Letter
from ledger import commitments, people, sign_up_documents, sign_ups
from ledger.identifiers import mask_iban, parse_iban, parse_siret, parse_uai
from ledger.partners import NotPossible
from ledger.rights import Role
from ledger.sign_up_documents import NotTaken
from ledger.sign_ups import SignUp
from partner_portal.auth.gate import requires
from partner_portal.limits import limiter, source
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.sign_up import access, typed
from partner_portal.sign_up.forms import (
    AccountForm,
    CommitmentsForm,
    DocumentForm,
    MessageForm,
    PeopleForm,
    ResumeForm,
    SchoolForm,
    StartForm,
)

blueprint = Blueprint("sign_up", __name__, url_prefix="/inscription")

ADDRESSES = {
    "school": "etablissement",
    "people": "personnes",
    "account": "compte",
    "commitments": "engagements",
    "documents": "pieces",
}
TITLES = ("Établissement", "Personnes", "Compte", "Engagements", "Pièces", "Envoi")
FORMS: dict[str, type[FlaskForm]] = {"school": SchoolForm, "people": PeopleForm, "account": AccountForm}
CLOSED = "Votre dossier est refermé. Ouvrez-le avec le lien reçu par courriel, ou demandez un nouveau lien."


class _Closed(Exception):
    """No file is open in this browser."""


@blueprint.errorhandler(_Closed)
def _closed(_error: _Closed) -> ResponseReturnValue:
    flash(CLOSED, "warning")
    return redirect(url_for("sign_up.resume"))


def _file(conn: Connection) -> SignUp:
    sign_up = access.the_open_one(conn)
    if sign_up is None:
        raise _Closed
    return sign_up


def _address(step: str) -> str:
    return url_for("sign_up.step", address=ADDRESSES[step])


# -- beginning and coming back ---------------------------------------------------------------------------------------


@blueprint.route("", methods=["GET", "POST"])
@requires("partner.apply")
@limiter.limit("20 per hour", key_func=source, methods=["POST"])
def index() -> ResponseReturnValue:
    """What it takes to become a partner, and the first form."""
    form = StartForm()
    with portal().engine.begin() as conn:
        if form.validate_on_submit():
            sign_up_id = sign_ups.start(conn, email=str(form.email.data), name=str(form.name.data))
            _mail_link(conn, sign_up_id, str(form.email.data))
            access.remember(sign_up_id)
            return redirect(_address("school"))
        known = access.the_open_one(conn)
    shown = render_template("sign_up/index.html", form=form, known=known, promises=commitments.COMMITMENTS)
    return shown, 422 if form.errors else 200


def _mail_link(conn: Connection, sign_up_id: int, email: str) -> None:
    link = access.new_link(conn, sign_up_id)
    letters.send_to(conn, letters.started(link), [email], purpose="sign_up_link", fact=link[-16:])


@blueprint.route("/reprendre", methods=["GET", "POST"])
@requires("partner.apply")
@limiter.limit("10 per hour", key_func=source, methods=["POST"])
def resume() -> ResponseReturnValue:
    """Ask for a new link. The answer is the same whether the address is known or not."""
    form = ResumeForm()
    if not form.validate_on_submit():
        return render_template("sign_up/resume.html", form=form, sent_to=None), 422 if form.errors else 200
    with portal().engine.begin() as conn:
        sign_up = sign_ups.of_email(conn, str(form.email.data))
        if sign_up is not None:
            _mail_link(conn, sign_up.id, sign_up.email)
    return render_template("sign_up/resume.html", form=form, sent_to=form.email.data)


@blueprint.get("/ouvrir/<token>")
@requires("partner.apply")
@limiter.limit("60 per hour", key_func=source)
def open_link(token: str) -> ResponseReturnValue:
    """Open the file of a link."""
    with portal().engine.begin() as conn:
        sign_up = access.open_by(conn, token)
        if sign_up is None:
            return render_template("sign_up/link_closed.html"), 410
        if not sign_up.is_open or sign_up.partner_id is not None:
            return redirect(url_for("sign_up.follow"))
        lacking = sign_ups.missing(conn, sign_up)
    return redirect(_address(lacking[0]) if lacking else url_for("sign_up.summary"))


@blueprint.post("/fermer")
@requires("partner.apply")
def close() -> ResponseReturnValue:
    """Leave the file."""
    access.close()
    flash("Votre dossier est refermé ; tout est gardé. Le lien reçu par courriel le rouvre.", "success")
    return redirect(url_for("sign_up.index"))


# -- the steps -------------------------------------------------------------------------------------------------------


@blueprint.route("/<address>", methods=["GET", "POST"])
@requires("partner.apply")
def step(address: str) -> ResponseReturnValue:
    """One step: shown as it was left, kept when it is complete."""
    name = next((step for step, its in ADDRESSES.items() if its == address), None)
    if name is None:
        raise Problem("not_found")
    with portal().engine.begin() as conn:
        sign_up = _file(conn)
        if not sign_up.is_open:
            return redirect(url_for("sign_up.follow"))
        if name == "documents":
            return _documents(conn, sign_up)
        if name == "commitments":
            return _commitments(conn, sign_up)
        form = FORMS[name](data=sign_up.answers.get(name))
        if form.validate_on_submit():
            sign_ups.save(conn, sign_up.id, name, _stored(form))
            return redirect(_next(name))
        return _step(conn, sign_up, name, form=form)


def _step(conn: Connection, sign_up: SignUp, name: str, **shown: object) -> ResponseReturnValue:
    form = shown["form"]
    place = sign_ups.STEPS.index(name)
    page = render_template(
        f"sign_up/{name}.html",
        sign_up=sign_up,
        place=place + 1,
        titles=TITLES,
        back=_address(sign_ups.STEPS[place - 1]) if place else None,
        **shown,
    )
    return page, 422 if getattr(form, "errors", None) else 200


def _next(name: str) -> str:
    return _address(sign_ups.STEPS[sign_ups.STEPS.index(name) + 1])


def _stored(form: FlaskForm) -> dict[str, str]:
    stored = {field.name: field.data for field in form if field.name != "csrf_token"}
    readers: dict[str, Callable[[str], str]] = {
        "siret": parse_siret,
        "uai": parse_uai,
        "iban": lambda text: parse_iban(text).text,
    }
    return {name: readers[name](data) if name in readers else data for name, data in stored.items()}


def _commitments(conn: Connection, sign_up: SignUp) -> ResponseReturnValue:
    accepted = sign_up.answers.get("commitments", {}).get("version") == commitments.VERSION
    form = CommitmentsForm(data=dict.fromkeys((one.code for one in commitments.COMMITMENTS), accepted))
    for one in commitments.COMMITMENTS:
        form[one.code].label.text = one.words
    if form.validate_on_submit():
        if not accepted:
            sign_ups.save_commitments(conn, sign_up.id)
        return redirect(_next("commitments"))
    return _step(conn, sign_up, "commitments", form=form, promises=commitments.COMMITMENTS, version=commitments.VERSION)


def _documents(conn: Connection, sign_up: SignUp) -> ResponseReturnValue:
    form = DocumentForm()
    if form.validate_on_submit():
        try:
            _add_document(conn, sign_up, form)
        except NotTaken as error:
            form.file.errors = [str(error)]
        else:
            flash("La pièce est jointe au dossier.", "success")
            return redirect(_address("documents"))
    papers = sign_up_documents.of(conn, sign_up.id)
    has_slip = any(paper.kind == "bank_slip" for paper in papers)
    if has_slip and not form.is_submitted():
        form.kind.data = "other"
    return _step(conn, sign_up, "documents", form=form, papers=papers, has_slip=has_slip)


def _add_document(conn: Connection, sign_up: SignUp, form: DocumentForm) -> None:
    if not form.file.data:
        raise NotTaken("Choisissez un fichier.")
    # One byte more than is taken tells that there is more.
    content = form.file.data.stream.read(sign_up_documents.MAX_BYTES + 1)
    sign_up_documents.add(
        conn,
        sign_up.id,
        kind=str(form.kind.data),
        name=form.file.data.filename or "",
        content=content,
        actor=sign_up.actor,
    )


@blueprint.post("/pieces/<int:document_id>/retirer")
@requires("partner.apply")
def remove_document(document_id: int) -> ResponseReturnValue:
    """Take a paper away."""
    with portal().engine.begin() as conn:
        sign_up = _file(conn)
        try:
            sign_up_documents.remove(conn, sign_up.id, document_id, actor=sign_up.actor)
        except NotTaken as error:
            flash(str(error), "warning")
    return redirect(_address("documents"))


@blueprint.post("/lire")
@requires("partner.apply")
def read_typed() -> ResponseReturnValue:
    """What a number means, for the page's script. It is in the body: addresses stand in logs."""
    with portal().engine.connect() as conn:
        try:
            reading = typed.read(conn, request.form.get("field", ""), request.form.get("typed", "")[:80])
        except KeyError as error:
            raise Problem("bad_request") from error
    return jsonify(good=reading.good, sentence=reading.sentence, name=reading.name, town=reading.town)


# -- sending, and after ----------------------------------------------------------------------------------------------


@blueprint.route("/envoi", methods=["GET", "POST"])
@requires("partner.apply")
def summary() -> ResponseReturnValue:
    """Everything at a glance, and the button that sends it."""
    refusal = None
    with portal().engine.begin() as conn:
        sign_up = _file(conn)
        if not sign_up.is_open:
            return redirect(url_for("sign_up.follow"))
        if request.method == "POST":
            try:
                _send(conn, sign_up)
            except NotPossible as error:
                refusal = str(error)
            else:
                return redirect(url_for("sign_up.follow"))
        lacking = sign_ups.missing(conn, sign_up)
        papers = sign_up_documents.of(conn, sign_up.id)
    account = sign_up.answers.get("account")
    page = render_template(
        "sign_up/summary.html",
        sign_up=sign_up,
        lacking=lacking,
        papers=papers,
        refusal=refusal,
        promises=commitments.COMMITMENTS,
        masked=mask_iban(account["iban"]) if account else None,
        bank=parse_iban(account["iban"]).bank_name if account else None,
        titles=TITLES,
        addresses={name: _address(name) for name in sign_ups.STEPS},
    )
    return page, 409 if refusal else 200


def _send(conn: Connection, sign_up: SignUp) -> None:
    partner_id = sign_ups.send(conn, sign_up.id)
    school, link = sign_up.answers["school"]["name"], access.new_link(conn, sign_up.id)
    letters.send_to(conn, letters.sent(school, link), [sign_up.email], purpose="sign_up_sent", fact=link[-16:])
    desk = _on_the_desk(partner_id)
    if sign_up.partner_id is None:
        _tell_the_officers(conn, letters.arrived(school, desk), purpose="sign_up_arrived", fact=link[-16:])
    else:
        _tell_the_officers(conn, letters.corrected(school, desk), purpose="sign_up_corrected", fact=link[-16:])


def _tell_the_officers(conn: Connection, letter: Letter, *, purpose: str, fact: str) -> None:
    officers = people.holding(conn, Role.REGION_OFFICER)
    letters.send_to(conn, letter, [officer.email for officer in officers], purpose=purpose, fact=fact)


def _on_the_desk(partner_id: int) -> str:
    return portal().config.public_url + url_for("desk.files.show", partner_id=partner_id)


@blueprint.route("/suivi", methods=["GET", "POST"])
@requires("partner.apply")
@limiter.limit("20 per hour", key_func=source, methods=["POST"])
def follow() -> ResponseReturnValue:
    """Where the file stands, and the conversation about it."""
    form = MessageForm()
    with portal().engine.begin() as conn:
        sign_up = _file(conn)
        if sign_up.partner_id is None:
            return redirect(url_for("sign_up.summary"))
        if form.validate_on_submit():
            words = str(form.body.data)
            number = sign_ups.write(conn, sign_up.id, words, from_region=False, actor=sign_up.actor)
            answered = letters.answered(sign_up.answers["school"]["name"], _on_the_desk(sign_up.partner_id))
            _tell_the_officers(conn, answered, purpose="sign_up_answered", fact=str(number))
            flash("Votre message est transmis à la Région.", "success")
            return redirect(url_for("sign_up.follow"))
        page = render_template(
            "sign_up/follow.html",
            sign_up=sign_up,
            form=form,
            messages=sign_ups.messages(conn, sign_up.id),
            papers=sign_up_documents.of(conn, sign_up.id),
            first_step=_address("school"),
        )
    return page, 422 if form.errors else 200
