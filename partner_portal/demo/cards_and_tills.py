"""At the counter: cards are printed, photographed badly, and sold to by tills that know nothing but the API's address.

Each till is a process of its own (`atouts-pos`), in an environment without any setting of ours.
"""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import Connection, text

from batch.documents.cards import card_png, card_sheets
from batch.documents.models import StudentCard
from ledger import cards
from ledger.calendar import last_day_before
from pos_client.photograph import photograph


@dataclass(frozen=True, slots=True)
class Pupil:
    """A student with a card, as the demo meets them."""

    student_id: int
    card_id: int
    first_entry: bool
    stream: str
    card: StudentCard

    @property
    def code(self) -> str:
        """The text of the card's QR code."""
        return self.card.code


def class_of(
    conn: Connection, uai: str, keys: cards.CardKeys, *, stream: str | None = None, first_entry: bool | None = None
) -> list[Pupil]:
    """The largest class of a school, of one stream or of first entrants if so asked, in the order of names."""
    rows = conn.execute(
        text("""
            with chosen as (
                select e.school_id, e.class_name, e.school_year
                  from enrolment e join school s on s.id = e.school_id
                 where s.uai = :uai and (cast(:stream as text) is null or e.stream = :stream)
                   and (cast(:first_entry as boolean) is null or e.first_entry = :first_entry)
                 group by 1, 2, 3 order by count(*) desc, e.class_name limit 1
            )
            select c.id as card_id, c.key_id, e.student_id, e.class_name, e.stream, e.first_entry, e.school_year,
                   i.first_name, i.last_name, s.name as school,
                   has.benefits, has.usable_until
              from chosen
              join enrolment e using (school_id, class_name, school_year)
              join school s on s.id = e.school_id
              join card c on c.student_id = e.student_id and c.revoked_at is null
              join student_identity i on i.student_id = e.student_id
             cross join lateral (
                select array_agg(b.label order by b.id) as benefits, min(b.usable_until) as usable_until
                  from account a join benefit b on b.id = a.benefit_id
                 where a.owner_id = e.student_id and b.school_year = e.school_year
             ) has
             order by i.last_name, i.first_name, e.student_id
        """),
        {"uai": uai, "stream": stream, "first_entry": first_entry},
    )
    return [
        Pupil(
            row.student_id,
            row.card_id,
            row.first_entry,
            row.stream,
            StudentCard(
                code=cards.printed_code(keys, row.card_id, row.key_id),
                first_name=row.first_name,
                last_name=row.last_name,
                class_name=row.class_name,
                school=row.school,
                school_year=row.school_year,
                benefits=tuple(row.benefits),
                usable_until=last_day_before(row.usable_until),
                student_space="atouts.normandie.fr",
            ),
        )
        for row in rows
    ]


def print_cards(folder: Path, pupils: Sequence[Pupil], made_at: datetime) -> Path:
    """The sheet of a class, ready to print and cut; returns the PDF."""
    card = pupils[0].card
    file = folder / f"cartes-{card.class_name.replace(' ', '-').replace('/', '-')}.pdf"
    file.write_bytes(card_sheets([pupil.card for pupil in pupils], f"{card.school}, {card.class_name}", made_at))
    return file


def take_photograph(folder: Path, pupil: Pupil, seed: int, severity: float = 0.6) -> Path:
    """A hurried photograph of a printed card."""
    printed = Image.open(io.BytesIO(card_png(pupil.card)))
    file = folder / f"photo-{pupil.student_id}.jpg"
    photograph(printed, seed, severity).save(file, quality=90)
    return file


def write_group(folder: Path, pupils: Sequence[Pupil]) -> Path:
    """The file of a group purchase: one card a line."""
    file = folder / f"achat-groupe-{pupils[0].card.class_name.replace(' ', '-').replace('/', '-')}.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=";")
        writer.writerow(["carte"])
        writer.writerows([pupil.code] for pupil in pupils)
    return file


@dataclass(frozen=True, slots=True)
class Heard:
    """What a till said: its exit status (0 done, 1 refused), its answer if it gave one, and its sentence."""

    status: int
    answer: Any
    sentence: str


class TillProcess:
    """One till on a counter: `atouts-pos` with a folder of its own."""

    def __init__(self, home: Path, api: str) -> None:
        self.home = home
        self.api = api

    def run(self, *arguments: str, as_json: bool = True) -> Heard:
        """Run one command of the till and wait for what it says."""
        self.home.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ATOUTS_")}
        environment |= {"ATOUTS_POS_HOME": str(self.home)}
        command = [str(Path(sys.executable).with_name("atouts-pos")), *(["--json"] if as_json else []), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
        try:
            answer = json.loads(done.stdout) if done.stdout.strip() else None
        except ValueError:
            answer = done.stdout
        return Heard(done.returncode, answer, done.stderr.strip())

    def pair(self, code: str, name: str) -> Heard:
        """Exchange a pairing code for a secret of the till's own."""
        return self.run("pair", code, "--api", self.api, "--name", name, "--replace")
