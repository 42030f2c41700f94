"""A school at its counter: a manager, a cashier, a class of students with cards, and a catalogue of licences."""

import dataclasses
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from ledger import catalogue
from ledger.cards import printed_code
from ledger.catalogue import Offer
from ledger.rights import Role
from partner_portal.config import Config
from partner_portal.demo.names import FIRST_NAMES, LAST_NAMES
from tests.conftest import Database
from tests.ledger.scheme import ACTOR, BOOK, HELMET, KEYS, OTHER_BOOK, Line, Scheme, make_scheme
from tests.partner_portal.conftest import CONFIG, PASSWORD, Visitor, hire

MANAGER, CASHIER = "gestion@lycee.example", "caisse@lycee.example"
NAMES = (
    ("Léa", "Martin"),
    ("Noé", "Bénard"),
    ("Inès", "Lefebvre"),
    ("Tom", "Auger"),
    ("Zoé", "Lemaître"),
    ("Adam", "Duval"),
    ("Jade", "Hébert"),
    ("Malo", "Leroy"),
)
TITLES = (
    (BOOK, "Mathématiques 2de, licence élève 1 an", "Éditions du Bocage", "books", 3000),
    (OTHER_BOOK, "Physique-chimie 2de, licence élève 1 an", "Éditions du Bocage", "books", 2550),
    (9_782_010_000_027, "Histoire-géographie 2de, manuel numérique", "Presses de l’Orne", "books", 1250),
    (HELMET, "Casque de chantier et lunettes", "Sûreté Ouest", "equipment", 6000),
)


@pytest.fixture
def config() -> Config:
    """The tests' settings, with their card key."""
    return dataclasses.replace(CONFIG, card_keys=KEYS)


@dataclass
class School:
    """A school with its people and the codes of its students' printed cards, in the order of `NAMES`."""

    engine: Engine
    scheme: Scheme
    codes: list[str]
    manager_id: int
    cashier_id: int

    @property
    def partner_id(self) -> int:
        return self.scheme.till.partner_id

    def balance(self, student: int = 0, benefit: str = "books") -> int:
        """What a student's wallet holds, in cents."""
        with self.engine.connect() as conn:
            return self.scheme.balance(conn, student, benefit)

    def sales(self) -> list[int]:
        """The amounts of what was asked, in the order of the sales; 0 for a refused one."""
        with self.engine.connect() as conn:
            return list(conn.scalars(text("select amount from sale order by id")))


def make_school(engine: Engine, students: int = len(NAMES)) -> School:
    """The school, with so many students; the fourth is new in the vocational stream."""
    lines = []
    for number in range(students):
        others = FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number % len(LAST_NAMES)]
        first_name, last_name = NAMES[number] if number < len(NAMES) else others
        lines.append(
            Line(
                f"{number:09d}AB",
                first_name=first_name,
                last_name=last_name,
                # The partner is a school of the roster: its classes are its own.
                school_uai="0140013N",
                class_name="2de 4" if number != 3 else "CAP 1",
                stream="vocational" if number == 3 else "general",
                first_entry=number == 3,
                email=f"eleve{number}@lycee.example" if number != 1 else None,
            )
        )
    with engine.begin() as conn:
        # The goods have these titles: a product keeps those first entered.
        conn.execute(
            text("insert into product (ean, title, publisher, benefit) values (:ean, :title, :publisher, :benefit)"),
            [dict(zip(("ean", "title", "publisher", "benefit"), title, strict=False)) for title in TITLES],
        )
        scheme = make_scheme(conn, *lines)
        conn.execute(
            text("update partner set uai = '0140013N', name = 'Lycée Malherbe' where id = :id"),
            {"id": scheme.till.partner_id},
        )
        offers = [Offer(f"{ean:013}", *rest, "Librairie du Bocage", "F-2026-0412") for ean, *rest in TITLES]
        catalogue.offer(conn, scheme.till.partner_id, offers, actor=ACTOR)
    return School(
        engine,
        scheme,
        [printed_code(KEYS, card, 1) for card in scheme.cards],
        hire(engine, MANAGER, Role.PARTNER_MANAGER, name="Claire Le Goff", partner_id=scheme.till.partner_id),
        hire(engine, CASHIER, Role.PARTNER_CASHIER, name="Alix Martin", partner_id=scheme.till.partner_id),
    )


@pytest.fixture
def school(fresh_database: Database) -> School:
    """A school of eight students."""
    return make_school(fresh_database.engine)


@pytest.fixture
def cashier(page: Page, school: School) -> Page:
    """A tab in which the cashier is signed in."""
    return sign_in(page, CASHIER)


@pytest.fixture
def manager(page: Page, school: School) -> Page:
    """A tab in which the manager is signed in."""
    return sign_in(page, MANAGER)


@pytest.fixture
def manager_client(visitor: Visitor, school: School) -> Visitor:
    """The manager, in a browser without scripts."""
    visitor.sign_in(MANAGER)
    return visitor


@pytest.fixture
def cashier_client(visitor: Visitor, school: School) -> Visitor:
    """The cashier, in a browser without scripts."""
    visitor.sign_in(CASHIER)
    return visitor


def sign_in(page: Page, email: str) -> Page:
    """Go through the sign-in page."""
    page.goto("/connexion")
    page.get_by_label("Adresse électronique").fill(email)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("link", name="Caisse", exact=True)).to_be_visible()
    return page


def scan(page: Page, text: str) -> None:
    """What a keyboard-wedge scanner does: it types a text, and a return."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")
