"""Signing in and out, proving again, links by mail: the doors open to the right person, and tell others nothing."""

import re
import time

import pyotp
import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, text

from ledger import people
from ledger.rights import Role
from partner_portal.auth import gate, links, second_factor
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.throttle import FREE_TRIES
from tests.conftest import Database
from tests.partner_portal.conftest import PASSWORD, Visitor, add_partner, enrol, hire
from tests.statements import statements_sent

WRONG = "ne correspond pas"


@pytest.fixture
def app(app: Flask) -> Flask:
    """The portal with an operation on money that wants proof."""

    @app.route("/partenaire/iban", methods=["GET", "POST"])
    @requires("partner.change_iban")
    @step_up
    def change_iban() -> str:
        return "changed"

    @app.post("/api/v1/iban")
    @requires("partner.change_iban")
    @step_up
    def change_iban_by_api() -> dict[str, bool]:
        return {"changed": True}

    return app


@pytest.fixture
def manager(books: Engine) -> int:
    """A school's manager, chef@lycee.fr."""
    return hire(books, "chef@lycee.fr", Role.PARTNER_MANAGER, partner_id=add_partner(books))


@pytest.fixture
def accountant(books: Engine) -> tuple[int, str]:
    """The Region's accountant, compta@normandie.fr, and the secret of their code generator."""
    person_id = hire(books, "compta@normandie.fr", Role.ACCOUNTANT)
    return person_id, enrol(books, person_id)


def audit(books: Engine) -> list[str]:
    """The actions of the audit trail, without those of the tests' own hand."""
    with books.connect() as conn:
        return list(conn.execute(text("select action from audit_event where actor <> 'tests' order by id")).scalars())


def last_link(books: Engine) -> str:
    """The path of the link in the last mail."""
    with books.connect() as conn:
        body = conn.execute(text("select body_text from mail_outbox order by id desc limit 1")).scalar_one()
    found = re.search(r"http://localhost(/acces/\S+)", body)
    assert found
    return found[1]


# -- password --------------------------------------------------------------------------------------------------------


def test_the_right_password_opens_the_persons_own_space(visitor: Visitor, manager: int, books: Engine) -> None:
    answer = visitor.sign_in("Chef@Lycee.FR")
    assert (answer.status_code, answer.location) == (302, "/partenaire")
    page = visitor.get("/partenaire")
    assert page.status_code == 200
    assert "Lycée Jeanne d’Arc" in page.text
    assert visitor.get("/region").status_code == 403
    assert audit(books) == ["session.opened"]


def test_the_page_asked_for_comes_after_sign_in_and_never_another_site(visitor: Visitor, manager: int) -> None:
    away = visitor.get("/compte?onglet=1")
    assert away.location == "/connexion?next=/compte?onglet%3D1"
    visitor.get(away.location)
    answer = visitor.post("/connexion", {"email": "chef@lycee.fr", "password": PASSWORD})
    assert answer.location == "/compte?onglet=1"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ],
)
def test_next_leads_nowhere_else(app: Flask, wanted: str) -> None:
    with app.test_request_context("/connexion"):
        assert gate.local_path(wanted) is None


def test_wrong_passwords_unknown_addresses_and_closed_accounts_look_alike(
    visitor: Visitor, manager: int, books: Engine
) -> None:
    hire(books, "ancien@lycee.fr")
    with books.begin() as conn:
        gone = people.by_email(conn, "ancien@lycee.fr")
        assert gone
        people.disable(conn, gone.id, by="tests")
        people.create(conn, email="invitee@lycee.fr", name="Invitée", by="tests")
    pages = set()
    for email, password in [
        ("chef@lycee.fr", "pas le bon mot de passe"),
        ("personne@lycee.fr", PASSWORD),
        ("ancien@lycee.fr", PASSWORD),
        ("invitee@lycee.fr", PASSWORD),
    ]:
        answer = visitor.sign_in(email, password)
        assert answer.status_code == 422
        assert WRONG in answer.text
        pages.add(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(pages) == 1


def test_time_tells_no_more_than_words(visitor: Visitor, manager: int, books: Engine) -> None:
    """The same statements run, and the same hash is computed, whether an address is known or not."""
    seen = {}
    for email in ("chef@lycee.fr", "personne@lycee.fr"):
        visitor.get("/connexion")
        with statements_sent() as statements:
            visitor.post("/connexion", {"email": email, "password": "pas le bon mot de passe"})
        seen[email] = statements
    assert seen["chef@lycee.fr"] == seen["personne@lycee.fr"]


def test_guessing_makes_the_guesser_wait_and_not_the_owner(app: Flask, manager: int) -> None:
    guesser, owner = Visitor(app, "198.51.100.66"), Visitor(app, "192.0.2.1")
    for _ in range(FREE_TRIES + 1):
        guesser.sign_in("chef@lycee.fr", "pas le bon mot de passe")
    answer = guesser.sign_in("chef@lycee.fr")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Patientez" in answer.text
    assert owner.sign_in("chef@lycee.fr").status_code == 302


def test_a_browser_that_signed_in_before_is_not_held_up_by_its_neighbours(app: Flask, manager: int) -> None:
    own = Visitor(app)
    own.sign_in("chef@lycee.fr")
    own.get("/compte")
    own.post("/deconnexion")
    neighbour = Visitor(app)
    for _ in range(FREE_TRIES + 1):
        neighbour.sign_in("chef@lycee.fr", "pas le bon mot de passe")
    assert neighbour.sign_in("chef@lycee.fr").status_code == 429
    assert own.sign_in("chef@lycee.fr").status_code == 302


def test_a_form_without_its_token_is_refused(visitor: Visitor, manager: int) -> None:
    visitor.get("/connexion")
    visitor.token = ""
    answer = visitor.post("/connexion", {"email": "chef@lycee.fr", "password": PASSWORD})
    assert answer.status_code == 400
    assert "Rechargez la page" in answer.text


def test_a_form_with_another_sessions_token_is_refused(app: Flask, visitor: Visitor, manager: int) -> None:
    other = Visitor(app)
    other.get("/connexion")
    visitor.get("/connexion")
    visitor.token = other.token
    assert visitor.post("/connexion", {"email": "chef@lycee.fr", "password": PASSWORD}).status_code == 400


def test_the_api_wants_the_token_from_whoever_comes_with_a_session(visitor: Visitor, manager: int) -> None:
    visitor.sign_in("chef@lycee.fr")
    visitor.get("/compte")
    assert visitor.client.post("/api/v1/iban").get_json(force=True)["code"] == "csrf_failed"
    answer = visitor.client.post("/api/v1/iban", headers={"X-CSRFToken": visitor.token})
    assert answer.get_json() == {"changed": True}


def test_sign_out_ends_the_session_everywhere_its_cookie_went(
    app: Flask, visitor: Visitor, manager: int, books: Engine
) -> None:
    visitor.sign_in("chef@lycee.fr")
    visitor.get("/compte")
    cookie = visitor.client.get_cookie("atouts")
    assert cookie
    assert visitor.post("/deconnexion").location == "/"
    thief = Visitor(app)
    thief.client.set_cookie("atouts", cookie.value)
    assert thief.get("/compte").status_code == 302
    assert audit(books) == ["session.opened", "session.closed"]


def test_a_person_who_is_disabled_is_out_at_once(visitor: Visitor, manager: int, books: Engine) -> None:
    visitor.sign_in("chef@lycee.fr")
    assert visitor.get("/compte").status_code == 200
    with books.begin() as conn:
        people.disable(conn, manager, by="tests")
    assert visitor.get("/compte").status_code == 302
    with books.begin() as conn:
        people.enable(conn, manager, by="tests")
    assert visitor.get("/compte").status_code == 302, "the old session must not come back"


def test_a_role_that_is_taken_back_is_gone_at_once(visitor: Visitor, manager: int, books: Engine) -> None:
    visitor.sign_in("chef@lycee.fr")
    with books.begin() as conn:
        person = people.get(conn, manager)
        assert person
        people.revoke(conn, manager, Role.PARTNER_MANAGER, partner_id=person.partner_ids[0], by="tests")
    assert visitor.get("/partenaire").status_code == 403


def test_somebody_who_works_for_two_schools_acts_for_one_at_a_time(
    visitor: Visitor, manager: int, books: Engine
) -> None:
    other = add_partner(books, "Lycée Marie Curie")
    with books.begin() as conn:
        people.grant(conn, manager, Role.PARTNER_CASHIER, partner_id=other, by="tests")
    visitor.sign_in("chef@lycee.fr")
    assert "Lycée Jeanne d’Arc" in visitor.get("/partenaire").text
    visitor.get("/compte")
    assert visitor.post("/compte/etablissement", {"partner_id": other}).status_code == 302
    assert "Lycée Marie Curie" in visitor.get("/partenaire").text
    assert visitor.get("/partenaire/iban").status_code == 403, "only a cashier there"
    visitor.get("/compte")
    assert visitor.post("/compte/etablissement", {"partner_id": 999}).status_code == 404


# -- second factor ---------------------------------------------------------------------------------------------------


def test_with_a_code_generator_the_password_alone_opens_nothing(visitor: Visitor, accountant: tuple[int, str]) -> None:
    answer = visitor.sign_in("compta@normandie.fr")
    assert answer.location == "/connexion/code"
    assert visitor.get("/region").status_code == 302
    assert visitor.get("/compte").location.startswith("/connexion")
    visitor.get("/connexion/code")
    answer = visitor.post("/connexion/code", {"code": pyotp.TOTP(accountant[1]).now()})
    assert answer.location == "/region"
    assert visitor.get("/region").status_code == 200


def test_a_code_is_good_once(app: Flask, accountant: tuple[int, str]) -> None:
    code = pyotp.TOTP(accountant[1]).now()
    answers = []
    for visitor in (Visitor(app), Visitor(app)):
        visitor.sign_in("compta@normandie.fr")
        visitor.get("/connexion/code")
        answers.append(visitor.post("/connexion/code", {"code": f"{code[:3]} {code[3:]}"}).status_code)
    assert answers == [302, 422]


def test_a_recovery_code_is_good_once_and_however_it_is_typed(app: Flask, accountant: tuple[int, str]) -> None:
    answers = []
    for typed in ("aaaabbbb ccccdddd", "AAAA-BBBB-CCCC-DDDD"):
        visitor = Visitor(app)
        visitor.sign_in("compta@normandie.fr")
        visitor.get("/connexion/code")
        answers.append(visitor.post("/connexion/code", {"code": typed}).status_code)
    assert answers == [302, 422]


def test_guessing_codes_gets_slow_from_everywhere_at_once(app: Flask, accountant: tuple[int, str]) -> None:
    """Whoever guesses codes knows the password: here the account itself waits."""
    statuses = []
    for number in range(FREE_TRIES + 3):
        visitor = Visitor(app, f"203.0.113.{number}")
        visitor.sign_in("compta@normandie.fr")
        visitor.get("/connexion/code")
        statuses.append(visitor.post("/connexion/code", {"code": "000000"}).status_code)
    assert statuses[:FREE_TRIES] == [422] * FREE_TRIES
    assert 429 in statuses[FREE_TRIES:]


def test_a_first_factor_is_forgotten_after_ten_minutes(
    visitor: Visitor, accountant: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.sign_in("compta@normandie.fr")
    now = time.time()
    monkeypatch.setattr("partner_portal.auth.doors.time.time", lambda: now + 601)
    assert visitor.get("/connexion/code").location == "/connexion"


def test_the_regions_staff_do_not_get_in_without_a_second_factor(visitor: Visitor, books: Engine) -> None:
    person_id = hire(books, "audit@normandie.fr", Role.AUDITOR)
    assert visitor.sign_in("audit@normandie.fr").location == "/connexion/second-facteur"
    assert visitor.get("/region").status_code == 302
    page = visitor.get("/connexion/second-facteur")
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page.text)
    assert secret
    picture = visitor.get("/connexion/second-facteur/image.svg")
    assert picture.mimetype == "image/svg+xml"
    assert picture.headers["Cache-Control"] == "no-store"
    assert visitor.post("/connexion/second-facteur", {"code": "000000"}).status_code == 422
    code = pyotp.TOTP(secret[1].replace(" ", "")).now()
    answer = visitor.post("/connexion/second-facteur", {"code": code})
    assert answer.location == "/compte/codes-de-secours"
    codes = re.findall(r"<code>([A-Z2-9-]{19})</code>", visitor.get("/compte/codes-de-secours").text)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert visitor.get("/compte/codes-de-secours").status_code == 302, "shown once"
    with books.connect() as conn:
        kept = conn.execute(text("select totp_secret from person where id = :id"), {"id": person_id}).scalar_one()
    assert secret[1].replace(" ", "") not in kept


def test_a_planted_session_is_worth_nothing_after_the_first_factor(app: Flask, accountant: tuple[int, str]) -> None:
    attacker, victim = Visitor(app), Visitor(app)
    attacker.get("/connexion")
    planted = attacker.client.get_cookie("atouts")
    assert planted
    victim.client.set_cookie("atouts", planted.value)
    victim.sign_in("compta@normandie.fr")
    assert attacker.get("/connexion/code").location == "/connexion"


def test_a_partner_adds_and_drops_a_code_generator(visitor: Visitor, manager: int, books: Engine) -> None:
    visitor.sign_in("chef@lycee.fr")
    page = visitor.get("/compte/second-facteur")
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page.text)
    assert secret
    answer = visitor.post("/compte/second-facteur", {"code": pyotp.TOTP(secret[1].replace(" ", "")).now()})
    assert answer.location == "/compte/codes-de-secours"
    assert "Activée" in visitor.get("/compte").text
    assert visitor.post("/compte/codes-de-secours").location == "/compte/codes-de-secours"
    visitor.get("/compte")
    assert visitor.post("/compte/second-facteur/retirer").location == "/compte"
    with books.connect() as conn:
        person = people.get(conn, manager)
        assert person
        assert not person.totp_is_confirmed
        assert people.recovery_codes_left(conn, manager) == 0


# -- proof -----------------------------------------------------------------------------------------------------------


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let time pass for the gate."""
    now = time.time()
    monkeypatch.setattr("partner_portal.auth.gate.time.time", lambda: now + seconds)


def test_an_operation_on_bank_details_wants_a_proof_of_the_last_five_minutes(
    visitor: Visitor, manager: int, books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.sign_in("chef@lycee.fr")
    assert visitor.get("/partenaire/iban").text == "changed"
    later(monkeypatch, 301)
    asked = visitor.get("/partenaire/iban")
    assert asked.location == "/identite?next=/partenaire/iban"
    visitor.get(asked.location)
    assert visitor.post(asked.location, {"proof": "pas le bon mot de passe"}).status_code == 422
    assert visitor.post(asked.location, {"proof": PASSWORD}).location == "/partenaire/iban"
    assert visitor.get("/partenaire/iban").text == "changed"
    assert audit(books)[-1] == "session.proved"


def test_a_form_sent_too_late_leads_back_to_its_page(
    visitor: Visitor, manager: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.sign_in("chef@lycee.fr")
    visitor.get("/compte")
    later(monkeypatch, 301)
    asked = visitor.post("/partenaire/iban", headers={"Referer": "http://localhost/partenaire/iban?a=1"})
    assert asked.location == "/identite?next=/partenaire/iban?a%3D1"
    answer = visitor.client.post("/api/v1/iban", headers={"X-CSRFToken": visitor.token})
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (403, "step_up_required")


def test_with_a_code_generator_the_proof_is_a_code(
    visitor: Visitor, manager: int, books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = enrol(books, manager)
    visitor.sign_in("chef@lycee.fr", secret=secret)
    later(monkeypatch, 301)
    asked = visitor.get("/partenaire/iban").location
    visitor.get(asked)
    assert visitor.post(asked, {"proof": PASSWORD}).status_code == 422
    assert visitor.post(asked, {"proof": "AAAA-BBBB-CCCC-DDDD"}).location == "/partenaire/iban"


# -- links and passwords ---------------------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_through_a_link_that_works_once(
    app: Flask, visitor: Visitor, manager: int, books: Engine
) -> None:
    signed_in = Visitor(app)
    signed_in.sign_in("chef@lycee.fr")
    visitor.get("/mot-de-passe-oublie")
    assert visitor.post("/mot-de-passe-oublie", {"email": "chef@lycee.fr"}).status_code == 200
    link = last_link(books)
    for _ in range(2):
        assert visitor.get(link).status_code == 200, "looking does not use it up"
    assert visitor.post(link, {"password": "trop court"}).status_code == 422
    assert visitor.post(link, {"password": "un cheval correct agrafe"}).location == "/connexion"
    assert visitor.get(link).status_code == 410
    assert signed_in.get("/compte").status_code == 302, "signed out everywhere"
    assert visitor.sign_in("chef@lycee.fr").status_code == 422
    assert visitor.sign_in("chef@lycee.fr", "un cheval correct agrafe").status_code == 302
    assert audit(books)[1:4] == ["person.reset_asked", "person.password_set", "session.refused"]
    with books.connect() as conn:
        assert list(conn.execute(text("select purpose from mail_outbox order by id")).scalars()) == [
            "reset",
            "password_changed",
        ]


def test_asking_for_a_link_says_the_same_and_does_the_same_for_an_unknown_address(
    visitor: Visitor, manager: int, books: Engine
) -> None:
    answers, statements = [], []
    for email in ("chef@lycee.fr", "autre@lycee.fr"):
        visitor.get("/mot-de-passe-oublie")
        with statements_sent() as ran:
            answers.append(visitor.post("/mot-de-passe-oublie", {"email": email}).text.replace(email, ""))
        statements.append(ran)
    assert answers[0] == answers[1]
    assert statements[0] == statements[1]
    with books.connect() as conn:
        assert conn.execute(text("select count(*) from mail_outbox")).scalar_one() == 1


def test_a_newer_link_closes_the_older_one_and_time_closes_both(
    visitor: Visitor, manager: int, books: Engine, fresh_database: Database
) -> None:
    found = []
    for _ in range(2):
        visitor.get("/mot-de-passe-oublie")
        visitor.post("/mot-de-passe-oublie", {"email": "chef@lycee.fr"})
        found.append(last_link(books))
    assert [visitor.get(link).status_code for link in found] == [410, 200]
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("update mail_link set expires_at = now()"))
    assert visitor.get(found[1]).status_code == 410


def test_an_invited_person_comes_in_through_the_invitation(visitor: Visitor, books: Engine) -> None:
    partner_id = add_partner(books)
    with books.begin() as conn:
        person_id = people.create(conn, email="caisse@lycee.fr", name="Camille", by="person:1")
        people.grant(conn, person_id, Role.PARTNER_CASHIER, partner_id=partner_id, by="person:1")
        person = people.get(conn, person_id)
        assert person
        reason, public_url = "Le lycée vous ouvre sa caisse.", "http://localhost"
        address = links.invite(conn, person, by="person:1", reason=reason, public_url=public_url)
    link = last_link(books)
    assert address == public_url + link
    assert "Bienvenue" in visitor.get(link).text
    assert visitor.post(link, {"password": "un cheval correct agrafe"}).status_code == 302
    assert visitor.sign_in("caisse@lycee.fr", "un cheval correct agrafe").location == "/partenaire"
    with books.connect() as conn:
        token_hashes = conn.execute(text("select token_hash from mail_link")).scalars().all()
    assert not any(link.rpartition("/")[2].encode() in bytes(token_hash) for token_hash in token_hashes)


def test_changing_the_password_closes_the_other_sessions_and_tells_by_mail(
    app: Flask, visitor: Visitor, manager: int, books: Engine
) -> None:
    other = Visitor(app)
    other.sign_in("chef@lycee.fr")
    visitor.sign_in("chef@lycee.fr")
    visitor.get("/compte/mot-de-passe")
    new = "un cheval correct agrafe"
    assert visitor.post("/compte/mot-de-passe", {"current": "pas le bon", "password": new}).status_code == 422
    assert visitor.post("/compte/mot-de-passe", {"current": PASSWORD, "password": "chef@lycee.fr"}).status_code == 422
    assert visitor.post("/compte/mot-de-passe", {"current": PASSWORD, "password": new}).location == "/compte"
    assert visitor.get("/compte").status_code == 200
    assert other.get("/compte").status_code == 302


def test_one_sees_where_one_is_signed_in_and_closes_the_other_places(
    app: Flask, visitor: Visitor, manager: int
) -> None:
    phone = Visitor(app, "203.0.113.5")
    phone.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Android 15; Mobile) Gecko/130.0 Firefox/130.0"
    phone.sign_in("chef@lycee.fr")
    visitor.sign_in("chef@lycee.fr")
    page = visitor.get("/compte")
    assert "Firefox, Android" in page.text
    assert "203.0.113.5" in page.text
    reference = re.search(r'name="reference" value="(\w+)"', page.text)
    assert reference
    assert visitor.post("/compte/connexions/fermer", {"reference": reference[1]}).location == "/compte"
    assert phone.get("/compte").status_code == 302
    assert visitor.get("/compte").status_code == 200


def test_redis_and_the_audit_trail_hold_no_password_and_no_mail_address(
    visitor: Visitor, manager: int, books: Engine, redis: Redis
) -> None:
    visitor.sign_in("chef@lycee.fr", "pas le bon mot de passe")
    visitor.sign_in("chef@lycee.fr")
    with books.connect() as conn:
        trail = str(conn.execute(text("select actor, subject, details from audit_event where actor <> 'tests'")).all())
    kept = b" ".join(redis.get(key) or b"" for key in redis.scan_iter("atouts:session:*"))
    for secret in ("chef@lycee.fr", PASSWORD, "pas le bon"):
        assert secret not in trail
        assert secret.encode() not in kept
