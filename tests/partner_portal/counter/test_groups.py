"""Group purchases: put together by class, scans or file; looked at; carried out once; told student by student."""

import re
from collections.abc import Callable
from io import BytesIO
from uuid import UUID

import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from ledger import catalogue, group_purchases
from ledger.cards import printed_code
from ledger.catalogue import Offer
from ledger.classes import Member
from ledger.refusals import Refusal
from partner_portal.groups.codes_file import read_codes
from partner_portal.groups.drafts import Draft, Drafts
from partner_portal.groups.plan import plan
from tests.conftest import Database
from tests.ledger.scheme import BOOK, KEYS, OTHER_BOOK
from tests.partner_portal.conftest import Visitor, look_at
from tests.partner_portal.counter.conftest import School, make_school, scan, sign_in

Look = Callable[[str], None]
GROUPS = "/partenaire/groupes"
MATHS = Offer("9782010000003", "Maths", "Bocage", "books", 3000)
SAFETY = Offer("3760000000017", "Casque", "Ouest", "equipment", 6000)


# -- deciding --------------------------------------------------------------------------------------------------------


def member(card: int, refusal: Refusal | None = None, **available: int) -> Member:
    """A student with these balances."""
    return Member(card, f"Élève {card}", "M", "2de 4", refusal, available)


def draft(*cards: int, eans: tuple[str, ...] = (MATHS.ean,)) -> Draft:
    """A draft of these students."""
    return Draft(UUID(int=1), 1, cards=list(cards), eans=list(eans))


def test_everybody_takes_everything_unless_said_otherwise() -> None:
    wanted = draft(1, 2, eans=(MATHS.ean, SAFETY.ean))
    wanted.choose({2: [SAFETY.ean], 3: [MATHS.ean]})
    people = [member(1, books=7000, equipment=10_000), member(2, books=7000)]
    found = plan(wanted, people, [MATHS, SAFETY])
    assert [(place.total, place.obstacle) for place in found.places] == [(9000, ""), (3000, "")]
    assert found.amount == 12_000
    assert [[line.ean for line in sale.lines] for sale in found.asked] == [
        [int(MATHS.ean), int(SAFETY.ean)],
        [int(MATHS.ean)],
    ]


def test_who_has_not_enough_or_no_right_is_told() -> None:
    people = [
        member(1, books=1250),
        member(2, books=7000),
        member(3, Refusal.CARD_REVOKED),
        member(4, books=0, equipment=0),
    ]
    found = plan(draft(1, 2, 3, 4, eans=(MATHS.ean, SAFETY.ean)), people, [MATHS, SAFETY])
    assert [place.obstacle.replace("\u00a0", " ") for place in found.places] == [
        "N’a pas droit à l’avantage qui paie.",
        "N’a pas droit à l’avantage qui paie.",
        "Cette carte a été remplacée. L’élève doit présenter sa nouvelle carte ou son téléphone.",
        "Il manque 90,00 €.",
    ]
    assert (len(found.ready), len(found.short), found.amount) == (0, 4, 0)


def test_who_takes_nothing_is_not_asked_for() -> None:
    wanted = draft(1, 2)
    wanted.choose({1: [MATHS.ean]})
    found = plan(wanted, [member(1, books=7000), member(2, books=7000)], [MATHS])
    assert [sale.card_id for sale in found.asked] == [2]


def test_a_licence_taken_out_leaves_no_trace_in_the_choices() -> None:
    wanted = draft(1, eans=(MATHS.ean, SAFETY.ean))
    wanted.choose({1: [SAFETY.ean]})
    wanted.remove_ean(SAFETY.ean)
    assert wanted.without == {}
    assert wanted.add_ean(SAFETY.ean)
    assert wanted.takes(1, SAFETY.ean)


def test_a_draft_counts_each_student_once_and_up_to_the_limit() -> None:
    wanted = draft(1)
    assert wanted.add_cards([1, 2, 2, 3]) == 2
    assert wanted.add_cards(range(10, 10 + 3000)) == group_purchases.MOST_STUDENTS - 3
    assert len(wanted.cards) == group_purchases.MOST_STUDENTS


def test_changes_at_the_same_time_are_all_kept(redis: Redis) -> None:
    drafts = Drafts(redis, 1)
    key = drafts.begin().key
    other = Drafts(redis, 1)
    met: list[int] = []

    def meeting(wanted: Draft) -> None:
        if not met:
            met.append(1)
            other.change(key, lambda theirs: theirs.add_cards([2]))
        wanted.add_cards([1])

    drafts.change(key, meeting)
    kept = drafts.get(key)
    assert kept is not None
    assert sorted(kept.cards) == [1, 2]
    assert Drafts(redis, 2).get(key) is None


@pytest.mark.parametrize("heading", [["Nom", "Code"], ["Nom", "Carte"], None])
def test_codes_are_found_whatever_the_file_looks_like(heading: list[str] | None) -> None:
    code = printed_code(KEYS, 7, 1)
    rows = [["Léa", code.lower()], ["Tom", "n’a pas de carte"], ["Zoé", printed_code(KEYS, 8, 1)]]
    numbered = list(enumerate([*([heading] if heading else []), *rows], start=1))
    cards = {code: 7, printed_code(KEYS, 8, 1): Refusal.CARD_REVOKED}
    read = read_codes(numbered, lambda text: cards[text])
    assert read.cards == (7,)
    assert [number for number, _ in read.faults] == ([3, 4] if heading else [2, 3])
    assert "remplacée" in read.faults[1][1]


# -- doing -----------------------------------------------------------------------------------------------------------


def begin(visitor: Visitor, **form: str) -> str:
    """Begin a purchase, and return its address."""
    visitor.get(GROUPS)
    answer = visitor.post(GROUPS, form)
    visitor.get(answer.location)
    return answer.location


def change(visitor: Visitor, path: str, do: str, **form: object) -> str:
    """Change a draft, and return the page that follows, its spaces made plain."""
    kind = "multipart/form-data" if "file" in form else None
    answer = visitor.post(path, {"do": do, **form}, content_type=kind)
    assert answer.status_code == 302
    return visitor.get(answer.location).text.replace("\u00a0", " ")


def eans(wanted: int) -> list[str]:
    """So many numbers of products, with their check digit."""
    bodies = [f"9782020{number:05}" for number in range(wanted)]
    weighed = [sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) for body in bodies]
    return [f"{body}{-sum_ % 10}" for body, sum_ in zip(bodies, weighed, strict=True)]


def digest_in(page: str) -> str:
    """What the page looked at."""
    found = re.search(r'name="digest" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_class_is_debited_and_those_without_enough_are_told(cashier_client: Visitor, school: School) -> None:
    with school.engine.begin() as conn:
        school.scheme.till.sell(conn, (school.scheme.cards[1], [(BOOK, 3000), (OTHER_BOOK, 2550)]))
    path = begin(cashier_client, class_name="2de 4")
    page = change(cashier_client, path, "licence", licence=str(BOOK))
    assert "Il manque 15,50" in page
    answer = cashier_client.post(f"{path}/passer", {"digest": digest_in(page), "mode": "each"})
    page = cashier_client.get(answer.location).text
    assert "6 élèves débités, 1 refusé" in page.replace("\u00a0", " ")
    assert school.balance(0) == 4000
    again = cashier_client.post(f"{path}/passer", {"digest": "whatever"})
    assert again.status_code == 302
    assert school.balance(0) == 4000
    csv = cashier_client.get(f"{path}/export?format=csv").data.decode("utf-8-sig")
    assert csv.count("débité;30,00;40,00") == 6
    assert "refusé;0,00;14,50;Le solde" in csv
    sheet = load_workbook(BytesIO(cashier_client.get(f"{path}/export?format=xlsx").data)).active
    assert sheet.max_row == 8
    retried = cashier_client.post(f"{path}/reprendre")
    assert "Noé B." in cashier_client.get(retried.location).text


def test_all_or_nothing_debits_nobody(cashier_client: Visitor, school: School) -> None:
    with school.engine.begin() as conn:
        school.scheme.till.sell(conn, (school.scheme.cards[1], [(BOOK, 3000), (OTHER_BOOK, 2550)]))
    path = begin(cashier_client, class_name="2de 4")
    page = change(cashier_client, path, "licence", licence=str(BOOK))
    cashier_client.post(f"{path}/passer", {"digest": digest_in(page), "mode": "all_or_nothing"})
    assert "Personne n’a été débité" in cashier_client.get(path).text
    assert school.balance(0) == 7000


def test_a_licence_is_found_by_what_somebody_types_of_it(cashier_client: Visitor, school: School) -> None:
    path = begin(cashier_client, class_name="2de 4")
    assert "Plusieurs licences correspondent à « 2de »" in change(cashier_client, path, "licence", licence="2de")
    page = change(cashier_client, path, "licence", licence=" physique  bocage ")
    assert "« Physique-chimie 2de, licence élève 1 an » : ajoutée" in page
    page = change(cashier_client, path, "licence", licence=f"Mathématiques, 30,00 € ({BOOK})")
    assert "« Mathématiques 2de, licence élève 1 an » : ajoutée" in page
    assert "est déjà choisie" in change(cashier_client, path, "licence", licence=str(BOOK))
    for unknown in ("Grec <ancien>", "9782010999999", "%", "1" * 40):
        assert "Aucune licence de votre catalogue ne correspond" in change(
            cashier_client, path, "licence", licence=unknown
        )
    assert "Indiquez une licence" in change(cashier_client, path, "licence", licence="  ")


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_a_licence_of_a_long_catalogue_is_chosen_by_typing(
    browser: Browser, portal_url: str, school: School, scripts: bool
) -> None:
    more = [
        Offer(ean, f"Espagnol {number}, cahier", "Marges", "books", 900, "Librairie", "F-1")
        for number, ean in enumerate(eans(40))
    ]
    with school.engine.begin() as conn:
        catalogue.offer(conn, school.partner_id, more, actor="tests")
    context = browser.new_context(base_url=portal_url, java_script_enabled=scripts, locale="fr-FR")
    page = sign_in(context.new_page(), "caisse@lycee.example")
    page.goto(GROUPS)
    page.get_by_label("Classe", exact=True).select_option("2de 4")
    page.get_by_role("button", name="Commencer avec cette classe").click()
    field = page.get_by_label("Licence que prend chaque élève")
    field.fill("cahier")
    field.press("Enter")
    expect(page.get_by_text("Plusieurs licences correspondent")).to_be_visible()
    expect(field).to_have_value("cahier")
    if scripts:
        expect(field).to_be_focused()
        look_at(page, "groupe-licences")
        field.focus()
    else:
        # One place alone asks for the focus, also of a page whose form went off before there was a script.
        expect(page.locator("[data-focus]")).to_have_id("licence")
    # As the browser's own list fills the field.
    chosen = page.locator("#offered option").filter(has=page.locator("xpath=self::*[contains(@value, 'Espagnol 27,')]"))
    field.fill(chosen.get_attribute("value") or "")
    field.press("Enter")
    expect(page.locator(".basket-name")).to_have_text("Espagnol 27, cahier")
    expect(page.get_by_label("Ajouter une autre licence")).to_have_value("")
    expect(chosen).to_have_count(0)
    if scripts:
        look_at(page, "groupe-licence-ajoutee")
    context.close()


def test_what_is_carried_out_is_what_was_looked_at(cashier_client: Visitor, school: School) -> None:
    path = begin(cashier_client, class_name="2de 4")
    page = change(cashier_client, path, "licence", licence=str(BOOK))
    change(cashier_client, path, "licence", licence=str(OTHER_BOOK))
    answer = cashier_client.post(f"{path}/passer", {"digest": digest_in(page)})
    assert "a changé entre-temps" in cashier_client.get(answer.location).text
    assert school.sales() == []


def test_each_student_may_take_something_else(cashier_client: Visitor, school: School) -> None:
    path = begin(cashier_client, class_name="2de 4")
    change(cashier_client, path, "licence", licence=str(BOOK))
    change(cashier_client, path, "licence", licence=str(OTHER_BOOK))
    first, second = school.scheme.cards[0], school.scheme.cards[1]
    take = [f"{first}:{BOOK}", f"{second}:{OTHER_BOOK}", f"{second}:{BOOK}"]
    change(cashier_client, path, "choose", cards=f"{first},{second}", take=take)
    page = change(cashier_client, path, "choose", remove=str(school.scheme.cards[2]))
    cashier_client.post(f"{path}/passer", {"digest": digest_in(page)})
    assert (school.balance(0), school.balance(1), school.balance(2)) == (4000, 1450, 7000)


def test_cards_come_by_scan_and_by_file(cashier_client: Visitor, school: School) -> None:
    path = begin(cashier_client)
    assert "Léa M., 2de 4 : ajouté" in change(cashier_client, path, "scan", code=school.codes[0])
    assert "déjà dans la liste" in change(cashier_client, path, "scan", code=school.codes[0])
    assert "26 ont été lus" in change(cashier_client, path, "scan", code="A" * 26)
    assert "n’est pas une carte" in change(cashier_client, path, "scan", code="A" * 32)
    content = "Nom;Code\r\nLéa;" + school.codes[0] + "\r\nTom;" + school.codes[3] + "\r\nZoé;perdue\r\n"
    page = change(cashier_client, path, "file", file=(BytesIO(content.encode()), "codes.csv"))
    assert "Tom A." in page
    assert "Ligne 4" in page
    workbook = Workbook()
    for code in school.codes[4:6]:
        workbook.active.append([code])
    file = BytesIO()
    workbook.save(file)
    page = change(cashier_client, path, "file", file=(BytesIO(file.getvalue()), "codes.xlsx"))
    assert "Zoé L." in page
    assert "Adam D." in page
    assert "Excel (.xlsx) lisible" in change(cashier_client, path, "file", file=(BytesIO(b"PK\x03\x04"), "x.xlsx"))


def test_what_was_just_done_is_told_once_and_a_file_of_another_kind_is_refused(
    cashier_client: Visitor, school: School
) -> None:
    path = begin(cashier_client)
    said = change(cashier_client, path, "file", file=(BytesIO(b"%PDF-1.7"), "codes.pdf"))
    assert "ni un CSV ni un classeur Excel" in said
    assert "ni un CSV" not in cashier_client.get(path).text


def test_an_unknown_purchase_says_so(cashier_client: Visitor, school: School) -> None:
    path = f"{GROUPS}/{UUID(int=7)}"
    assert cashier_client.get(path).status_code == 404
    assert cashier_client.get(f"{path}/export").status_code == 404
    begin(cashier_client)
    assert cashier_client.post(f"{path}/passer", {"digest": "x"}).status_code == 404
    assert cashier_client.post(path, {"do": "scan", "code": "A"}).status_code == 404
    assert cashier_client.post(path, {"do": "nothing"}).status_code == 400


@pytest.mark.browser
def test_a_class_of_35_is_bought_for_on_one_page(page: Page, fresh_database: Database, look: Look) -> None:
    school = make_school(fresh_database.engine, 36)
    with school.engine.begin() as conn:
        for student in (1, 2):
            school.scheme.till.sell(conn, (school.scheme.cards[student], [(BOOK, 3000), (OTHER_BOOK, 2550)]))
    sign_in(page, "caisse@lycee.example")
    page.get_by_role("link", name="Achats groupés").click()
    look("groupes-vide")
    page.get_by_label("Classe", exact=True).select_option("2de 4")
    page.get_by_role("button", name="Commencer avec cette classe").click()
    expect(page.locator("tbody tr")).to_have_count(35)
    look("groupe-eleves")
    page.get_by_label("Licence que prend chaque élève").select_option(str(BOOK))
    page.get_by_role("button", name="Ajouter la licence").click()
    expect(page.get_by_text("Il manque")).to_have_count(2)
    expect(page.get_by_role("button", name=re.compile("Débiter 33 élèves"))).to_be_visible()
    look("groupe-verifier")
    page.locator("tbody tr").nth(3).get_by_role("checkbox").uncheck()
    expect(page.get_by_role("button", name=re.compile("Débiter 32 élèves"))).to_be_visible()
    scan(page, school.codes[3])
    expect(page.locator("tbody tr")).to_have_count(36)
    page.get_by_role("button", name=re.compile("Débiter 33 élèves")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Débiter")).click()
    expect(page.get_by_text("Terminé, avec des refus")).to_be_visible()
    look("groupe-resultat")
    assert sum(school.sales()) == 2 * 5550 + 33 * 3000
    page.goto(GROUPS)
    look("groupes")


@pytest.mark.browser
def test_a_large_group_goes_on_by_itself_and_after_a_reload(page: Page, fresh_database: Database, look: Look) -> None:
    school = make_school(fresh_database.engine, 230)
    sign_in(page, "caisse@lycee.example")
    page.goto(GROUPS)
    page.get_by_label("Classe", exact=True).select_option("2de 4")
    page.get_by_role("button", name="Commencer avec cette classe").click()
    page.get_by_label("Licence que prend chaque élève").select_option(str(BOOK))
    page.get_by_role("button", name="Ajouter la licence").click()
    page.route("**/suite", lambda route: route.abort())
    page.get_by_role("button", name=re.compile("Débiter 229 élèves")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Débiter")).click()
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "100")
    look("groupe-avancement")
    page.unroute("**/suite")
    page.reload()
    expect(page.get_by_text("229 élèves débités")).to_be_visible(timeout=20_000)
    assert len(school.sales()) == 229


@pytest.mark.browser
def test_cards_scanned_faster_than_the_service_answers_are_all_taken(cashier: Page, school: School) -> None:
    cashier.goto(GROUPS)
    cashier.get_by_role("button", name="Commencer avec les cartes").click()
    expect(cashier.get_by_label("Scanner une carte")).to_be_focused()
    cashier.wait_for_load_state()
    for code in school.codes:
        scan(cashier, code)
    expect(cashier.locator("tbody tr")).to_have_count(len(school.codes))


@pytest.mark.browser
def test_a_choice_that_the_network_lost_is_taken_back_on_the_page(page: Page, school: School) -> None:
    sign_in(page, "caisse@lycee.example")
    page.get_by_role("link", name="Achats groupés").click()
    page.get_by_label("Classe", exact=True).select_option("2de 4")
    page.get_by_role("button", name="Commencer avec cette classe").click()
    page.get_by_label("Licence que prend chaque élève").select_option(str(BOOK))
    page.get_by_role("button", name="Ajouter la licence").click()
    choice = page.locator("tbody").get_by_role("checkbox").first
    expect(choice).to_be_checked()
    page.context.set_offline(True)
    choice.uncheck()
    expect(page.get_by_role("alert")).to_contain_text("Le réseau ne répond pas")
    expect(choice).to_be_checked()
    page.context.set_offline(False)
    choice.uncheck()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_text("Ne prend rien")).to_be_visible()
