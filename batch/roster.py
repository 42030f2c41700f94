"""The roster: which students are enrolled where this school year, as the Region's school database exports it.

A roster is a CSV or Excel file (see `batch.roster_file`) with one line per student and these columns, in any order;
capitals, accents, spaces and dashes in a column's name do not matter, and other columns are left aside:

    ine             national number of the student, 11 characters
    nom             last name
    prenom          first name
    date_naissance  14/07/2010 or 2010-07-14
    uai             code of the school
    classe          class, as the school calls it
    filiere         générale, technologique, professionnelle, CAP, MFR (or a usual short form: bac pro, STMG ...)
    primo_entrant   oui or non: in the first year of entry into the vocational stream
    annee_scolaire  2026-2027
    courriel        mail address; may be empty, and the column may be missing

Every line is checked before any is taken, and all that is wrong is reported at once: who corrects the file corrects it
once. A file with a wrong line is refused as a whole unless the caller asks for its correct lines only:

    report = check_roster(path, school_year=2026)
    with engine.begin() as conn:
        students.import_roster(conn, roster_rows(path, report), actor=actor)
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeVar

from batch.french import counted
from batch.roster_cells import (
    Stream,
    fold,
    read_birth_date,
    read_class_name,
    read_email,
    read_name,
    read_school_year,
    read_stream,
    read_uai,
    read_yes_or_no,
)
from batch.roster_file import RosterFile, UnreadableRoster
from ledger.calendar import school_year_name
from ledger.identifiers import parse_national_id

COLUMNS = ("ine", "nom", "prenom", "date_naissance", "uai", "classe", "filiere", "primo_entrant", "annee_scolaire")
OPTIONAL_COLUMN = "courriel"
OTHER_NAMES = {
    "date_de_naissance": "date_naissance",
    "code_uai": "uai",
    "division": "classe",
    "annee": "annee_scolaire",
    "email": "courriel",
    "mail": "courriel",
    "adresse_mail": "courriel",
}

REPORTED = 100

T = TypeVar("T")

Progress = Callable[[int, float], None]
"""Told now and then: lines read so far, and which share of the file that is (0 to 1)."""


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One student's enrolment in one school year, checked."""

    national_id: str
    last_name: str
    first_name: str
    birth_date: date
    school_uai: str
    class_name: str
    stream: Stream
    programme: str
    """As the roster says it: CAP, MFR, bac pro ..."""
    first_entry: bool
    email: str | None
    school_year: int
    """2026 for 2026-2027."""


class LineFault(NamedTuple):
    """What is wrong in one line, for the person who corrects the file; holds personal data, so it is not for logs."""

    line: int
    column: str
    value: str
    sentence: str

    def __str__(self) -> str:
        found = f" : « {self.value} »" if self.value else ""
        return f"Ligne {self.line}, {self.column}{found}. {self.sentence}"


@dataclass(frozen=True, slots=True)
class RosterReport:
    """What a roster file holds and all that is wrong in it; the first 100 faults are kept, all are counted."""

    file_name: str
    sha256: str
    school_year: int
    students: int
    """Correct lines."""
    by_stream: dict[Stream, int]
    first_entries: int
    schools: int
    faults: tuple[LineFault, ...]
    fault_count: int
    wrong_lines: int
    remarks: tuple[LineFault, ...]
    """Worth a look, but no reason to refuse: the same name and birth date under two numbers."""
    remark_count: int
    ignored_columns: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return self.fault_count == 0

    def sentences(self) -> list[str]:
        """The report as French lines, ready for a screen or a terminal."""
        year = school_year_name(self.school_year)
        pupils, schools = counted(self.students, "élève"), counted(self.schools, "établissement")
        said = [f"{self.file_name} : {pupils} de {schools}, année {year}."]
        if self.ignored_columns:
            said.append(f"Colonnes laissées de côté : {', '.join(self.ignored_columns)}.")
        said += map(str, self.faults)
        if self.fault_count > len(self.faults):
            said.append(f"… et {counted(self.fault_count - len(self.faults), 'autre erreur')}.")
        if self.fault_count:
            said.append(f"{counted(self.fault_count, 'erreur')} dans {counted(self.wrong_lines, 'ligne')}.")
        said += [f"À vérifier. {remark}" for remark in self.remarks]
        if self.remark_count > len(self.remarks):
            said.append(f"… et {counted(self.remark_count - len(self.remarks), 'autre ligne')} à vérifier.")
        return said


class RosterRefused(Exception):
    """The file has wrong lines and nothing of it was taken; `report` names them."""

    def __init__(self, report: RosterReport) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return f"{self.report.file_name} : {counted(self.report.fault_count, 'erreur')}, rien n'a été importé."


def check_roster(
    path: Path, *, school_year: int, known_schools: Collection[str] | None = None, progress: Progress | None = None
) -> RosterReport:
    """Read the whole file and say what it holds and what is wrong in it; nothing is changed.

    With `known_schools` (UAI codes) a line of another school is wrong. Raises `UnreadableRoster` for a file that is
    no roster at all.
    """
    file = RosterFile(path)
    faults: list[LineFault] = []
    remarks: list[LineFault] = []
    fault_count = remark_count = wrong_lines = correct = first_entries = 0
    by_stream: Counter[Stream] = Counter()
    schools: set[str] = set()
    table = _Table(file, school_year, known_schools, progress)
    for row, line_faults, line_remarks in table.checked_lines():
        faults += line_faults[: REPORTED - len(faults)]
        remarks += line_remarks[: REPORTED - len(remarks)]
        fault_count += len(line_faults)
        remark_count += len(line_remarks)
        if row is None:
            wrong_lines += 1
            continue
        correct += 1
        first_entries += row.first_entry
        by_stream[row.stream] += 1
        schools.add(row.school_uai)
    return RosterReport(
        file_name=path.name,
        sha256=file.sha256,
        school_year=school_year,
        students=correct,
        by_stream=dict(by_stream),
        first_entries=first_entries,
        schools=len(schools),
        faults=tuple(faults),
        fault_count=fault_count,
        wrong_lines=wrong_lines,
        remarks=tuple(remarks),
        remark_count=remark_count,
        ignored_columns=table.ignored_columns,
    )


def roster_rows(
    path: Path,
    report: RosterReport,
    *,
    known_schools: Collection[str] | None = None,
    correct_lines_only: bool = False,
    progress: Progress | None = None,
) -> Iterator[RosterRow]:
    """The students of a file that was checked, in a second pass, so that no file has to fit into memory.

    Raises `RosterRefused` if the report names faults (unless the correct lines alone are asked for) and
    `UnreadableRoster` if the file is not, byte for byte, the one that was checked.
    """
    if not report.clean and not correct_lines_only:
        raise RosterRefused(report)
    file = RosterFile(path)
    if file.sha256 != report.sha256:
        raise UnreadableRoster(f"Le fichier « {path.name} » a changé depuis sa vérification : vérifiez-le à nouveau.")
    for row, _, _ in _Table(file, report.school_year, known_schools, progress).checked_lines():
        if row is not None:
            yield row


class _Line:
    """One line under way: reads its cells and gathers what is wrong with them."""

    def __init__(self, number: int, cells: list[str], places: dict[str, int]) -> None:
        self.number = number
        self.cells = cells
        self.places = places
        self.faults: list[LineFault] = []

    def read(self, column: str, reader: Callable[[str], T]) -> T:
        text = self.cells[self.places[column]]
        try:
            return reader(text)
        except ValueError as error:
            self.blame(column, str(error))
        return None  # type: ignore[return-value]  # a line with a fault yields no row, so nobody reads this

    def blame(self, column: str, sentence: str) -> None:
        text = self.cells[self.places[column]] if column in self.places else ""
        self.faults.append(LineFault(self.number, column, text[:40], sentence))


class _Table:
    """One walk through a file: knows where each column stands and which students it has met."""

    def __init__(
        self, file: RosterFile, school_year: int, known_schools: Collection[str] | None, progress: Progress | None
    ) -> None:
        self.file = file
        self.school_year = school_year
        self.known_schools = None if known_schools is None else frozenset(known_schools)
        self.progress = progress
        self.ignored_columns: tuple[str, ...] = ()
        self._met: dict[str, tuple[int, str]] = {}
        self._met_persons: dict[int, int] = {}

    def checked_lines(self) -> Iterator[tuple[RosterRow | None, list[LineFault], list[LineFault]]]:
        """For each line its row, or None if it is wrong, its faults and its remarks."""
        lines = self.file.lines()
        number, header = next(lines, (1, []))
        places = self._read_header(header)
        if missing := [name for name in COLUMNS if name not in places]:
            absent = "Cette colonne manque." if len(missing) == 1 else "Ces colonnes manquent."
            named = f"L'en-tête doit nommer : {', '.join(COLUMNS)} et, au besoin, {OPTIONAL_COLUMN}."
            yield None, [LineFault(number, ", ".join(missing), "", f"{absent} {named}")], []
            return
        count = 0
        for number, cells in lines:
            count += 1
            if self.progress and count % 1000 == 0:
                self.progress(count, self.file.share_read)
            line = _Line(number, cells, places)
            if len(cells) < len(header) or any(cells[len(header) :]):
                line.blame("ligne", f"La ligne a {len(cells)} colonnes, l'en-tête en a {len(header)}.")
                yield None, line.faults, []
                continue
            row = self._read_row(line)
            if line.faults:
                yield None, line.faults, []
            else:
                yield row, [], self._remarks(number, row)
        if not count:
            yield None, [LineFault(number, "fichier", "", "Aucun élève sous la ligne d'en-tête.")], []
        if self.progress:
            self.progress(count, 1.0)

    def _read_header(self, header: list[str]) -> dict[str, int]:
        places: dict[str, int] = {}
        ignored = []
        for place, title in enumerate(header):
            name = OTHER_NAMES.get(fold(title), fold(title))
            if name in (*COLUMNS, OPTIONAL_COLUMN) and name not in places:
                places[name] = place
            elif title:
                ignored.append(title[:40])
        self.ignored_columns = tuple(ignored)
        return places

    def _read_row(self, line: _Line) -> RosterRow:
        year = self.school_year
        stream, programme = line.read("filiere", read_stream) or ("general", "")
        row = RosterRow(
            national_id=line.read("ine", parse_national_id),
            last_name=line.read("nom", read_name),
            first_name=line.read("prenom", read_name),
            birth_date=line.read("date_naissance", lambda text: read_birth_date(text, year)),
            school_uai=line.read("uai", read_uai),
            class_name=line.read("classe", read_class_name),
            stream=stream,
            programme=programme,
            first_entry=line.read("primo_entrant", read_yes_or_no),
            email=line.read(OPTIONAL_COLUMN, read_email) if OPTIONAL_COLUMN in line.places else None,
            school_year=line.read("annee_scolaire", lambda text: read_school_year(text, year)),
        )
        if self.known_schools is not None and row.school_uai and row.school_uai not in self.known_schools:
            line.blame("uai", "Aucun établissement connu ne porte ce code UAI.")
        if row.national_id:
            first_line, first_school = self._met.setdefault(row.national_id, (line.number, row.school_uai))
            if first_line != line.number:
                elsewhere = "" if first_school == row.school_uai else f" dans l'établissement {first_school}"
                line.blame("ine", f"Cet élève est déjà inscrit à la ligne {first_line}{elsewhere}.")
        return row

    def _remarks(self, number: int, row: RosterRow) -> list[LineFault]:
        # Only a hash is kept: it names no one, costs little memory, and a wrong guess costs one needless look.
        person = hash((fold(row.last_name), fold(row.first_name), row.birth_date))
        first_line = self._met_persons.setdefault(person, number)
        if first_line == number:
            return []
        sentence = f"Mêmes nom, prénom et date de naissance qu'à la ligne {first_line}, sous un autre INE."
        return [LineFault(number, "nom", f"{row.last_name} {row.first_name}"[:40], sentence)]
