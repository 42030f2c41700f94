import pytest
from sqlalchemy import text

from batch.roster import RosterRefused, check_roster, roster_rows
from ledger import students
from partner_portal.demo.region import generate_region, write_roster


def imported(conn) -> tuple[int, int]:
    return (
        conn.scalar(text("select count(*) from student_identity")),
        conn.scalar(text("select count(*) from enrolment where school_year = 2026")),
    )


@pytest.fixture
def region(owner_conn):
    region = generate_region(students=300)
    owner_conn.execute(text("insert into school_year values (2026, '2026-08-31 22:00Z', '2027-08-31 22:00Z')"))
    students.import_schools(owner_conn, region.schools)
    return region


def test_a_region_is_imported_once_however_often_its_file_is(owner_conn, region, tmp_path):
    path = tmp_path / "eleves.csv"
    write_roster(region, path)
    report = check_roster(path, school_year=2026)
    first = students.import_roster(owner_conn, roster_rows(path, report), actor="person:1")
    assert (first.students, first.new_students) == (300, 300)
    assert imported(owner_conn) == (300, 300)
    again = students.import_roster(owner_conn, roster_rows(path, report), actor="person:1")
    assert (again.new_students, again.enrolments) == (0, 0)
    assert imported(owner_conn) == (300, 300)


def test_one_wrong_line_keeps_the_whole_file_out(owner_conn, region, tmp_path):
    path = tmp_path / "eleves.csv"
    write_roster(region, path)
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[-1] = lines[-1].replace("2026-2027", "2025-2026")
    path.write_text("\n".join(lines), encoding="utf-8")
    report = check_roster(path, school_year=2026)
    assert [(fault.line, fault.column) for fault in report.faults] == [(301, "annee_scolaire")]
    with pytest.raises(RosterRefused):
        students.import_roster(owner_conn, roster_rows(path, report), actor="person:1")
    assert imported(owner_conn) == (0, 0)
