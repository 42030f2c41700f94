"""What a basket says that a student lacks, before the service decides."""

from datetime import UTC, date, datetime

from pos_client.answers import Benefit, Lookup, Product, Student
from pos_client.basket import EMPTY

BOOK = Product("9782091729107", "Mathématiques 2de", "Nathan", "books", 1250)
SHOES = Product("3614270000003", "Chaussures de sécurité", "", "equipment", 4990)


def lookup_of(available_cents: int) -> Lookup:
    books = Benefit("books", "Livres scolaires", 7000, available_cents, 0, available_cents, date(2027, 6, 30))
    return Lookup("token", datetime(2026, 9, 3, tzinfo=UTC), Student("Léa", "M", "2de 4"), (books,))


def test_a_basket_that_fits_lacks_nothing() -> None:
    assert EMPTY.with_product(BOOK).shortfall(lookup_of(1250)) is None


def test_what_lacks_is_told_with_what_there_is() -> None:
    lacking = EMPTY.with_product(BOOK).shortfall(lookup_of(1000))
    assert lacking is not None
    assert "il manque 2,50" in lacking
    assert "Livres scolaires" in lacking


def test_a_benefit_that_a_student_has_not_is_not_called_by_its_code() -> None:
    lacking = EMPTY.with_product(SHOES).shortfall(lookup_of(7000))
    assert lacking is not None
    assert lacking.startswith("l’élève n’a pas l’avantage qui paierait 49,90")
