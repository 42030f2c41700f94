"""The API does what its own document says: schemathesis asks every operation, rightly and wrongly, and checks all."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from redis import Redis
from schemathesis import Case, CheckContext, Response
from sqlalchemy import URL, create_engine, text

from batch.queue import redis_connection
from ledger.identifiers import ean13_digit
from ledger.refusals import Refusal
from ledger.rights import Role
from ledger.terminals import hash_of_secret
from partner_portal.api import openapi_document
from partner_portal.app import create_app
from partner_portal.resources.cursors import cursor_after
from tests.conftest import Database
from tests.ledger.scheme import BOOK, OTHER_BOOK
from tests.partner_portal.resources.conftest import SETTINGS, Caller, Counter, open_counter, staff_of, student_of

REFUSALS = {refusal.value for refusal in Refusal}
CURSORS = {
    "/sales": "sales",
    "/catalogue": "catalogue",
    "/payouts": "payouts",
    "/payouts/{payout_id}/lines": "lines",
    "/student/history": "history",
}
schemathesis.openapi.format(
    "ean", st.from_regex("(?!000000)[0-9]{12}", fullmatch=True, alphabet="0123456789").map(lambda d: d + ean13_digit(d))
)


@schemathesis.check
def what_the_schema_allows_is_refused_for_a_reason(_: CheckContext, response: Response, case: Case) -> None:
    """What is well formed may be refused by the books, with one of their reasons, and never as ill-formed.

    Save for an EAN's check digit, which no pattern can say: some of the numbers that are tried go by the pattern alone.
    """
    if case.meta and case.meta.generation.mode.is_positive and response.status_code == 422:
        problem = response.json()
        if [error["pointer"] for error in problem.get("errors", ())] != ["#/ean"]:
            assert problem["code"] in REFUSALS, response.text


@dataclass
class World:
    """A running scheme, and who asks of it: a till, the school's manager, a student."""

    app: Flask
    counter: Counter
    callers: dict[str, Caller]

    def restore(self) -> None:
        """Undo what an operation did to the till that asks, and forget how often somebody tried to pair one."""
        redis = self.app.extensions["atouts"].redis
        for counter in redis.scan_iter("*caisses.pair*"):
            redis.delete(counter)
        own = {"id": self.counter.till.terminal_id, "hash": hash_of_secret(self.counter.till.secret)}
        with self.counter.engine.begin() as conn:
            conn.execute(text("update terminal set revoked_at = null, secret_hash = :hash where id = :id"), own)


@pytest.fixture(scope="module")
def world(server_url: URL, template_database: str, redis_server: str) -> Iterator[World]:
    """One for all operations: what one of them leaves behind is there for the next."""
    database = Database.make(server_url, template_database)
    with redis_connection(redis_server) as redis:
        app = create_app(SETTINGS, engine=database.engine, redis=redis)
        counter = open_counter(app, database.engine)
        callers = {
            "till": counter.caller,
            "manager": staff_of(app, counter, Role.PARTNER_MANAGER),
            "student": student_of(app, counter, 0),
        }
        yield World(app, counter, callers)
    database.drop()


def asker(case: Case) -> str | None:
    """Who is let in to an operation, by its document."""
    ways = case.operation.definition.raw["security"]
    if {"terminal": []} in ways:
        return "till"
    if {"session": []} in ways:
        return "student" if "/student/" in case.path else "manager"
    return None


def made_real(case: Case, codes: list[str]) -> None:
    """Have some of the well-formed requests be about cards, goods, pages and days that there are."""
    chance = random.Random(repr((case.body, case.query)))
    short = case.path.removeprefix("/api/v1")
    if isinstance(case.query, dict) and "cursor" in case.query:
        case.query["cursor"] = cursor_after(CURSORS[short], chance.randrange(10**6))
    if short == "/partner/statement" and case.query:
        first = date(2026, 9, 1) + timedelta(days=chance.randrange(60))
        case.query |= {"from": first.isoformat(), "to": (first + timedelta(days=chance.randrange(60))).isoformat()}
    if isinstance(case.body, dict) and chance.random() < 0.7:
        # A student is in a group once.
        cards = chance.sample(codes, len(codes))
        for sale in case.body.get("sales", [case.body]):
            if "code" in sale and cards:
                sale["code"] = cards.pop()
            for line in sale.get("lines") or []:
                if isinstance(line, dict):
                    line |= {"ean": str(chance.choice([BOOK, OTHER_BOOK])), "price_cents": chance.randrange(1, 400)}


def described() -> schemathesis.BaseSchema:
    """The document as the application serves it, without the servers it needs."""
    placeholder = create_app(SETTINGS, engine=create_engine("postgresql+psycopg://"), redis=Redis())
    config = schemathesis.Config.from_dict(
        {
            "seed": 1,
            "generation": {"with-security-parameters": False},
            "checks": {
                # A refusal of the books is 422 too; the check above tells the two apart.
                "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "422"]},
                "missing_required_header": {"expected-statuses": ["401", "428"]},
            },
        }
    )
    with placeholder.app_context():
        return schemathesis.openapi.from_dict(openapi_document(), config=config)


schema = described()


def signed(case: Case, world: World) -> dict[str, dict[str, str]]:
    """The headers and cookies by which somebody asks who is let in to an operation.

    They are not given by `schema.auth`: it would keep those of the first operation, which anybody may ask, for all.
    """
    who = asker(case)
    if who is None:
        return {}
    # What `schema.auth` would note: without it, a cookie that opens the door is taken for one that was made up.
    case._has_explicit_auth = True
    caller = world.callers[who]
    cookie = caller.client.get_cookie(world.app.config["SESSION_COOKIE_NAME"])
    return {"headers": caller.own_headers(), "cookies": {cookie.key: cookie.value} if cookie else {}}


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_its_word(case: Case, world: World) -> None:
    case.operation.schema.app = world.app
    if case.meta and case.meta.generation.mode.is_positive:
        made_real(case, world.counter.codes)
    case.call_and_validate(app=world.app, **signed(case, world))
    world.restore()
