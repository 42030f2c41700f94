"""A school with a till, students and goods, and the till as the API's caller."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from ledger.cards import printed_code
from ledger.rights import Role
from partner_portal.auth.gate import bearer_token
from partner_portal.auth.sessions import Session
from partner_portal.config import Config
from tests.ledger.scheme import BOOK, KEYS, Line, Scheme, Till, make_partner, make_scheme
from tests.partner_portal.conftest import CONFIG, Visitor, hire

ROOT = "/api/v1"
SETTINGS = dataclasses.replace(CONFIG, card_keys=KEYS)
LINES = [{"ean": str(BOOK), "price_cents": 3000}]


@pytest.fixture
def config() -> Config:
    """The tests' settings, with their card key."""
    return SETTINGS


@dataclass
class Caller:
    """A till that calls the API."""

    client: FlaskClient
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)

    def own_headers(self) -> dict[str, str]:
        """What the caller is known by."""
        return ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | self.headers

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
        """Read."""
        return self.client.get(ROOT + path, query_string=query, headers=self.own_headers() | (headers or {}))

    def send(self, path: str, body: Any = None, *, key: UUID | None = None, method: str = "POST") -> TestResponse:
        """Do something, under a key if one is given."""
        headers = self.own_headers() | ({"Idempotency-Key": str(key)} if key else {})
        return self.client.open(ROOT + path, method=method, json=body, headers=headers)

    def sell(self, code: str, lines: list[dict[str, Any]] | None = None, key: UUID | None = None) -> TestResponse:
        """Make a sale, under a key of its own if none is given."""
        return self.send("/sales", {"code": code, "lines": lines or LINES}, key=key or uuid4())


@dataclass
class Counter:
    """A running scheme: a school's till, and the codes of its students' printed cards."""

    scheme: Scheme
    engine: Engine
    caller: Caller
    codes: list[str]

    @property
    def till(self) -> Till:
        return self.scheme.till

    def balance(self, student: int = 0) -> int:
        """What a student's books wallet holds, in cents."""
        with self.engine.connect() as conn:
            return self.scheme.balance(conn, student)


STUDENTS = (
    Line("123456789AB", first_name="Zoé", last_name="Lemaître"),
    Line("123456789CD", first_name="Tom", last_name="Auger", stream="vocational", first_entry=True),
)


@pytest.fixture
def counter(app: Flask, books: Engine) -> Counter:
    """A school with two students: Zoé of the general stream (70 €), Tom of the vocational one (40 € and 100 €)."""
    return open_counter(app, books)


def open_counter(app: Flask, books: Engine) -> Counter:
    """See `counter`."""
    with books.begin() as conn:
        scheme = make_scheme(conn, *STUDENTS)
    codes = [printed_code(KEYS, card, 1) for card in scheme.cards]
    return Counter(scheme, books, caller_of(app, scheme.till), codes)


@pytest.fixture
def neighbour(app: Flask, books: Engine, counter: Counter) -> Caller:
    """The till of another school."""
    with books.begin() as conn:
        till = make_partner(conn, siret="21760540100017", uai="0760540Z", name="Lycée Corneille")
    return caller_of(app, till)


def caller_of(app: Flask, till: Till) -> Caller:
    """A till as a caller."""
    return Caller(app.test_client(), bearer_token(till.terminal_id, till.secret))


def staff_of(app: Flask, counter: Counter, role: Role) -> Caller:
    """A person who works for the school, signed in with the browser."""
    hire(counter.engine, f"{role}@example.org", role, partner_id=counter.till.partner_id)
    visitor = Visitor(app)
    assert visitor.sign_in(f"{role}@example.org").status_code == 302
    visitor.get("/compte")
    return Caller(visitor.client, None, {"X-CSRFToken": visitor.token})


def student_of(app: Flask, counter: Counter, student: int) -> Caller:
    """A student who has signed in."""
    sessions = app.extensions["atouts"].sessions
    session = Session(now=sessions.clock())
    sessions.sign_in(session, f"student:{counter.scheme.student_ids[student]}", agent="", source="")
    client = app.test_client()
    with app.test_request_context():
        sessions.save_session(app, session, app.response_class())
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], str(session.sid))
    return Caller(client, None)
