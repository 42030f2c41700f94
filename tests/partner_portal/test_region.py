import tracemalloc
from itertools import islice

import pytest

from batch.roster import check_roster, roster_rows
from ledger.identifiers import parse_ean, parse_iban, parse_siret, parse_uai
from partner_portal.demo.region import generate_region, write_roster


@pytest.fixture(scope="module")
def region():
    return generate_region()


def test_the_same_seed_gives_the_same_region(region, tmp_path):
    again = generate_region()
    assert again == region
    assert list(again.students()) == list(region.students())
    assert generate_region(seed=7).sign_ups != region.sign_ups
    write_roster(region, tmp_path / "one.csv")
    write_roster(again, tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.parametrize("students", [1, 10, 2000, 5001])
def test_the_roster_is_what_the_import_accepts_and_gives_back(tmp_path, students):
    region = generate_region(students=students)
    path = tmp_path / "eleves.csv"
    assert write_roster(region, path) == students
    report = check_roster(path, school_year=2026, known_schools={school.uai for school in region.schools})
    assert report.clean, report.sentences()
    assert report.students == students
    for read, made in zip(roster_rows(path, report), region.students(), strict=True):
        assert read.last_name == made.last_name.upper()
        assert (read.national_id, read.stream, read.first_entry) == (made.national_id, made.stream, made.first_entry)


def test_every_number_passes_its_check(region):
    for school in region.schools:
        assert parse_uai(school.uai) == school.uai
        assert school.uai[:3] in {"014", "027", "050", "061", "076"}
    for sign_up in region.sign_ups:
        assert parse_siret(sign_up.siret) == sign_up.siret
        assert parse_iban(sign_up.iban).bic is not None
    for product in region.catalogue:
        assert parse_ean(product.ean) == product.ean
        assert product.benefit == "equipment" or 400 <= product.real_cost_cents <= 3500


def test_nothing_is_given_out_twice():
    region = generate_region(students=120_000)
    assert len({school.uai for school in region.schools}) == len(region.schools) > 400
    assert len({sign_up.siret for sign_up in region.sign_ups}) == len(region.sign_ups) > 200
    assert len({sign_up.iban for sign_up in region.sign_ups}) == len(region.sign_ups)
    assert len({product.ean for product in region.catalogue}) == len(region.catalogue)
    assert len({student.national_id for student in region.students()}) == 120_000


def test_every_kind_of_student_is_there(region):
    students = list(region.students())
    assert len(students) == 2000
    assert {student.stream for student in students} == {"general", "technological", "vocational"}
    assert {"CAP", "MFR"} <= {student.programme for student in students}
    first_entries = [student for student in students if student.first_entry]
    assert 0.05 < len(first_entries) / len(students) < 0.3
    assert {student.stream for student in first_entries} == {"vocational"}
    classes = {(student.school_uai, student.class_name) for student in students}
    assert 15 < len(students) / len(classes) < 36


def test_students_are_made_up_one_by_one():
    region = generate_region(students=2_200_000)
    tracemalloc.start()
    for _ in islice(region.students(), 20_000):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
