"""A student's phone: in with the card, what is left, the code with and without network, and the card replaced."""

import datetime
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from ledger import cards
from ledger.cards import ReadCode
from pos_client import decoding
from tests.conftest import Database
from tests.film import page_with_camera
from tests.ledger.scheme import BOOK, KEYS, OTHER_BOOK, let_benefits_end
from tests.partner_portal.conftest import look_at
from tests.partner_portal.counter.conftest import School
from tests.partner_portal.students.conftest import BORN, PASSCODE

pytestmark = pytest.mark.browser
HOME_LIMIT = 60_000


def come_in(phone: Page, code: str) -> None:
    """Activate with the card's code and the birth date."""
    phone.goto("/eleve/")
    phone.get_by_role("link", name="Première visite").click()
    phone.get_by_label("Code de la carte").fill(" ".join(re.findall("....", code)).lower())
    phone.get_by_label("Date de naissance").fill(BORN)
    phone.get_by_role("button", name="Continuer").click()
    phone.get_by_label("Mot de passe", exact=True).fill(PASSCODE)
    phone.get_by_role("button", name="Ouvrir mon espace").click()
    expect(phone.get_by_role("heading", name="Bonjour Léa")).to_be_visible()


def code_on(phone: Page) -> str:
    """The code on the phone's screen, read from a picture of the whole screen as the till's camera sees it."""
    expect(phone.locator("#code-picture")).not_to_have_attribute("d", "")
    (code,) = decoding.decode(phone.screenshot())
    return code


def card_of(code: str) -> int | None:
    read = cards.read_code(KEYS, code, datetime.datetime.now(datetime.UTC))
    return read.card_id if isinstance(read, ReadCode) and read.form == "phone" else None


def test_from_the_card_to_the_first_page(phone: Page, school: School, engine: Engine) -> None:
    with engine.begin() as conn:
        school.scheme.till.sell(conn, (school.scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 1250)]))
    phone.goto("/eleve/")
    look_at(phone, "eleve-connexion")
    phone.goto("/connexion/eleve/activation")
    phone.get_by_label("Code de la carte").fill(school.codes[1])
    phone.get_by_label("Date de naissance").fill("1/1/2001")
    phone.get_by_role("button", name="Continuer").click()
    expect(phone.get_by_role("alert")).to_contain_text("ne correspondent pas")
    look_at(phone, "eleve-activation")
    phone.set_viewport_size({"width": 390, "height": 844})
    come_in(phone, school.codes[0])
    expect(phone.locator(".purse-left strong")).to_have_text("27,50 €")
    expect(phone.locator(".deadline")).to_contain_text("juin")
    expect(phone.locator(".operation-line").first).to_contain_text("reste 27,50 €")
    for name, label in [
        ("eleve-avantages", "Mes avantages"),
        ("eleve-ou-payer", "Où payer"),
        ("eleve-donnees", "Mes données"),
    ]:
        phone.get_by_role("navigation", name="Espace élève").get_by_role("link", name=label).click()
        expect(phone.get_by_role("navigation", name="Espace élève").locator("[aria-current]")).to_have_text(label)
        look_at(phone, name)
    phone.goto("/eleve/operations")
    look_at(phone, "eleve-operations")
    phone.goto("/eleve/carte")
    look_at(phone, "eleve-carte")


def test_the_home_page_is_light(phone: Page, school: School) -> None:
    weights: list[int] = []
    come_in(phone, school.codes[0])
    phone.on("requestfinished", lambda request: weights.append(sum(request.sizes()[part] for part in SIZES)))
    phone.goto("/eleve/", wait_until="networkidle")
    assert 5_000 < sum(weights) < HOME_LIMIT


SIZES = ("responseBodySize", "responseHeadersSize")


def test_the_code_works_without_network_and_dies_with_the_card(phone: Page, school: School) -> None:
    come_in(phone, school.codes[0])
    phone.get_by_role("link", name="Montrer mon code").click()
    assert card_of(code_on(phone)) == school.scheme.cards[0]
    look_at(phone, "eleve-code")
    phone.set_viewport_size({"width": 390, "height": 844})
    phone.evaluate("navigator.serviceWorker.ready")
    phone.context.set_offline(True)
    phone.goto("/eleve/code")
    expect(phone.get_by_text("Pas de réseau : votre code marche quand même.")).to_be_visible()
    offline = code_on(phone)
    assert card_of(offline) == school.scheme.cards[0]
    # Any other page of the space leads back to the code.
    phone.goto("/eleve/")
    expect(phone.get_by_role("heading", name="Mon code")).to_be_visible()
    phone.context.set_offline(False)
    phone.goto("/eleve/carte")
    phone.get_by_role("button", name="Remplacer ma carte").click()
    phone.get_by_role("dialog").get_by_role("button", name="Remplacer ma carte").click()
    expect(phone.get_by_text("l’ancienne carte est refusée")).to_be_visible()
    phone.goto("/eleve/code")
    expect(phone.locator("#code-said")).to_have_text("")
    with school.engine.connect() as conn:
        (new,) = cards.live_cards(conn, school.scheme.student_ids[:1]).values()
    phone.wait_for_function("!document.querySelector('#code-said').textContent")
    phone.wait_for_timeout(600)
    assert card_of(code_on(phone)) == new.card_id != school.scheme.cards[0]


def test_the_code_changes_with_the_step_and_follows_the_portals_clock(phone: Page, school: School) -> None:
    come_in(phone, school.codes[0])
    # The phone is twenty minutes late; a till allows half a minute.
    phone.add_init_script("const now = Date.now; Date.now = () => now() - 1_200_000;")
    phone.goto("/eleve/code")
    first = code_on(phone)
    assert card_of(first) == school.scheme.cards[0]
    phone.evaluate("() => { const now = Date.now; Date.now = () => now() + 30_000; }")
    phone.wait_for_timeout(600)
    assert code_on(phone) != first


def test_signing_out_takes_the_code_off_the_device(phone: Page, school: School) -> None:
    come_in(phone, school.codes[0])
    phone.get_by_role("link", name="Montrer mon code").click()
    code_on(phone)
    phone.goto("/eleve/")
    phone.get_by_role("button", name="Se déconnecter").click()
    expect(phone.get_by_role("link", name="Se connecter", exact=True)).to_be_visible()
    phone.goto("/eleve/code")
    expect(phone.get_by_text("Votre code n’est pas encore sur cet appareil.", exact=True)).to_be_visible()
    look_at(phone, "eleve-code-deconnecte")


def test_the_card_is_read_from_a_photograph(phone: Page, school: School, tmp_path: object) -> None:
    from batch.documents.cards import card_png
    from batch.documents.models import StudentCard

    card = StudentCard(
        school.codes[0],
        "Léa",
        "Martin",
        "2de 4",
        "Lycée Malherbe",
        2026,
        ("Livres scolaires",),
        datetime.date(2027, 6, 30),
        "atouts.example",
    )
    phone.goto("/connexion/eleve/activation")
    phone.locator("#picture").set_input_files({"name": "carte.png", "mimeType": "image/png", "buffer": card_png(card)})
    expect(phone.get_by_text("La carte est lue.")).to_be_visible()
    assert phone.get_by_label("Code de la carte").input_value().replace(" ", "") == school.codes[0]


def test_a_student_scans_their_own_card_and_is_spoken_to_as_its_owner(
    browser: Browser, portal_url: str, school: School, tmp_path: Path
) -> None:
    with page_with_camera(browser, portal_url, tmp_path, school.codes[0]) as phone:
        phone.goto("/connexion/eleve/activation")
        phone.route("**/cadre", lambda route: route.fulfill(json={"cards": []}))
        phone.get_by_role("button", name="Scanner la carte").click()
        expect(phone.locator("#camera-said")).to_have_text(
            "Tenez votre carte devant la caméra, le code carré bien visible."
        )
        look_at(phone, "eleve-camera")
        phone.unroute("**/cadre")
        expect(phone.get_by_text("La carte est lue.")).to_be_visible(timeout=20_000)
        assert phone.get_by_label("Code de la carte").input_value().replace(" ", "") == school.codes[0]


def test_a_phone_without_a_camera_is_told_what_to_do_instead(phone: Page, school: School) -> None:
    phone.goto("/connexion/eleve/activation")
    phone.get_by_role("button", name="Scanner la carte").click()
    expect(phone.locator("#camera-said")).to_contain_text("choisissez une photo de votre carte, ou tapez son code.")
    look_at(phone, "eleve-camera-absente")


def test_the_deadline_is_told_louder_as_it_nears(phone: Page, school: School, fresh_database: Database) -> None:
    come_in(phone, school.codes[0])
    for days, tone in [(20, "soon"), (3, "now"), (-2, "over")]:
        with fresh_database.owner_engine.begin() as conn:
            let_benefits_end(conn, days)
        phone.goto("/eleve/")
        expect(phone.locator(f".deadline-{tone}")).to_be_visible()
        look_at(phone, f"eleve-avantages-{tone}")


def test_every_code_the_phone_draws_is_the_librarys(phone: Page, school: School) -> None:
    import secrets

    import qrcode
    from qrcode.constants import ERROR_CORRECT_Q

    phone.goto("/connexion/eleve")
    for _ in range(20):
        said = "W" + "".join(secrets.choice(cards.ALPHABET) for _ in range(31))
        drawn = phone.evaluate("async (text) => (await import('/static/student/qr.js')).matrix(text)", said)
        expected = qrcode.QRCode(version=3, error_correction=ERROR_CORRECT_Q, mask_pattern=0, border=0)
        expected.add_data(said)
        expected.make(fit=False)
        assert drawn == expected.get_matrix()
