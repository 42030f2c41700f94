"""Cards before a camera and on pictures: found by the till client's own decoder, looked at once and never kept."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pos_client.photograph import photograph
from tests.film import card_picture, jpeg, page_with_camera
from tests.ledger.scheme import BOOK
from tests.partner_portal.conftest import Visitor, look_at
from tests.partner_portal.counter.conftest import CASHIER, School, scan, sign_in

Look = Callable[[str], None]
FRAME, PICTURE = "/partenaire/caisse/cadre", "/partenaire/caisse/photo"


def send(visitor: Visitor, path: str, content: bytes) -> tuple[int, dict[str, object]]:
    """Post a picture as the till page does."""
    visitor.get("/partenaire/groupes")
    headers = {"X-CSRFToken": visitor.token, "Accept": "application/json"}
    answer = visitor.client.post(
        path, data=content, content_type="image/jpeg", headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}
    )
    return answer.status_code, answer.get_json(silent=True) or {}


def test_a_frame_tells_the_card_in_it(cashier_client: Visitor, school: School) -> None:
    shot = photograph(card_picture(school.codes[0]), 1, 0.4).convert("L")
    assert send(cashier_client, FRAME, jpeg(shot)) == (200, {"cards": [school.codes[0]]})
    assert send(cashier_client, FRAME, jpeg(Image.new("L", (640, 480), 90))) == (200, {"cards": []})
    assert send(cashier_client, FRAME, b"no picture") == (200, {"cards": []})


def test_a_photograph_is_looked_at_with_patience(cashier_client: Visitor, school: School) -> None:
    shot = photograph(card_picture(school.codes[0]), 9, 0.8)
    assert send(cashier_client, PICTURE, jpeg(shot)) == (200, {"cards": [school.codes[0]]})
    status, answer = send(cashier_client, PICTURE, b"no picture")
    assert status == 422
    assert "JPEG" in str(answer["detail"])


def test_what_is_too_large_is_refused_at_the_door(cashier_client: Visitor, school: School) -> None:
    assert send(cashier_client, FRAME, b"x" * 200_001)[0] == 413
    assert send(cashier_client, PICTURE, b"x" * 10_000_001)[0] == 413


def test_too_many_pictures_are_told_to_wait(cashier_client: Visitor, school: School) -> None:
    small = jpeg(Image.new("L", (40, 40), 90))
    statuses = [send(cashier_client, PICTURE, small)[0] for _ in range(21)]
    assert statuses == [200] * 20 + [429]


def test_pictures_are_for_the_schools_staff_and_their_own_page(visitor: Visitor, school: School) -> None:
    visitor.get("/connexion")
    assert send(visitor, FRAME, b"x")[0] == 302
    visitor.sign_in(CASHIER)
    answer = visitor.client.post(FRAME, data=b"x", environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.status_code == 400


@pytest.mark.browser
def test_a_camera_that_is_not_there_is_said(cashier: Page, school: School) -> None:
    cashier.goto("/partenaire/caisse")
    cashier.get_by_role("button", name="Caméra", exact=True).click()
    expect(cashier.locator("#camera-said")).to_contain_text("tapez le code de la carte")


@pytest.mark.browser
def test_a_photograph_is_chosen_on_the_till(cashier: Page, school: School) -> None:
    cashier.goto("/partenaire/caisse")
    picture = {"name": "carte.jpg", "mimeType": "image/jpeg", "buffer": jpeg(card_picture(school.codes[2]))}
    cashier.locator("#picture").set_input_files(picture)  # type: ignore[arg-type]
    expect(cashier.get_by_role("heading", name="Inès L.")).to_be_visible()
    empty = {"name": "mur.jpg", "mimeType": "image/jpeg", "buffer": jpeg(Image.new("L", (300, 300), 200))}
    cashier.locator("#picture").set_input_files(empty)  # type: ignore[arg-type]
    expect(cashier.locator("#said")).to_contain_text("Aucune carte n’a été trouvée")


@pytest.mark.browser
def test_the_camera_reads_a_card_and_a_sale_follows(
    browser: Browser, portal_url: str, school: School, tmp_path: Path
) -> None:
    with page_with_camera(browser, portal_url, tmp_path, school.codes[0]) as page:
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        sign_in(page, CASHIER)
        page.goto("/partenaire/caisse")
        page.get_by_role("button", name="Caméra", exact=True).click()
        expect(page.get_by_role("heading", name="Léa M.")).to_be_visible(timeout=20_000)
        look_at(page, "caisse-camera")
        scan(page, str(BOOK))
        page.get_by_role("button", name="Débiter 30,00").click()
        expect(page.locator(".verdict-accepted")).to_contain_text("40,00")
        page.get_by_role("button", name="Fermer la caméra").click()
        expect(page.locator("#camera")).to_be_hidden()
        page.goto("/partenaire/groupes")
        page.get_by_role("button", name="Commencer avec les cartes").click()
        page.get_by_role("button", name="Caméra", exact=True).click()
        expect(page.get_by_role("rowheader", name="Léa M.")).to_be_visible(timeout=20_000)
    assert school.sales() == [3000]
    assert complaints == []


DETECTOR = """
    globalThis.BarcodeDetector = class {
        static async getSupportedFormats() { return ["ean_13", "qr_code"]; }
        constructor({ formats }) { if (formats.join() !== "qr_code") throw new TypeError("unexpected formats"); }
        async detect(video) {
            if (!video.videoWidth) throw new TypeError("no picture yet");
            DETECT
        }
    };
"""
"""A browser's own detector, which Chromium does not have on Linux."""


@pytest.mark.browser
@pytest.mark.parametrize("finds", [True, False])
def test_the_browsers_own_detector_keeps_pictures_at_home_and_the_portal_stands_in_for_one_that_fails(
    browser: Browser, portal_url: str, school: School, tmp_path: Path, finds: bool
) -> None:
    detect = (
        f"return [{{ rawValue: {school.codes[4]!r} }}];"
        if finds
        else """throw new DOMException("Barcode detection service unavailable.", "NotSupportedError");"""
    )
    with page_with_camera(browser, portal_url, tmp_path, school.codes[0]) as page:
        page.add_init_script(DETECTOR.replace("DETECT", detect))
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url.removeprefix(portal_url)))
        sign_in(page, CASHIER)
        page.goto("/partenaire/caisse")
        page.get_by_role("button", name="Caméra", exact=True).click()
        # The detector says Zoé's card; the film, which only the portal can read here, shows Léa's.
        expect(page.get_by_role("heading", name="Zoé L." if finds else "Léa M.")).to_be_visible(timeout=20_000)
        expect(page.locator("#camera-said")).not_to_contain_text("service unavailable")
        page.wait_for_timeout(600)
        look_at(page, f"caisse-camera-{'navigateur' if finds else 'portail'}")
    assert (FRAME in sent) is not finds
