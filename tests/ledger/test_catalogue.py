"""What a school finds in its catalogue by the words that it types."""

import pytest
from sqlalchemy import Connection

from ledger import catalogue
from ledger.catalogue import Offer
from tests.ledger.scheme import ACTOR, Scheme, make_scheme

MATHS, WORKS, ANNALS = "9782020000017", "9782020000024", "9782020000031"


@pytest.fixture
def scheme(conn: Connection) -> Scheme:
    """A school that sells three books more."""
    scheme = make_scheme(conn)
    offers = [
        Offer(MATHS, "Mathe\u0301matiques 2nde, l’élève", "Hachette Éducation", "books", 3000),
        Offer(WORKS, "Œuvres complètes", "Belin", "books", 2500),
        Offer(ANNALS, "100% réussite_bac \\ annales", "Éditions Foucher", "books", 900),
    ]
    catalogue.offer(conn, scheme.till.partner_id, offers, actor=ACTOR)
    return scheme


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("mathematiques", [MATHS]),
        ("MATHÉMATIQUES", [MATHS]),
        ("mathématiques hachette education", [MATHS]),
        ("l'eleve", [MATHS]),
        ("l’élève", [MATHS]),
        ("oeuvres completes", [WORKS]),
        ("ŒUVRES", [WORKS]),
        ("mathematiques belin", []),
        ("100%", [ANNALS]),
        ("10%", []),
        ("e_b", [ANNALS]),
        ("a_b", []),
        ("\\", [ANNALS]),
    ],
)
def test_words_are_found_whatever_their_accents_and_nothing_stands_for_another_sign(
    conn: Connection, scheme: Scheme, typed: str, found: list[str]
) -> None:
    assert [one.ean for one in catalogue.search(conn, scheme.till.partner_id, words=typed)] == found
