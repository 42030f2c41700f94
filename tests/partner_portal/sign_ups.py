"""A school that signs up, as the tests play it."""

import io
import re
from typing import Any

from sqlalchemy import Engine, Row, text
from werkzeug.test import TestResponse

from tests.partner_portal.conftest import Visitor

PDF = b"%PDF-1.7\nRIB of the school\n%%EOF\n"
SCHOOL = {"siret": "21140118700011", "uai": "0140013N", "name": "Lycée Malherbe", "town": "Caen"}
PEOPLE = {
    "representative": "Mme Hélène Vasseur",
    "representative_role": "Proviseure",
    "representative_email": "h.vasseur@lycee.example",
    "contact": "Camille Roger",
    "email": "vie.scolaire@lycee.example",
    "phone": "02 31 00 00 00",
}
ACCOUNT = {"iban": "FR76 3000 6000 0112 3456 7890 189", "holder": "Agent comptable du lycée Malherbe"}
PROMISES = {"real_cost": "y", "tell_the_student": "y", "tell_the_deadline": "y"}


def make_directory(engine: Engine) -> None:
    """The school is in the roster that was imported."""
    with engine.begin() as conn:
        conn.execute(text("insert into school (uai, name, town) values ('0140013N', 'Lycée Malherbe', 'Caen')"))


def start(visitor: Visitor, email: str = "vie.scolaire@lycee.example") -> None:
    """Open a file."""
    visitor.get("/inscription")
    assert visitor.post("/inscription", {"name": "Camille Roger", "email": email}).status_code == 302
    visitor.get("/inscription/etablissement")


def attach(visitor: Visitor, name: str, content: bytes, kind: str = "bank_slip") -> TestResponse:
    """Send a paper."""
    visitor.get("/inscription/pieces")
    return visitor.post(
        "/inscription/pieces", {"kind": kind, "file": (io.BytesIO(content), name)}, content_type="multipart/form-data"
    )


def fill_in(visitor: Visitor, **school: str) -> None:
    """Fill in every step of the file that is open."""
    steps = {"etablissement": SCHOOL | school, "personnes": PEOPLE, "compte": ACCOUNT, "engagements": PROMISES}
    for step, answers in steps.items():
        answer = visitor.post(f"/inscription/{step}", answers)
        assert answer.status_code == 302, answer.text
    assert attach(visitor, "rib.pdf", PDF).status_code == 302
    visitor.get("/inscription/envoi")


def send(visitor: Visitor, **school: str) -> None:
    """Start, fill in and send a file."""
    start(visitor)
    fill_in(visitor, **school)
    assert visitor.post("/inscription/envoi").status_code == 302


def mails(engine: Engine) -> list[Row[Any]]:
    """What is in the outbox, in order."""
    with engine.connect() as conn:
        return list(conn.execute(text("select recipient, subject, body_text, purpose from mail_outbox order by id")))


def link_of(mail: Row[Any]) -> str:
    """The path of the link in a mail."""
    found = re.search(r"https?://[^/\s]+(/\S+)", mail.body_text)
    assert found is not None
    return found[1]
