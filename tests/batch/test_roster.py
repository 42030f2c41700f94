import contextlib
import csv
import io
import random
import time
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook

from batch.roster import COLUMNS, RosterRefused, RosterRow, check_roster, roster_rows
from batch.roster_file import UnreadableRoster
from partner_portal.demo.region import generate_region, write_roster

GOOD = {
    "ine": "123456789AB",
    "nom": "CŒURET",
    "prenom": "Zoé",
    "date_naissance": "14/07/2010",
    "uai": "0140013N",
    "classe": "2nde 3",
    "filiere": "générale",
    "primo_entrant": "non",
    "annee_scolaire": "2026-2027",
    "courriel": "zoe@eleve.example",
}


def line(**changes: str) -> dict[str, str]:
    return GOOD | changes


def csv_text(lines: list[dict[str, str]], separator: str = ";", columns=tuple(GOOD)) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=separator, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


@pytest.fixture
def roster(tmp_path):
    def write(*lines: dict[str, str], **how):
        path = tmp_path / "eleves.csv"
        path.write_text(csv_text(list(lines), **how), encoding="utf-8")
        return path

    return write


def check(path, **how):
    return check_roster(path, school_year=2026, **how)


def faults(path, **how) -> list[tuple[int, str]]:
    return [(fault.line, fault.column) for fault in check(path, **how).faults]


def test_a_correct_line_becomes_an_enrolment(roster):
    path = roster(GOOD)
    report = check(path)
    assert report.clean
    assert (report.students, report.schools, report.by_stream) == (1, 1, {"general": 1})
    assert list(roster_rows(path, report)) == [
        RosterRow(
            national_id="123456789AB",
            last_name="CŒURET",
            first_name="Zoé",
            birth_date=date(2010, 7, 14),
            school_uai="0140013N",
            class_name="2nde 3",
            stream="general",
            programme="générale",
            first_entry=False,
            email="zoe@eleve.example",
            school_year=2026,
        )
    ]


@pytest.mark.parametrize("separator", [";", ","])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_csv_is_read_as_spreadsheets_write_it(tmp_path, separator, mark, newline):
    path = tmp_path / "eleves.csv"
    text = csv_text([line(classe="2nde; 3, A")], separator).replace("\r\n", newline)
    path.write_bytes((mark + text).encode())
    report = check(path)
    assert report.clean, report.sentences()
    assert next(roster_rows(path, report)).class_name == "2nde; 3, A"


def test_column_titles_may_be_written_as_people_write_them(tmp_path):
    path = tmp_path / "eleves.csv"
    titles = "Classe;INE;NOM;Prénom;Date de naissance;Code UAI;Filière;Primo-entrant;Année scolaire;Adresse mail;Régime"
    path.write_text(f"{titles}\n2nde 1;123456789AB;Le Goff;Zoé;2010-07-14;0140013n;STMG;NON;2026/2027;;externe\n")
    report = check(path)
    assert report.clean, report.sentences()
    assert report.ignored_columns == ("Régime",)
    assert next(roster_rows(path, report)).stream == "technological"


def test_the_mail_column_may_be_missing(roster):
    path = roster(GOOD, columns=COLUMNS)
    report = check(path)
    assert next(roster_rows(path, report)).email is None


@pytest.mark.parametrize(
    ("filiere", "stream"),
    [
        ("Générale", "general"),
        ("générale et technologique", "general"),
        ("TECHNOLOGIQUE", "technological"),
        ("ST2S", "technological"),
        ("Professionnelle", "vocational"),
        ("bac pro", "vocational"),
        ("CAP", "vocational"),
        ("MFR", "vocational"),
    ],
)
def test_the_stream_follows_from_the_programme_which_is_kept(roster, filiere, stream):
    path = roster(line(filiere=filiere))
    (row,) = roster_rows(path, check(path))
    assert (row.stream, row.programme) == (stream, filiere)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ine", ""),
        ("ine", "12345"),
        ("nom", ""),
        ("nom", "="),
        ("nom", '=HYPERLINK("x")'),
        ("nom", "x" * 81),
        ("prenom", "Zoé\u202e"),
        ("prenom", "R2D2"),
        ("date_naissance", ""),
        ("date_naissance", "31/02/2010"),
        ("date_naissance", "2010"),
        ("date_naissance", "14/07/2020"),
        ("date_naissance", "14/07/1950"),
        ("uai", "0140013M"),
        ("classe", ""),
        ("classe", "=1+1"),
        ("filiere", "poterie"),
        ("primo_entrant", "peut-être"),
        ("annee_scolaire", "2025-2026"),
        ("annee_scolaire", "2026-2028"),
        ("courriel", "zoe@"),
        ("courriel", "zoe@x@eleve.example"),
        ("courriel", "zoe@eleve.example\n"),
    ],
)
def test_a_wrong_cell_is_told_by_line_and_column(roster, column, value):
    path = roster(GOOD, line(ine="123456780AB", **{column: value}) if column != "ine" else line(ine=value))
    report = check(path)
    # Outer spaces and line ends around a value are no fault.
    if value.strip() == "zoe@eleve.example":
        assert report.clean
        return
    assert [(fault.line, fault.column) for fault in report.faults] == [(3, column)]
    assert report.faults[0].sentence.endswith(".")


def test_all_wrong_cells_of_all_lines_are_told_at_once(roster):
    wrong = line(ine="", uai="x", filiere="y")
    path = roster(wrong, line(ine="123456780AB"), wrong)
    report = check(path)
    assert [(fault.line, fault.column) for fault in report.faults] == [
        (line, column) for line in (2, 4) for column in ("filiere", "ine", "uai")
    ]
    assert (report.students, report.wrong_lines, report.fault_count) == (1, 2, 6)
    assert report.sentences()[-1] == "6\u00a0erreurs dans 2\u00a0lignes."


def test_a_file_with_a_wrong_line_gives_no_row_unless_the_correct_ones_are_asked_for(roster):
    path = roster(GOOD, line(ine="123456780AB", uai="x"), line(ine="123456781AB"))
    report = check(path)
    with pytest.raises(RosterRefused, match=r"1\s+erreur, rien n'a été importé"):
        next(roster_rows(path, report))
    rows = roster_rows(path, report, correct_lines_only=True)
    assert [row.national_id for row in rows] == ["123456789AB", "123456781AB"]


def test_the_report_shows_a_hundred_faults_and_counts_all(roster):
    report = check(roster(*[line(ine="", uai="x")] * 180))
    assert len(report.faults) == 100
    assert report.fault_count == 360
    assert "… et 260\u00a0autres erreurs." in report.sentences()


def test_a_student_listed_twice_is_refused_with_both_lines(roster):
    path = roster(GOOD, line(ine="123456780AB"), line(), line(uai="0750654D"))
    report = check(path)
    assert [(fault.line, fault.column) for fault in report.faults] == [(4, "ine"), (5, "ine")]
    assert report.faults[0].sentence == "Cet élève est déjà inscrit à la ligne 2."
    assert "ligne 2 dans l'établissement 0140013N" in report.faults[1].sentence


def test_the_same_person_under_two_numbers_is_a_remark_and_no_fault(roster):
    report = check(roster(GOOD, line(ine="123456780AB", nom="Coeuret", prenom="ZOE")))
    assert report.clean
    assert report.remark_count == 1
    assert "ligne 2" in report.sentences()[-1]


def test_a_school_that_is_not_known_is_a_fault(roster):
    assert faults(roster(GOOD), known_schools={"0750654D"}) == [(2, "uai")]
    assert faults(roster(GOOD), known_schools={"0140013N"}) == []


def test_missing_columns_are_named_in_one_sentence(roster):
    report = check(roster(GOOD, columns=[name for name in GOOD if name not in ("ine", "uai")]))
    (fault,) = report.faults
    assert fault.column == "ine, uai"
    assert "manquent" in fault.sentence
    (fault,) = check(roster(GOOD, columns=[name for name in GOOD if name != "uai"])).faults
    assert fault.column == "uai"
    assert "manque." in fault.sentence


@pytest.mark.parametrize(
    ("cells", "said"), [("a;b", "2 colonnes"), (";".join([*GOOD.values(), "more"]), "11 colonnes")]
)
def test_a_line_of_another_width_is_a_fault(tmp_path, cells, said):
    path = tmp_path / "eleves.csv"
    path.write_text(f"{';'.join(GOOD)}\n{cells}\n")
    (fault,) = check(path).faults
    assert (fault.line, fault.column) == (2, "ligne")
    assert said in fault.sentence


def test_blank_lines_are_skipped_and_lines_keep_their_number(tmp_path):
    path = tmp_path / "eleves.csv"
    values = ";".join(line(uai="x").values())
    path.write_text(f"\n{';'.join(GOOD)}\n\n;;;;;;;;;\n{values}\n\n")
    assert faults(path) == [(5, "uai")]


def test_a_header_alone_is_a_fault(roster):
    assert faults(roster()) == [(1, "fichier")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "est vide"),
        (csv_text([GOOD]).encode("utf-16"), "UTF-16"),
        (csv_text([line(nom="Le Goff", prenom="Anna")] * 900 + [GOOD]).encode("cp1252"), "Ligne 902"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old excel", "Ancien format Excel"),
        (b"PK\x03\x04 not a zip", "classeur Excel"),
        (csv_text([GOOD]).encode() + b'"never closed;;;\n', "Ligne 3 : un guillemet"),
        (b'"a"b;c\n', "Ligne 1 : un guillemet"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "n'est ni un fichier CSV ni"),
        (bytes(5000), "n'est ni un fichier CSV ni"),
    ],
)
def test_what_is_no_roster_at_all_gets_one_sentence(tmp_path, content, said):
    path = tmp_path / "eleves.csv"
    path.write_bytes(content.replace("générale".encode("cp1252"), b"CAP", 900) if said == "Ligne 902" else content)
    with pytest.raises(UnreadableRoster, match=said):
        check(path)


def test_a_missing_file_and_a_folder_get_one_sentence(tmp_path):
    with pytest.raises(UnreadableRoster, match="ne peut pas être lu"):
        check(tmp_path / "none.csv")
    with pytest.raises(UnreadableRoster, match="est un dossier"):
        check(tmp_path)


def test_a_file_that_changed_since_its_check_is_not_imported(roster):
    path = roster(GOOD)
    report = check(path)
    roster(line(ine="123456780AB"))
    with pytest.raises(UnreadableRoster, match="a changé"):
        next(roster_rows(path, report))


# Excel


def workbook(path, *rows):
    book = Workbook()
    sheet = book.active
    sheet.append([*COLUMNS, "courriel"])
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("name", ["eleves.xlsx", "upload"])
def test_an_excel_workbook_is_read_with_its_dates_numbers_and_booleans(tmp_path, name):
    born = datetime(2010, 7, 14)  # noqa: DTZ001  Excel knows no time zone
    cells = ["123456789AB", "Le Goff", "Zoé", born, "0140013N", 203, "CAP", True, 2026, None]
    path = workbook(tmp_path / "eleves.xlsx", cells).rename(tmp_path / name)
    report = check(path)
    assert report.clean, report.sentences()
    (row,) = roster_rows(path, report)
    assert (row.birth_date, row.class_name, row.first_entry, row.email) == (date(2010, 7, 14), "203", True, None)


def test_faults_in_a_workbook_carry_the_number_of_its_row(tmp_path):
    cells = [GOOD[name] for name in (*COLUMNS, "courriel")]
    path = workbook(tmp_path / "eleves.xlsx", cells, [], [*cells[:4], "x", *cells[5:]])
    assert faults(path) == [(4, "uai"), (4, "ine")]


def test_a_zip_that_is_no_workbook_gets_one_sentence(tmp_path):
    path = tmp_path / "eleves.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(UnreadableRoster, match="classeur Excel"):
        check(path)


# Any bytes at all


def test_damaged_files_are_told_and_never_crash(tmp_path):
    path = tmp_path / "eleves.csv"
    good = csv_text([line(ine=f"{number:09}AB") for number in range(20)]).encode()
    book = workbook(tmp_path / "eleves.xlsx", [GOOD[name] for name in (*COLUMNS, "courriel")]).read_bytes()
    chance = random.Random(7)
    for original in (good, book):
        for _ in range(150):
            damaged = bytearray(original)
            for _ in range(chance.randrange(1, 6)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            path.write_bytes(damaged[: chance.randrange(len(damaged))] if chance.random() < 0.3 else damaged)
            with contextlib.suppress(UnreadableRoster):
                assert check(path).sentences()


def test_the_whole_region_is_checked_in_seconds(tmp_path):
    path = tmp_path / "eleves.csv"
    region = generate_region(students=120_000)
    write_roster(region, path)
    told: list[tuple[int, float]] = []
    started = time.perf_counter()
    report = check(
        path, known_schools={school.uai for school in region.schools}, progress=lambda *now: told.append(now)
    )
    assert time.perf_counter() - started < 20
    assert report.clean
    assert report.students == 120_000
    assert told[-1] == (120_000, 1.0)
    assert len(told) == 121
    assert all(0 <= share <= 1 for _, share in told)
    assert told == sorted(told)
