"""The students' doors, tried with the wrong key: nothing tells who exists, and nobody reads another's space."""

import hmac
import json
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from batch import student_mails, year_end
from ledger import cards, student_notices, students, wallets
from ledger.cards import ALPHABET, phone_code, printed_code, time_step
from ledger.refusals import Refusal
from partner_portal.students import identity, own_file
from pos_client import decoding
from tests.conftest import Database
from tests.ledger.scheme import ACTOR, BOOK, KEYS, OTHER_BOOK, let_benefits_end
from tests.partner_portal.conftest import Visitor
from tests.partner_portal.counter.conftest import CASHIER, School
from tests.partner_portal.students.conftest import BORN, PASSCODE, activate

ACTIVATION = "/connexion/eleve/activation"
WRONG = "Ces informations ne correspondent pas"


def try_card(visitor: Visitor, code: str, born: str = BORN) -> tuple[int, str]:
    visitor.get(ACTIVATION)
    answer = visitor.post(ACTIVATION, {"code": code, "birth_date": born})
    # What was typed stands in the page again, beside the form's token: nothing else may differ.
    return answer.status_code, re.sub(r'(value|data-csrf)="[^"]*"|(?s:<textarea.*?</textarea>)', "", answer.text)


def come_back(visitor: Visitor, name: str, passcode: str = PASSCODE) -> int:
    visitor.get("/connexion/eleve")
    return visitor.post("/connexion/eleve", {"name": name, "passcode": passcode}).status_code


def mails(engine: Engine, purpose: str) -> list[str]:
    with engine.connect() as conn:
        return list(
            conn.scalars(text("select body_text from mail_outbox where purpose = :p order by id"), {"p": purpose})
        )


def test_a_wrong_date_a_forged_an_unknown_and_a_dead_card_are_answered_alike(app: Flask, school: School) -> None:
    dead = school.codes[2]
    with school.engine.begin() as conn:
        students.withdraw(conn, school.scheme.student_ids[2], 2026, actor=ACTOR)
    on_a_phone = phone_code(KEYS, school.scheme.cards[0], 1, time_step(datetime.now(UTC)))
    answers = {
        try_card(Visitor(app, f"192.0.2.{number}"), code, born)
        for number, (code, born) in enumerate(
            [
                (school.codes[0], "01/01/2009"),
                (school.codes[0][:-1] + ALPHABET[ALPHABET.index(school.codes[0][-1]) ^ 1], BORN),
                (printed_code(KEYS, 4711, 1), BORN),
                (dead, BORN),
                (on_a_phone, BORN),
                ("rien", BORN),
            ],
            start=10,
        )
    }
    ((status, page),) = answers
    assert status == 422
    assert WRONG in page


def test_guessing_birth_dates_soon_waits_from_wherever(app: Flask, school: School) -> None:
    for number in range(5):
        assert try_card(Visitor(app, f"192.0.2.{number}"), school.codes[0], "01/01/2009")[0] == 422
    late = Visitor(app, "192.0.2.99")
    late.get(ACTIVATION)
    answer = late.post(ACTIVATION, {"code": school.codes[0], "birth_date": BORN})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    # Another card is not made to wait.
    assert activate(Visitor(app), school.codes[1]) == 302


def test_a_student_comes_back_with_the_card_or_the_address(app: Flask, school: School) -> None:
    assert activate(Visitor(app), school.codes[0]) == 302
    visitor = Visitor(app)
    try_card(visitor, school.codes[0])
    assert 'value="eleve0@lycee.example" autocomplete="username"' in visitor.get("/connexion/eleve/mot-de-passe").text
    for name in (school.codes[0], school.codes[0].lower(), "ELEVE0@lycee.example"):
        assert come_back(Visitor(app), name) == 302
    for name, passcode in [
        (school.codes[0], "pas celui-ci"),
        (school.codes[1], PASSCODE),
        ("personne@lycee.example", PASSCODE),
    ]:
        assert come_back(Visitor(app), name, passcode) == 422


def test_an_address_that_two_students_share_names_nobody(app: Flask, school: School) -> None:
    with school.engine.begin() as conn:
        conn.execute(text("update student_identity set email = 'parents@example.org'"))
    visitor = Visitor(app)
    try_card(visitor, school.codes[0])
    assert "parents@example.org" not in visitor.get("/connexion/eleve/mot-de-passe").text
    assert activate(Visitor(app), school.codes[0]) == 302
    assert come_back(Visitor(app), "parents@example.org") == 422
    assert come_back(Visitor(app), school.codes[0]) == 302


@pytest.mark.parametrize(
    "passcode", ["court", "14072010", "leamartin", "aaaaaaaaaa", "12345678", "Azerty123", "motdepasse1"]
)
def test_a_password_one_would_guess_is_refused(app: Flask, school: School, passcode: str) -> None:
    visitor = Visitor(app)
    if passcode == "leamartin":
        passcode = "léamartin"
    assert activate(visitor, school.codes[0], passcode=passcode) == 422
    assert visitor.get("/eleve/").status_code == 302


def test_activating_again_signs_every_other_device_out(app: Flask, school: School, engine: Engine) -> None:
    old, new = Visitor(app), Visitor(app)
    assert activate(old, school.codes[0]) == 302
    assert old.get("/eleve/").status_code == 200
    assert activate(new, school.codes[0], passcode="un tout autre mot") == 302
    assert old.get("/eleve/").status_code == 302
    assert new.get("/eleve/").status_code == 200
    assert come_back(Visitor(app), school.codes[0]) == 422
    first, second = mails(engine, "student_access")
    assert "est ouvert" in first
    assert "déconnectés" in second


def test_nobody_chooses_a_password_without_the_card(visitor: Visitor, school: School) -> None:
    visitor.get(ACTIVATION)
    answer = visitor.post("/connexion/eleve/mot-de-passe", {"passcode": PASSCODE})
    assert answer.status_code == 302
    assert answer.location == ACTIVATION


def test_strangers_and_schools_do_not_enter_the_space(app: Flask, school: School) -> None:
    stranger, cashier = Visitor(app), Visitor(app)
    cashier.sign_in(CASHIER)
    for path in (
        "/eleve/",
        "/eleve/operations",
        "/eleve/code/cle",
        "/eleve/carte",
        "/eleve/carte.pdf",
        "/eleve/donnees.json",
    ):
        turned_away = stranger.get(path)
        assert turned_away.status_code == 302
        assert turned_away.location.startswith("/connexion/eleve?next=")
        assert cashier.get(path).status_code == 403
    assert stranger.get("/partenaire").location.startswith("/connexion?")


def test_a_student_reads_nobody_elses_and_no_other_space(student: Visitor, school: School) -> None:
    with school.engine.begin() as conn:
        school.scheme.till.sell(conn, (school.scheme.cards[1], [(BOOK, 3000)]))
    assert "Mathématiques" not in student.get("/eleve/operations").text
    assert student.get("/eleve/operations?avant=99999999999999999999").status_code == 404
    assert student.get("/partenaire").status_code == 403
    assert student.get("/region").status_code == 403


def test_the_key_makes_the_codes_that_tills_read(student: Visitor, school: School) -> None:
    said = student.get("/eleve/code/cle").json
    step = said["now_ms"] // 1000 // said["step_seconds"]
    mac = int.from_bytes(hmac.digest(bytes.fromhex(said["key"]), b"W/%d" % step, "sha256")[:10])
    code = "W" + said["prefix"] + "".join(ALPHABET[mac >> shift & 31] for shift in range(75, -1, -5))
    assert code == phone_code(KEYS, school.scheme.cards[0], 1, step)


def test_a_replaced_card_is_refused_at_the_next_scan(student: Visitor, school: School, engine: Engine) -> None:
    before = student.get("/eleve/code/cle").json
    student.get("/eleve/carte")
    assert student.post("/eleve/carte/remplacer").status_code == 302
    after = student.get("/eleve/code/cle").json
    assert after["key"] != before["key"]
    with engine.begin() as conn:
        found = wallets.look_up(conn, school.scheme.cards[0], partner_id=school.partner_id)
        (sale,) = school.scheme.till.sell(conn, (school.scheme.cards[0], [(BOOK, 3000)]))
        (new,) = cards.live_cards(conn, school.scheme.student_ids[:1]).values()
        assert not isinstance(wallets.look_up(conn, new.card_id, partner_id=school.partner_id), Refusal)
    assert found is Refusal.CARD_REVOKED
    assert sale.refusal is Refusal.CARD_REVOKED
    assert len(mails(engine, "card_reissue")) == 1
    assert activate(Visitor(student.client.application), school.codes[0]) == 422


def test_a_form_of_another_site_replaces_no_card(student: Visitor, school: School) -> None:
    assert student.client.post("/eleve/carte/remplacer").status_code == 400
    assert student.client.post("/eleve/rappels").status_code == 400


def test_the_card_to_print_again_is_the_one_that_counts(student: Visitor, school: School) -> None:
    import pypdfium2

    answer = student.get("/eleve/carte.pdf")
    assert answer.mimetype == "application/pdf"
    document = pypdfium2.PdfDocument(answer.data)
    assert decoding.decode(document[0].render(scale=3).to_pil()) == [school.codes[0]]
    assert school.codes[0][:4] in document[0].get_textpage().get_text_range()


def test_a_student_who_left_has_no_code(student: Visitor, school: School) -> None:
    with school.engine.begin() as conn:
        students.withdraw(conn, school.scheme.student_ids[0], 2026, actor=ACTOR)
    assert student.get("/eleve/code/cle").status_code == 404
    assert student.get("/eleve/carte.pdf").status_code == 404
    assert "pas de carte en cours" in student.get("/eleve/carte").text
    assert "Votre inscription a pris fin" in student.get("/eleve/").text
    assert "Fin de l’inscription" in student.get("/eleve/donnees").text


def test_a_card_is_printed_once_there_is_something_to_pay_with(student: Visitor, fresh_database: Database) -> None:
    assert "Ouvrir ma carte" in student.get("/eleve/carte").text
    assert "inscription a pris fin" not in student.get("/eleve/").text
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("update benefit set usable_from = now() + interval '1 second'"))
    assert "Aucun avantage cette année" in student.get("/eleve/").text
    page = student.get("/eleve/carte").text
    assert "Ouvrir ma carte" not in page
    assert "dès que vos avantages de l’année sont attribués" in page
    assert "dès que vos avantages" in student.get("/eleve/carte.pdf").text


def test_what_is_held_can_be_taken_away_but_opens_no_till(student: Visitor, school: School) -> None:
    with school.engine.begin() as conn:
        school.scheme.till.sell(conn, (school.scheme.cards[0], [(BOOK, 3000)]))
    held = student.get("/eleve/donnees.json").json
    assert held["identité"][0]["nom"] == "Martin"
    assert held["identité"][0]["date de naissance"] == "2010-07-14"
    assert held["opérations"][0]["montant en centimes"] == -3000
    assert held["opérations"][0]["nature"] == "achat"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", held["opérations"][0]["date"])
    assert {event["action"] for event in held["journal"]} >= {"espace ouvert", "connexion"}
    assert {event["auteur"] for event in held["journal"]} == {"vous"}
    assert str(school.scheme.cards[0]) not in student.get("/eleve/donnees.json").text


def test_the_file_to_take_away_speaks_french_throughout(student: Visitor, school: School, engine: Engine) -> None:
    with engine.begin() as conn:
        school.scheme.till.sell(conn, (school.scheme.cards[0], [(BOOK, 3000)]))
        cards.reissue(conn, KEYS, school.scheme.student_ids[0], reason="perdue", actor="person:7")
        student_notices.choose_reminders(conn, school.scheme.student_ids[0], wanted=False)
        conn.execute(text("insert into reminder_sent (student_id, benefit_id, days) select 1, min(id), 7 from benefit"))
    held = student.get("/eleve/donnees.json").json
    assert held["journal"][-1]["auteur"] == "une personne habilitée"
    assert len(held) == 11
    assert all(held.values()), held
    left_in_english = re.findall(r'"(?:[a-z]+[_.][a-z_.]+|general|sale)"', json.dumps(held))
    assert left_in_english == []
    assert names_in(held) <= set(own_file.WORDS.values())


def names_in(held: object) -> set[str]:
    """Every name in the file."""
    if isinstance(held, dict):
        return set(held).union(*map(names_in, held.values()))
    return set().union(*map(names_in, held)) if isinstance(held, list) else set()


def test_what_has_lapsed_is_lost_and_not_used(
    student: Visitor, school: School, engine: Engine, fresh_database: Database
) -> None:
    with engine.begin() as conn:
        school.scheme.till.sell(conn, (school.scheme.cards[0], [(BOOK, 3000)]))
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("update benefit set usable_until = now()"))
    before = student.get("/eleve/").text.replace("\xa0", " ")
    year_end.lapse(engine)
    after = student.get("/eleve/").text.replace("\xa0", " ")
    for page in (before, after):
        assert "<strong>40,00 €</strong> perdus" in page
        assert "<dt>Utilisé</dt><dd>30,00 €</dd>" in page
    assert "le règlement de la Région prévoit" in after


def test_who_has_used_everything_is_told_so_in_place_of_a_deadline(student: Visitor, school: School) -> None:
    assert "À utiliser avant le" in student.get("/eleve/").text
    with school.engine.begin() as conn:
        school.scheme.till.sell(conn, (school.scheme.cards[0], [(BOOK, 3000), (BOOK, 3000), (OTHER_BOOK, 1000)]))
    page = student.get("/eleve/").text
    assert "Vous avez tout utilisé pour cette année scolaire." in page
    assert "À utiliser avant le" not in page


def test_students_are_not_sent_to_the_partners_telephone(
    student: Visitor, school: School, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_QUESTIONS_EMAIL", "jeunes@example.org")
    page = student.get("/eleve/").text
    assert "mailto:jeunes@example.org" in page
    assert "tel:" not in page
    student.get("/eleve/carte")
    student.post("/eleve/carte/remplacer")
    (told,) = mails(engine, "card_reissue")
    assert "ou écrivez à jeunes@example.org" in told
    assert "02" not in told.partition("Une question")[2]


def test_an_erased_student_finds_nothing_and_no_door(student: Visitor, school: School, app: Flask) -> None:
    with school.engine.begin() as conn:
        students.erase(conn, school.scheme.student_ids[0], actor=ACTOR)
    for path in ("/eleve/", "/eleve/donnees", "/eleve/donnees.json", "/eleve/partenaires"):
        assert student.get(path).status_code == 410
    assert come_back(Visitor(app), school.codes[0]) == 422


def test_only_the_button_behind_a_reminders_link_stops_them(visitor: Visitor, school: School, engine: Engine) -> None:
    student_id = school.scheme.student_ids[0]
    with engine.begin() as conn:
        student_notices.choose_reminders(conn, student_id, wanted=True)
        token = conn.scalar(text("select token from reminder_choice"))
    link = f"/eleve/rappels/{token}"
    assert visitor.get(link).status_code == 200
    with engine.connect() as conn:
        assert student_notices.wants_reminders(conn, student_id)
    assert "C’est noté" in visitor.post(link).text
    with engine.connect() as conn:
        assert not student_notices.wants_reminders(conn, student_id)
    unknown = "/eleve/rappels/018f0000-0000-7000-8000-000000000000"
    visitor.get(unknown)
    assert "C’est noté" in visitor.post(unknown).text


def test_a_mail_programs_own_button_stops_the_reminders(
    app: Flask, school: School, engine: Engine, fresh_database: Database
) -> None:
    student_id = school.scheme.student_ids[0]
    with engine.begin() as conn:
        conn.execute(
            text("update student_identity set email = 'lea@example.org' where student_id = :id"), {"id": student_id}
        )
    with fresh_database.owner_engine.begin() as conn:
        let_benefits_end(conn, 5)
    student_mails.write_reminders(engine)
    with engine.connect() as conn:
        mail = conn.execute(
            text("select unsubscribe_url, body_text from mail_outbox where purpose = 'reminder'")
        ).first()
        assert student_notices.wants_reminders(conn, student_id)
    assert mail is not None
    assert mail.unsubscribe_url in mail.body_text
    # RFC 8058: no cookie, no token of a form, nothing but the address and this one word.
    answer = app.test_client().post(urlsplit(mail.unsubscribe_url).path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    with engine.connect() as conn:
        assert not student_notices.wants_reminders(conn, student_id)


def test_reminders_are_stopped_and_taken_up_again_in_the_space(student: Visitor) -> None:
    assert "Ne plus recevoir de rappel" in student.get("/eleve/donnees").text
    student.post("/eleve/rappels")
    assert "Recevoir les rappels" in student.get("/eleve/donnees").text


def test_where_to_pay_is_found_by_town_without_its_accents(student: Visitor, school: School) -> None:
    with school.engine.begin() as conn:
        conn.execute(text("update partner set town = 'Évreux'"))
    assert "Lycée Malherbe" in student.get("/eleve/partenaires?q=evreux").text
    assert "Aucun établissement trouvé" in student.get("/eleve/partenaires?q=Brest").text
    # Nobody in one's own town: all are shown.
    assert "Évreux" in student.get("/eleve/partenaires").text


def test_a_picture_without_a_card_says_to_type_the_code(visitor: Visitor, school: School) -> None:
    visitor.get(ACTIVATION)
    said = visitor.client.post("/connexion/eleve/photo", data=b"not a picture", headers={"X-CSRFToken": visitor.token})
    assert said.status_code == 422
    assert said.json["detail"]
    assert visitor.client.post("/connexion/eleve/photo", data=b"x").status_code == 400


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("14/07/2010", (2010, 7, 14)),
        ("14 7 2010", (2010, 7, 14)),
        ("14072010", (2010, 7, 14)),
        ("31/02/2010", None),
        ("hier", None),
    ],
)
def test_a_birth_date_is_read_day_first(typed: str, day: tuple[int, int, int] | None) -> None:
    read = identity.birth_date(typed)
    assert (read and (read.year, read.month, read.day)) == day
