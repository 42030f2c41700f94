"""What the chapters of the demo share: the stage, the database, the made-up Region, and what one leaves to the next."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine, text

from ledger import cards
from ledger.calendar import last_day_of_use, last_day_of_year, paris_date, school_year_at
from ledger.data_folder import Unusable
from ledger.rights import Role
from partner_portal.demo.cards_and_tills import Pupil, TillProcess
from partner_portal.demo.region import generate_region
from partner_portal.demo.stage import Stage

ACTOR = "job:demo"


@dataclass
class Story:
    """What one chapter leaves to the next."""

    stage: Stage
    engine: Engine
    folder: Path
    address: str
    students: int
    year: int = field(default_factory=lambda: school_year_at(datetime.now(UTC)))
    partner_ids: list[int] = field(default_factory=list)
    waiting_partner_id: int = 0
    cast: dict[Role, list[int]] = field(default_factory=dict)
    tills: list[TillProcess] = field(default_factory=list)
    pupil: Pupil | None = None
    """Somebody who has bought, as whom one can look at the students' pages."""

    @property
    def last_day(self) -> date:
        """Until when this Region lets benefits be used: in the summer, when 30 June has passed, as long as it may."""
        usual = last_day_of_use(self.year)
        return usual if paris_date(datetime.now(UTC)) <= usual else last_day_of_year(self.year)

    def __post_init__(self) -> None:
        self.region = generate_region(self.students, school_year=self.year)
        self.keys = cards.CardKeys.from_settings()
        self.folder.mkdir(parents=True, exist_ok=True)


def require_a_database_of_our_own(engine: Engine) -> None:
    """The demo's passwords are public: it plays in a database that is empty, or that it began itself."""
    with engine.connect() as conn:
        filled = conn.scalar(text("select exists (select from account where id < 3000000000000)"))
        ours = conn.scalar(text("select exists (select from audit_event where actor = :actor)"), {"actor": ACTOR})
    if filled and not ours:
        raise Unusable("This database holds a scheme that is not the demo's: choose another with --data DIR.")
