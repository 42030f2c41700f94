"""Files of a class, as school offices make them."""

from pathlib import Path

import pytest

from pos_client.answers import Product
from pos_client.basket import EMPTY
from pos_client.codes import CardCode
from pos_client.group_purchase import GroupPurchase, Member, members_of
from pos_client.group_results import Row, write_csv
from pos_client.groups import MAX_BYTES, Listed, Taken, UnreadableGroup, read_group
from pos_client.refusals import Refusal
from tests.pos_client.service import LEA, MATHS, PHYSICS, TOM

ISBN = str(MATHS["ean"])
OTHER = str(PHYSICS["ean"])
BOOK = Product(ISBN, "Mathématiques 2de", "Nathan", "books", 1250)


def file_with(folder: Path, content: str | bytes) -> Path:
    file = folder / "classe.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    "content",
    [
        f"carte\n{LEA}\n{TOM}\n",
        f"{LEA}\n{TOM}",
        f"Nom;Carte;Classe\r\nLéa;{LEA};2de 4\r\n\r\nTom;{TOM.lower()};2de 4\r\n",
        f"code,nom\n{LEA},Léa\n{TOM},Tom\n",
        f"nom\tqr\nLéa\t{LEA}\nTom\t{TOM}\n",
        f"\ufeffcarte;nom\n{LEA};é\n{TOM};è\n",
        f"carte;nom\n{LEA};é\n{TOM};è\n".encode("cp1252"),
    ],
)
def test_spreadsheets_of_all_kinds_are_read(tmp_path: Path, content: str | bytes) -> None:
    listed = read_group(file_with(tmp_path, content))
    assert [each.code.text for each in listed] == [LEA, TOM]
    assert all(each.products == () for each in listed)


def test_each_student_may_take_something_else(tmp_path: Path) -> None:
    content = f"carte;isbn;prix\n{LEA};{ISBN};\n{TOM};{ISBN};9,90\n{LEA};{OTHER};12\n"
    assert read_group(file_with(tmp_path, content)) == [
        Listed(CardCode(LEA), 2, (Taken(ISBN, None), Taken(OTHER, 1200))),
        Listed(CardCode(TOM), 3, (Taken(ISBN, 990),)),
    ]


def test_every_wrong_line_is_named(tmp_path: Path) -> None:
    content = f"carte;ean;prix\n{LEA};{ISBN};\n{LEA};{ISBN};\nAAAA;{ISBN};\n{TOM};123;\n{TOM};{ISBN};beaucoup\n"
    with pytest.raises(UnreadableGroup) as refusal:
        read_group(file_with(tmp_path, content))
    assert [line.split(" :")[0] for line in str(refusal.value).splitlines()] == [f"Ligne {n}" for n in (3, 4, 5, 6)]


@pytest.mark.parametrize("content", ["", "carte\n", b"PK\x03\x04\0\0xlsx", b"a" * (MAX_BYTES + 1), '"' + "a" * 200_000])
def test_what_is_no_list_of_cards_is_refused_in_a_sentence(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(UnreadableGroup):
        read_group(file_with(tmp_path, content))


def test_a_group_says_what_it_still_lacks() -> None:
    purchase = GroupPurchase()
    assert "Scannez les cartes" in str(purchase.obstacle())
    purchase = purchase.with_member(Member(CardCode(LEA)))
    assert "pas encore lue" in str(purchase.obstacle())
    purchase = purchase.with_found(CardCode(LEA), Refusal("unknown_card", ""))
    assert "refusées" in str(purchase.obstacle())
    assert [row.state for row in purchase.turned_away()] == ["refusée"]


def test_the_file_s_own_products_go_before_the_group_s() -> None:
    [member] = members_of([Listed(CardCode(LEA), 1, (Taken(ISBN, 1000),))], lambda _: BOOK)
    purchase = GroupPurchase(common=EMPTY.with_product(BOOK)).with_member(member).with_member(Member(CardCode(TOM)))
    assert [purchase.basket_of(each).total_cents for each in purchase.members] == [1000, 1250]


def test_a_name_in_the_result_is_no_formula(tmp_path: Path) -> None:
    file = tmp_path / "résultat.csv"
    write_csv(file, [Row("=HYPERLINK(1)", "acceptée", 1250, 5, accepted=True), Row("Tom", "refusée", 0, None, "-1")])
    assert file.read_text("utf-8-sig").splitlines()[1:] == [
        "'=HYPERLINK(1);acceptée;12,50;0,05;",
        "Tom;refusée;0,00;;'-1",
    ]
