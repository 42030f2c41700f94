"""The payout pages by Flask's client: what each person sees and may do, and that nothing has an effect twice."""

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from ledger.calendar import week_of
from ledger.payouts import outcomes
from partner_portal.payouts import pages
from tests.partner_portal.payouts.conftest import LAST_WEEK, PAGES, Browser, Region, browser_of


@pytest.fixture
def accountant(app: Flask, region: Region) -> Browser:
    return browser_of(app, region, "accountant")


def prepare(region: Region, accountant: Browser, what: str = "due") -> str:
    """Order it, let a worker do it, and return where the order's page is."""
    accountant.get(PAGES)
    answer = accountant.post(f"{PAGES}/preparations", {"what": what, "number": accountant.hidden["number"]})
    assert answer.status_code == 302
    region.work()
    return str(answer.location)


def approve(region: Region, app: Flask, run_id: int) -> None:
    for who in ("first", "second"):
        browser = browser_of(app, region, who)
        page = browser.get(f"{PAGES}/{run_id}/approbation")
        assert page.status_code == 200
        browser.post(f"{PAGES}/{run_id}/approbation", {"content_hash": browser.hidden["content_hash"]})


def generate(region: Region, accountant: Browser, run_id: int) -> None:
    accountant.get(f"{PAGES}/{run_id}/production")
    accountant.post(f"{PAGES}/{run_id}/production", accountant.hidden)
    region.work()


@pytest.fixture
def frozen(selling: Region, accountant: Browser) -> int:
    """The number of last week's run, prepared by the accountant."""
    prepare(selling, accountant)
    return selling.runs()[0].id


# -- looking ---------------------------------------------------------------------------------------------------------


def test_a_scheme_without_a_sale_has_nothing_to_pay(accountant: Browser, region: Region) -> None:
    assert "Aucune campagne pour l’instant" in accountant.get(PAGES).text
    job = prepare(region, accountant)
    assert "Il n’y avait rien à préparer" in accountant.get(job).text
    assert region.runs() == []


def test_the_accountant_prepares_every_week_that_is_due(selling: Region, accountant: Browser) -> None:
    assert "2 semaines sont à payer" in accountant.get(PAGES).text
    job = prepare(selling, accountant)
    page = accountant.get(job).text
    newest, oldest = selling.runs()
    assert newest.reference in page
    assert oldest.reference in page
    assert {one.prepared_by for one in (newest, oldest)} == {f"person:{selling.people['accountant']}"}
    assert (newest.owed, newest.amount, newest.held) == (80_150, 79_250, 900)


def test_an_order_waits_and_says_so_when_no_worker_runs(selling: Region, accountant: Browser) -> None:
    accountant.get(PAGES)
    order = {"what": "due", "number": accountant.hidden["number"]}
    job = accountant.post(f"{PAGES}/preparations", order).location
    page = accountant.get(job).text
    assert "Rien ne traite les tâches en ce moment" in page
    assert "data-poll" in page
    selling.work()
    assert "data-poll" not in accountant.get(job).text


def test_a_missing_setting_is_told_as_a_sentence(
    selling: Region, accountant: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", "")
    page = accountant.get(prepare(selling, accountant)).text
    assert "Un réglage manque sur le serveur" in page
    assert "ATOUTS_" not in page


def test_a_run_shows_what_it_owes_and_what_differs_from_the_week_before(frozen: int, accountant: Browser) -> None:
    answer = accountant.get(f"{PAGES}/{frozen}")
    assert len(answer.data) < 100_000
    for told in ("792,50", "801,50", "partenariat non validé", "Nouveau", "Lycée Malherbe", "1er virement"):
        assert told in answer.text, told
    assert "+25,00" in answer.text
    assert "Lycée en attente" in accountant.get(f"{PAGES}/{frozen}/reste").text


def test_payments_are_searched_and_looked_at_by_what_differs(frozen: int, accountant: Browser) -> None:
    def names(asked: str) -> list[str]:
        page = accountant.get(f"{PAGES}/{frozen}?{asked}").text
        return re.findall(r'virements/\d+">([^<]+)</a>', page)

    assert names("q=malherbe") == ["Lycée Malherbe"]
    assert names("voir=new") == ["Lycée Arcisse de Caumont"]
    assert names("voir=moved")[0] == "MFR du Cotentin"
    assert "Aucun virement ne correspond" in accountant.get(f"{PAGES}/{frozen}?q=rien%25").text
    far = "99999999999999999999"
    assert accountant.get(f"{PAGES}?avant={far}").status_code == 200
    assert accountant.get(f"{PAGES}/{far}").status_code == 404
    assert accountant.get(f"{PAGES}/{frozen}/virements/{far}").status_code == 404
    for odd in ("voir=nonsense", "page=-3", "page=999999999999", "page=x", "q=%27%3B--"):
        assert accountant.get(f"{PAGES}/{frozen}?{odd}").status_code == 200


def test_a_run_that_is_not_there_is_a_page_not_found(accountant: Browser, frozen: int) -> None:
    for path in ("999", "999/approbation", "999/fichier.xml", f"{frozen}/virements/9999", "999/reste"):
        assert accountant.get(f"{PAGES}/{path}").status_code in (403, 404)
    unknown = "018f0000-0000-7000-8000-000000000000"
    assert accountant.get(f"{PAGES}/taches/{unknown}").status_code == 404


def test_a_payment_of_many_movements_is_read_page_by_page(
    region: Region, accountant: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "LINES", 2)
    partner = region.partner()
    numbers = [region.sale(partner, amount, LAST_WEEK) for amount in (1100, 2200, 3300)]
    region.freeze(week_of(datetime.now(UTC)).starts_at)
    (payment,) = region.payments(region.runs()[0])
    where = f"{PAGES}/{region.runs()[0].id}/virements/{payment.id}"
    first = accountant.get(where).text
    assert "22,00" in first
    assert "Début" not in first
    assert f'href="{where}?apres={numbers[1]}" rel="next"' in first
    last = accountant.get(f"{where}?apres={numbers[1]}").text
    assert "33,00" in last
    assert "Suite" not in last
    assert f'href="{where}" rel="prev">Début' in last


# -- approving -------------------------------------------------------------------------------------------------------


def test_two_people_approve_what_the_screen_restates(frozen: int, selling: Region, app: Flask) -> None:
    run = selling.run_now(frozen)
    first, second = browser_of(app, selling, "first"), browser_of(app, selling, "second")
    page = first.get(f"{PAGES}/{frozen}/approbation").text
    assert run.content_hash.hex() in page
    assert "Approuver 4 virements pour 792,50" in page.replace("\u202f", " ").replace("\xa0", " ")
    first.post(f"{PAGES}/{frozen}/approbation", first.hidden)
    assert selling.run_now(frozen).state == "frozen"
    again = first.post(f"{PAGES}/{frozen}/approbation", {"content_hash": run.content_hash.hex()}, follow_redirects=True)
    assert "Vous avez déjà approuvé" in again.text
    assert "une autre personne doit l’approuver aussi" in first.get(f"{PAGES}/{frozen}/approbation").text
    second.get(f"{PAGES}/{frozen}/approbation")
    second.post(f"{PAGES}/{frozen}/approbation", second.hidden)
    assert selling.run_now(frozen).state == "approved"


def test_a_hash_that_is_not_the_runs_approves_nothing(frozen: int, selling: Region, app: Flask) -> None:
    first = browser_of(app, selling, "first")
    first.get(f"{PAGES}/{frozen}/approbation")
    stale = first.post(f"{PAGES}/{frozen}/approbation", {"content_hash": "00" * 32}, follow_redirects=True)
    assert "n’est pas celle de la campagne" in stale.text
    assert first.post(f"{PAGES}/{frozen}/approbation", {"content_hash": "zz"}).status_code == 400
    assert "0 approbation sur 2" in first.get(f"{PAGES}/{frozen}").text


def test_a_run_above_the_advance_says_what_is_left_and_is_not_approved(
    selling: Region, app: Flask, accountant: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOUTS_PAYOUT_ADVANCE_CEILING_CENTS", "70000")
    prepare(selling, accountant)
    run, earlier = selling.runs()
    assert run.amount == 79_250
    assert "Il reste" in accountant.get(f"{PAGES}/{run.id}").text
    first = browser_of(app, selling, "first")
    page = first.get(f"{PAGES}/{run.id}/approbation").text
    assert "l’avance disponible" in page
    assert "Avance disponible" in page
    assert "Approuver 4" not in page
    first.post(f"{PAGES}/{run.id}/approbation", {"content_hash": run.content_hash.hex()})
    assert selling.run_now(run.id).state == "frozen"
    assert "Au-dessus de l’avance" not in accountant.get(f"{PAGES}/{earlier.id}").text


def test_whoever_prepared_the_run_is_told_why_they_cannot_approve_it(
    frozen: int, selling: Region, app: Flask, accountant: Browser
) -> None:
    with selling.owner.begin() as conn:
        grant = "insert into role_grant (person_id, role, granted_by) values (:id, 'payment_approver', 'tests')"
        conn.execute(text(grant), {"id": selling.people["accountant"]})
    assert "Vous avez préparé cette campagne" in accountant.get(f"{PAGES}/{frozen}/approbation").text
    content_hash = selling.run_now(frozen).content_hash.hex()
    accountant.post(f"{PAGES}/{frozen}/approbation", {"content_hash": content_hash})
    assert "0 approbation sur 2" in accountant.get(f"{PAGES}/{frozen}").text


def test_whoever_touched_an_account_is_told_why_they_cannot_approve(frozen: int, selling: Region, app: Flask) -> None:
    actor = {"actor": f"person:{selling.people['first']}"}
    selling.tamper(
        "update partner_bank_account set accepted_by = :actor where id = (select min(id) from partner_bank_account)",
        **actor,
    )
    first = browser_of(app, selling, "first")
    assert "Vous êtes intervenu sur un compte bancaire" in first.get(f"{PAGES}/{frozen}/approbation").text
    first.post(f"{PAGES}/{frozen}/approbation", {"content_hash": selling.run_now(frozen).content_hash.hex()})
    assert "0 approbation sur 2" in first.get(f"{PAGES}/{frozen}").text


def test_a_refusal_wants_a_reason_and_frees_the_week(
    frozen: int, selling: Region, app: Flask, accountant: Browser
) -> None:
    first = browser_of(app, selling, "first")
    first.get(f"{PAGES}/{frozen}/refus")
    assert first.post(f"{PAGES}/{frozen}/refus", {"reason": " "}).status_code == 422
    assert selling.run_now(frozen).state == "frozen"
    first.post(f"{PAGES}/{frozen}/refus", {"reason": "Le montant de la MFR est à revoir."})
    assert selling.run_now(frozen).state == "refused"
    page = accountant.get(f"{PAGES}/{frozen}").text
    assert "Le montant de la MFR est à revoir." in page
    week = re.search(r'name="week" value="([^"]+)"', page)[1]
    accountant.post(f"{PAGES}/preparations", {"what": "week", "week": week, "number": accountant.hidden["number"]})
    selling.work()
    anew = selling.runs()[0]
    assert (anew.reference, anew.amount) == (f"{week}-2", 79_250)
    for wrong in ({"what": "week", "week": "2026-W99"}, {"what": "week"}, {"what": "all"}, {}):
        accountant.get(PAGES)
        number = {"number": accountant.hidden["number"]}
        assert accountant.post(f"{PAGES}/preparations", wrong | number).status_code == 400


def test_a_payee_who_changed_stops_the_run_and_says_so(frozen: int, selling: Region, app: Flask) -> None:
    selling.tamper("update partner set status = 'suspended' where name = 'Lycée Malherbe'")
    first = browser_of(app, selling, "first")
    page = first.get(f"{PAGES}/{frozen}/approbation").text
    assert "Des bénéficiaires ont changé depuis la préparation" in page
    assert "Approuver 4" not in page


# -- the file --------------------------------------------------------------------------------------------------------


def test_the_file_is_made_downloaded_and_transmitted(
    frozen: int, selling: Region, app: Flask, accountant: Browser, tmp_path: Path
) -> None:
    approve(selling, app, frozen)
    assert accountant.get(f"{PAGES}/{frozen}/fichier.xml").status_code == 404
    generate(selling, accountant, frozen)
    run = selling.run_now(frozen)
    assert run.state == "generated"
    taken = accountant.get(f"{PAGES}/{frozen}/fichier.xml")
    assert taken.data == selling.content(run)
    assert run.file.name in taken.headers["Content-Disposition"]
    assert "Fichier téléchargé" in accountant.get(f"{PAGES}/{frozen}").text
    page = accountant.get(f"{PAGES}/{frozen}/transmission").text
    assert run.file.sha256.hex() in page
    accountant.post(f"{PAGES}/{frozen}/transmission", accountant.hidden | {"how": "folder"})
    selling.work()
    assert selling.run_now(frozen).state == "transmitted"
    assert (tmp_path / "banque" / run.file.name).read_bytes() == taken.data
    assert "La banque a le fichier" in accountant.get(f"{PAGES}/{frozen}").text
    selling.assert_sound()


def test_a_person_who_brought_the_file_to_the_bank_says_so_once(
    frozen: int, selling: Region, app: Flask, accountant: Browser
) -> None:
    approve(selling, app, frozen)
    generate(selling, accountant, frozen)
    accountant.get(f"{PAGES}/{frozen}/transmission")
    form = accountant.hidden | {"how": "person", "where": "Banque en ligne, dépôt 4711"}
    early = accountant.post(f"{PAGES}/{frozen}/transmission", form, follow_redirects=True)
    assert "Téléchargez d’abord le fichier" in early.text
    accountant.get(f"{PAGES}/{frozen}/fichier.xml")
    assert "La banque a reçu le fichier" in accountant.get(f"{PAGES}/{frozen}/transmission").text
    for _ in range(2):
        accountant.post(f"{PAGES}/{frozen}/transmission", form)
    selling.work()
    page = accountant.get(f"{PAGES}/{frozen}").text
    assert page.count("Banque en ligne, dépôt 4711") == 1
    with selling.engine.connect() as conn:
        mails = conn.execute(text("select count(*) from mail_outbox where purpose = 'remittance_advice'")).scalar_one()
    assert mails == 4


def test_a_file_that_comes_too_late_for_its_day_is_told_before_it_leaves(
    frozen: int, selling: Region, app: Flask, accountant: Browser
) -> None:
    late = "Trop tard pour le jour demandé"
    approve(selling, app, frozen)
    generate(selling, accountant, frozen)
    places = (f"{PAGES}/{frozen}", f"{PAGES}/{frozen}/transmission")
    for place in places:
        assert late not in accountant.get(place).text
    selling.tamper("update payout_file set execution_date = current_date - 1")
    for place in places:
        assert late in accountant.get(place).text
    accountant.post(f"{PAGES}/{frozen}/transmission", accountant.hidden | {"how": "folder"})
    selling.work()
    assert selling.run_now(frozen).state == "transmitted"
    assert late not in accountant.get(places[0]).text


def test_the_documents_tell_the_run(frozen: int, selling: Region, app: Flask, accountant: Browser) -> None:
    run = selling.run_now(frozen)
    rows = list(
        csv.reader(
            io.StringIO(accountant.get(f"{PAGES}/{frozen}/virements.csv").data.decode("utf-8-sig")), delimiter=";"
        )
    )
    assert len(rows) == 1 + run.payments
    with selling.engine.connect() as conn:
        taken = conn.execute(text("select actor, subject from audit_event where action = 'payout.list_exported'"))
        assert taken.all() == [(f"person:{selling.people['accountant']}", f"payout_run:{run.reference}")]
    assert accountant.get(f"{PAGES}/{frozen}/bordereau.pdf").data.startswith(b"%PDF")
    (payment, *_) = selling.payments(run)
    assert accountant.get(f"{PAGES}/{frozen}/virements/{payment.id}/avis.pdf").status_code == 404
    approve(selling, app, frozen)
    generate(selling, accountant, frozen)
    assert accountant.get(f"{PAGES}/{frozen}/virements/{payment.id}/avis.pdf").data.startswith(b"%PDF")
    assert accountant.get(f"{PAGES}/{frozen}/virements/{payment.id}/avis.csv").content_type == "text/csv; charset=utf-8"


def test_what_came_back_is_followed(frozen: int, selling: Region, app: Flask, accountant: Browser) -> None:
    approve(selling, app, frozen)
    generate(selling, accountant, frozen)
    (payment, *_) = selling.payments(selling.run_now(frozen))
    with selling.engine.begin() as conn:
        outcomes.send_back(conn, payment.id, "rejected", reason="AC04", block=True, actor="job:bank")
    page = accountant.get(f"{PAGES}/{frozen}?voir=came_back").text
    assert "Rejeté" in page
    assert page.count("/virements/") == 1
    assert "AC04" in accountant.get(f"{PAGES}/{frozen}/virements/{payment.id}").text


# -- wrong doors -----------------------------------------------------------------------------------------------------


def test_a_form_sent_twice_has_one_effect(selling: Region, accountant: Browser) -> None:
    accountant.get(PAGES)
    form = {"what": "now", "number": accountant.hidden["number"]}
    jobs = {accountant.post(f"{PAGES}/preparations", form).location for _ in range(3)}
    selling.work()
    jobs |= {accountant.post(f"{PAGES}/preparations", form).location}
    selling.work()
    assert len(jobs) == 1
    (run,) = selling.runs()
    assert run.reference.endswith("-X1")
    assert run.amount == 139_250
    assert accountant.post(f"{PAGES}/preparations", {"what": "now", "number": "1"}).status_code == 400


@pytest.mark.parametrize("who", ["auditor", "first", "administrator"])
def test_only_accountants_prepare_and_send(who: str, frozen: int, selling: Region, app: Flask) -> None:
    browser = browser_of(app, selling, who)
    number = {"number": "018f0000-0000-7000-8000-000000000000"}
    for path in ("preparations", f"{frozen}/production", f"{frozen}/transmission"):
        assert browser.post(f"{PAGES}/{path}", number | {"what": "now", "how": "folder"}).status_code == 403
    assert browser.get(f"{PAGES}/{frozen}/fichier.xml").status_code == 403
    assert len(selling.runs()) == 2


@pytest.mark.parametrize("who", ["auditor", "accountant", "administrator"])
def test_only_approvers_approve(who: str, frozen: int, selling: Region, app: Flask) -> None:
    browser = browser_of(app, selling, who)
    content_hash = selling.run_now(frozen).content_hash.hex()
    assert browser.post(f"{PAGES}/{frozen}/approbation", {"content_hash": content_hash}).status_code == 403
    assert browser.get(f"{PAGES}/{frozen}").status_code == (403 if who == "administrator" else 200)
    if who != "accountant":
        assert browser.post(f"{PAGES}/{frozen}/refus", {"reason": "non"}).status_code == 403
    assert selling.run_now(frozen).state == "frozen"


def test_a_form_of_another_site_does_nothing(frozen: int, selling: Region, app: Flask) -> None:
    first = browser_of(app, selling, "first")
    content_hash = selling.run_now(frozen).content_hash.hex()
    forged = {"csrf_token": "forged", "content_hash": content_hash, "reason": "non"}
    for path in ("approbation", "refus"):
        assert first.post(f"{PAGES}/{frozen}/{path}", forged).status_code == 400
    assert "0 approbation sur 2" in first.get(f"{PAGES}/{frozen}").text


def test_a_stale_page_makes_and_sends_no_file(frozen: int, selling: Region, app: Flask, accountant: Browser) -> None:
    approve(selling, app, frozen)
    accountant.get(f"{PAGES}/{frozen}/production")
    accountant.post(f"{PAGES}/{frozen}/production", accountant.hidden | {"content_hash": "00" * 32})
    selling.work()
    assert selling.run_now(frozen).state == "approved"
    generate(selling, accountant, frozen)
    accountant.get(f"{PAGES}/{frozen}/transmission")
    for how in ("folder", "person"):
        accountant.post(f"{PAGES}/{frozen}/transmission", accountant.hidden | {"sha256": "00" * 32, "how": how})
    selling.work()
    assert selling.run_now(frozen).state == "generated"
    assert accountant.post(f"{PAGES}/{frozen}/transmission", accountant.hidden | {"how": "fax"}).status_code == 400


def test_steps_that_are_not_next_lead_back(frozen: int, selling: Region, app: Flask, accountant: Browser) -> None:
    for path in ("production", "transmission"):
        assert accountant.get(f"{PAGES}/{frozen}/{path}").location == f"{PAGES}/{frozen}"
    assert "pas encore de fichier à transmettre" in accountant.get(f"{PAGES}/{frozen}").text
    approve(selling, app, frozen)
    generate(selling, accountant, frozen)
    accountant.get(f"{PAGES}/{frozen}/production")
    assert "est déjà produit" in accountant.get(f"{PAGES}/{frozen}").text
    assert accountant.get(f"{PAGES}/{frozen}/refus").location == f"{PAGES}/{frozen}"
    assert browser_of(app, selling, "first").get(f"{PAGES}/{frozen}/approbation").location == f"{PAGES}/{frozen}"


def test_whole_accounts_want_proof_of_who_asks(
    frozen: int, selling: Region, accountant: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    accountant.get(f"{PAGES}/{frozen}")
    monkeypatch.setattr("partner_portal.auth.gate.proved_lately", lambda: False)
    assert "/identite" in accountant.get(f"{PAGES}/{frozen}/virements.csv").location
    with selling.engine.connect() as conn:
        noted = "select count(*) from audit_event where action = 'payout.list_exported'"
        assert conn.execute(text(noted)).scalar_one() == 0


def test_money_wants_proof_of_who_asks(
    frozen: int, selling: Region, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = browser_of(app, selling, "first")
    first.get(f"{PAGES}/{frozen}")
    monkeypatch.setattr("partner_portal.auth.gate.proved_lately", lambda: False)
    for path in ("approbation", "refus"):
        assert "/identite" in first.get(f"{PAGES}/{frozen}/{path}").location
        form = {"content_hash": selling.run_now(frozen).content_hash.hex(), "reason": "non"}
        assert "/identite" in first.post(f"{PAGES}/{frozen}/{path}", form).location
    assert selling.run_now(frozen).state == "frozen"
