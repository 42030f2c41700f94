"""The made-up Region: the same seed gives the same schools, students, partners and goods, byte for byte.

Every number passes the check that a real one passes, and names nobody: schools take UAI and SIRET numbers that were
never given out, mail goes to the reserved domain `.example`, telephones ring in the block kept for fiction.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Literal

from schwifty import IBAN

from batch.roster import COLUMNS, OPTIONAL_COLUMN, RosterRow
from batch.roster_cells import Stream, fold, read_stream
from ledger.identifiers import ean13_digit, luhn_digit, uai_letter
from partner_portal.demo import names

SEED = 1066
STUDENTS_PER_SCHOOL = 267
# Names and numbers of schools would run out; with more students than these can hold, schools grow instead.
MOST_SCHOOLS = 1000

SchoolKind = Literal["general", "vocational", "both", "mfr"]

# Banks where schools have their accounts: the Treasury for public ones, any for the others.
TREASURY = "10071"
OTHER_BANKS = ("16606", "18306", "11425", "30004", "30066", "10278", "13807", "20041")


@dataclass(frozen=True, slots=True)
class School:
    uai: str
    name: str
    town: str
    postcode: str
    kind: SchoolKind
    public: bool
    students: int


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a school fills in to become a partner."""

    siret: str
    uai: str
    name: str
    street: str
    postcode: str
    town: str
    representative: str
    role: str
    email: str
    phone: str
    iban: str
    account_holder: str
    accepts: tuple[str, ...]
    """Benefit codes."""


@dataclass(frozen=True, slots=True)
class Product:
    """A digital textbook licence, or a piece of professional equipment, and what it really costs."""

    ean: str
    title: str
    publisher: str
    benefit: str
    real_cost_cents: int


@dataclass(frozen=True, slots=True)
class Formation:
    """One course of study of a school: which share of its students follows it, in classes of which size."""

    label: str
    programme: str
    share: int
    class_size: int
    age: int
    first_year: bool = False

    @property
    def stream(self) -> Stream:
        return read_stream(self.programme)[0]


GENERAL = (
    Formation("2nde", "générale et technologique", 36, 35, 15),
    Formation("1re", "générale", 24, 35, 16),
    Formation("Tle", "générale", 23, 34, 17),
    Formation("1re STMG", "STMG", 6, 32, 16),
    Formation("Tle STMG", "STMG", 5, 32, 17),
    Formation("1re STI2D", "STI2D", 3, 28, 16),
    Formation("Tle ST2S", "ST2S", 3, 28, 17),
)
VOCATIONAL = (
    Formation("2nde pro", "bac pro", 28, 30, 15, first_year=True),
    Formation("1re pro", "bac pro", 24, 28, 16),
    Formation("Tle pro", "bac pro", 22, 28, 17),
    Formation("1 CAP", "CAP", 14, 20, 15, first_year=True),
    Formation("2 CAP", "CAP", 12, 20, 16),
)
MFR = (
    Formation("2nde MFR", "MFR", 30, 20, 15, first_year=True),
    Formation("1re MFR", "MFR", 25, 20, 16),
    Formation("Tle MFR", "MFR", 25, 20, 17),
    Formation("CAP MFR", "CAP MFR", 20, 16, 15, first_year=True),
)
FORMATIONS: dict[SchoolKind, tuple[Formation, ...]] = {
    "general": GENERAL,
    "vocational": VOCATIONAL,
    "both": GENERAL + VOCATIONAL,
    "mfr": MFR,
}
KINDS: tuple[tuple[SchoolKind, str, int], ...] = (
    ("both", "Lycée polyvalent", 5),
    ("general", "Lycée général et technologique", 5),
    ("vocational", "Lycée professionnel", 3),
    ("mfr", "Maison familiale rurale", 1),
)


@dataclass(frozen=True, slots=True)
class Region:
    """Schools, sign-ups and catalogue are in memory; students are made up as one asks for them, however many."""

    seed: int
    school_year: int
    schools: tuple[School, ...]
    sign_ups: tuple[SignUp, ...]
    catalogue: tuple[Product, ...]

    def students(self) -> Iterator[RosterRow]:
        """All students, school by school and class by class; every call tells the same ones."""
        number = 0
        for place, school in enumerate(self.schools):
            random = Random(f"{self.seed} students {place}")  # noqa: S311  reproducible, not secret
            formations = FORMATIONS[school.kind]
            sizes = _split(school.students, [formation.share for formation in formations])
            for formation, size in zip(formations, sizes, strict=True):
                classes = -(-size // formation.class_size)
                for rank, pupils in enumerate(_split(size, [1] * classes), start=1):
                    for _ in range(pupils):
                        yield self._student(random, number, school, formation, f"{formation.label} {rank}")
                        number += 1

    def _student(self, random: Random, number: int, school: School, formation: Formation, class_name: str) -> RosterRow:
        first_name, last_name = random.choice(names.FIRST_NAMES), random.choice(names.LAST_NAMES)
        repeats = random.random() < 0.07
        born = date(self.school_year - formation.age - repeats, 1, 1) + timedelta(days=random.randrange(365))
        # A multiplier without a factor of 10 walks through all nine-digit numbers before it meets one again.
        serial = (number * 387_420_489 + self.seed * 7_919) % 10**9
        letters = "ABCDEFGHJK"[serial % 10] + "ABCDEFGHJK"[serial // 10 % 10]
        mail = f"{fold(first_name)}.{fold(last_name)}{serial % 1000}@eleve.example".replace("_", "-")
        return RosterRow(
            national_id=f"{serial:09}{letters}",
            last_name=last_name,
            first_name=first_name,
            birth_date=born,
            school_uai=school.uai,
            class_name=class_name,
            stream=formation.stream,
            programme=formation.programme,
            first_entry=formation.first_year and not repeats,
            email=mail if random.random() < 0.85 else None,
            school_year=self.school_year,
        )


def generate_region(students: int = 2000, seed: int = SEED, school_year: int = 2026) -> Region:
    """A Region with that many students; 120 000 give about the 450 schools that the real one has."""
    random = Random(f"{seed} region")  # noqa: S311
    schools = tuple(_schools(random, students))
    return Region(
        seed=seed,
        school_year=school_year,
        schools=schools,
        sign_ups=tuple(_sign_ups(random, schools)),
        catalogue=tuple(_products(random)),
    )


def write_roster(region: Region, path: Path) -> int:
    """Write the students as the roster file that `batch.roster` reads; returns how many there are."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow([*COLUMNS, OPTIONAL_COLUMN])
        year = f"{region.school_year}-{region.school_year + 1}"
        for row in region.students():
            writer.writerow(
                [
                    row.national_id,
                    row.last_name.upper(),
                    row.first_name,
                    f"{row.birth_date:%d/%m/%Y}",
                    row.school_uai,
                    row.class_name,
                    row.programme,
                    "oui" if row.first_entry else "non",
                    year,
                    row.email or "",
                ]
            )
            count += 1
    return count


def _schools(random: Random, students: int) -> Iterator[School]:
    wanted = min(max(len(KINDS), students // STUDENTS_PER_SCHOOL), MOST_SCHOOLS)
    # The first four show every kind, however small the Region.
    kinds = [*KINDS, *random.choices(KINDS, weights=(20, 30, 30, 20), k=wanted - len(KINDS))]
    sizes = _split(students, [size for _, _, size in kinds])
    called: set[tuple[str, str]] = set()
    for number, ((kind, title, _), size) in enumerate(zip(kinds, sizes, strict=True)):
        department = random.choices(tuple(names.TOWNS), weights=(24, 18, 16, 9, 33))[0]
        while True:
            town, postcode = random.choice(names.TOWNS[department])
            name = f"{title} {random.choice(names.PLACES)}"
            if (name, town) not in called:
                break
        called.add((name, town))
        # Registered numbers end far below 8000 in each department.
        digits = f"{department}{8000 + number:04}"
        public = kind != "mfr" and random.random() < 0.75
        yield School(digits + uai_letter(digits), name, town, postcode, kind, public, size)


def _sign_ups(random: Random, schools: Sequence[School]) -> Iterator[SignUp]:
    for number, school in enumerate(schools):
        if number >= len(KINDS) and random.random() > 0.6:
            continue
        # The State derives a public school's SIREN from its UAI; SIREN that begin with 99 are not given out.
        first = f"19{school.uai[1:7]}" if school.public else f"99{number:06}"
        siren = first + luhn_digit(first)
        siret = siren + "0001" + luhn_digit(siren + "0001")
        iban = IBAN.generate(
            "FR",
            bank_code=TREASURY if school.public else random.choice(OTHER_BANKS),
            branch_code=f"{school.uai[1:3]}000",
            account_code=f"{random.randrange(10**10):011}",
        )
        head = f"{random.choice(names.FIRST_NAMES)} {random.choice(names.LAST_NAMES)}"
        yield SignUp(
            siret=siret,
            uai=school.uai,
            name=school.name,
            street=f"{random.randrange(1, 90)} {random.choice(names.STREETS)}",
            postcode=school.postcode,
            town=school.town,
            representative=head,
            role="Directeur" if school.kind == "mfr" else "Chef d'établissement",
            email=f"intendance@{school.uai.lower()}.example",
            phone=f"02 61 91 {random.randrange(100):02} {random.randrange(100):02}",
            iban=str(iban),
            account_holder=f"Agent comptable {school.name}" if school.public else school.name,
            accepts=("books",) if school.kind == "general" else ("books", "equipment"),
        )


def _products(random: Random) -> Iterator[Product]:
    serial = 0
    for subjects in (names.LYCEE_SUBJECTS, names.VOCATIONAL_SUBJECTS):
        for subject, level in subjects:
            for publisher in random.sample(names.PUBLISHERS, k=2):
                serial += 1
                # 979-10 is the French ISBN range; these registrants were never given out.
                first = f"97910999{serial:04}"
                title = f"{subject} {level}, manuel numérique, licence élève 1 an"
                yield Product(first + ean13_digit(first), title, publisher, "books", random.randrange(400, 3500, 10))
    for number, (title, cents) in enumerate(names.EQUIPMENT, start=1):
        # Numbers that begin with 2 are kept for goods without a worldwide one.
        first = f"20000001{number:04}"
        yield Product(first + ean13_digit(first), title, names.MAKERS[number % 2], "equipment", cents)


def _split(total: int, shares: Sequence[int]) -> list[int]:
    """`total` in whole parts by `shares`, none lost: each part ends where its running share of the whole ends."""
    whole = sum(shares)
    ends = [total * running // whole for running in accumulate(shares)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]
