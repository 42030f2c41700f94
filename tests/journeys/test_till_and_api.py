"""The till at a counter, as its own process, against the portal under gunicorn on the servers the product brings."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ledger import terminals
from ledger.cards import printed_code
from ledger.database import application_engine, upgrade
from tests.ledger.scheme import ACTOR, BOOK, KEYS, OTHER_BOOK, Line, Scheme, make_scheme
from tests.line import Line as NetworkLine
from tests.line import line_to
from tests.served import served_from

pytestmark = pytest.mark.slow

DONE, REFUSED, WAITING = 0, 1, 3


@dataclass
class Counter:
    """A till that is not paired yet, the line to the service, and what the books say."""

    home: Path
    line: NetworkLine
    engine: Engine
    scheme: Scheme

    def code(self, student: int) -> str:
        """A student's printed card."""
        return printed_code(KEYS, self.scheme.cards[student], 1)

    def balance(self, student: int) -> int:
        """What a student's books wallet holds, in cents."""
        with self.engine.connect() as conn:
            return self.scheme.balance(conn, student)

    def pairing_code(self) -> str:
        """A code for one till."""
        with self.engine.begin() as conn:
            return terminals.make_pairing_code(conn, self.scheme.till.partner_id, actor=ACTOR)[0]

    def till(self, *arguments: str, status: int = DONE) -> str:
        """Run the till with these arguments, and check how it ended; what it printed."""
        command = [sys.executable, "-c", "from pos_client.cli import main; main()", *arguments]
        environment = os.environ | {"ATOUTS_POS_HOME": str(self.home)}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr


@pytest.fixture
def counter(data: Path, tmp_path: Path) -> Iterator[Counter]:
    """A school with three students on an embedded PostgreSQL and Redis, started as an operator starts them."""
    upgrade()
    engine = application_engine()
    with engine.begin() as conn:
        scheme = make_scheme(conn, *(Line(f"12345678{number}AB", first_name="Zoé") for number in range(3)))
    with served_from(os.environ, WEB_PROCESSES="2") as url, line_to(url) as line:
        yield Counter(tmp_path / "till", line, engine, scheme)
    engine.dispose()


def test_a_day_at_the_counter(counter: Counter, tmp_path: Path) -> None:
    counter.till("pair", counter.pairing_code(), "--api", counter.line.url, "--name", "Guichet 1")
    assert "Lycée Victor Hugo" in counter.till("status")
    assert "Zoé L." in counter.till("lookup", counter.code(0))
    assert "Maths 2nde" in counter.till("catalogue", "maths")

    sold = counter.till("sell", counter.code(0), "--ean", str(BOOK), "--yes")
    assert "30,00" in sold
    assert "40,00" in sold
    assert counter.balance(0) == 4000

    # The answers are lost, however often the till asks: nobody there knows whether the student was debited.
    counter.line.cut("answers_lost")
    waiting = counter.till("sell", counter.code(0), "--ean", str(OTHER_BOOK), "--yes", status=WAITING)
    assert "EN ATTENTE DE RÉPONSE" in waiting
    assert counter.balance(0) == 1500
    counter.line.cut("whole")
    assert "en attente" not in counter.till("outbox", "--send")
    assert counter.balance(0) == 1500

    # The line is dead: nothing arrives, and the sale is made once when the line is back.
    counter.line.cut("dead")
    dear = ("sell", counter.code(1), "--ean", str(BOOK), "--price", f"{BOOK}=10", "--yes")
    assert "EN ATTENTE" in counter.till(*dear, status=WAITING)
    assert counter.balance(1) == 7000
    counter.line.cut("whole")
    counter.till("outbox", "--send")
    counter.till("outbox", "--send")
    assert counter.balance(1) == 6000

    # A class buys: who has too little is told apart from who has bought.
    group = tmp_path / "classe.csv"
    group.write_text("carte\n" + "\n".join(counter.code(student) for student in range(3)), encoding="utf-8")
    export = tmp_path / "résultat.csv"
    counter.till("group", str(group), "--ean", str(BOOK), "--export", str(export), "--yes", status=REFUSED)
    assert [counter.balance(student) for student in range(3)] == [1500, 3000, 4000]
    assert "refusée" in export.read_text(encoding="utf-8-sig")

    # A mistake is given back, by line and then whole.
    accepted = json.loads(counter.till("--json", "outbox"))["accepted"]
    first = min(int(one["answer"]["sale_id"]) for one in accepted if one["kind"] == "sale")
    assert "ANNULÉ" in counter.till("cancel", str(first), "--reason", "erreur", "--yes")
    assert counter.balance(0) == 4500
    counter.till("cancel", str(first), "--yes", status=REFUSED)
    assert counter.balance(0) == 4500
    assert "annulé" in counter.till("receipt", str(first))


def test_a_lost_till_is_revoked(counter: Counter) -> None:
    counter.till("pair", counter.pairing_code(), "--api", counter.line.url)
    profile = json.loads(counter.till("--json", "status"))["terminal"]
    with counter.engine.begin() as conn:
        assert terminals.revoke_terminal(
            conn, int(profile["terminal_id"]), partner_id=counter.scheme.till.partner_id, actor=ACTOR
        )
    assert "désactivé" in counter.till("status", status=REFUSED)
    assert "désactivé" in counter.till("sell", counter.code(0), "--ean", str(BOOK), "--yes", status=REFUSED)
    assert counter.balance(0) == 7000
