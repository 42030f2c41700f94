"""Sessions end when they should, and what has ended stays ended."""

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from redis import Redis

from partner_portal.auth.sessions import ANONYMOUS_LIFETIME_S, RedisSessions, Session
from tests.partner_portal.conftest import Clock

IDLE_S, ABSOLUTE_S = 3600, 36_000


@pytest.fixture
def sessions(redis: Redis, clock: Clock) -> RedisSessions:
    return RedisSessions(redis, idle_s=IDLE_S, absolute_s=ABSOLUTE_S, clock=clock)


@pytest.fixture
def app(sessions: RedisSessions) -> Flask:
    """The smallest application that signs people in and out."""
    app = Flask(__name__)
    app.session_interface = sessions

    @app.get("/")
    def look() -> dict[str, object]:
        return {"owner": session.owner, "data": dict(session)}  # type: ignore[attr-defined]

    @app.get("/note/<word>")
    def note(word: str) -> str:
        session["word"] = word
        return ""

    @app.get("/in/<int:number>")
    def sign_in(number: int) -> str:
        sessions.sign_in(session, f"person:{number}", agent="Firefox", source="192.0.2.1")  # type: ignore[arg-type]
        return ""

    @app.get("/slow")
    def slow() -> str:
        sessions.end_all(str(session.owner))  # type: ignore[attr-defined]  # meanwhile, elsewhere
        session["word"] = "late"
        return ""

    @app.get("/out")
    def sign_out() -> str:
        sessions.sign_out(session)  # type: ignore[arg-type]
        return ""

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def owner(client: FlaskClient) -> str | None:
    return client.get("/").get_json()["owner"]


def test_looking_around_leaves_nothing_behind(client: FlaskClient, redis: Redis) -> None:
    answer = client.get("/")
    assert "Set-Cookie" not in answer.headers
    assert list(redis.scan_iter()) == []


def test_the_browser_holds_an_opaque_id_of_which_redis_keeps_the_hash(client: FlaskClient, redis: Redis) -> None:
    client.get("/in/12")
    cookie = client.get_cookie("session")
    assert cookie is not None
    assert len(cookie.value) == 43
    assert cookie.http_only
    assert not any(cookie.value.encode() in key for key in redis.scan_iter())


def test_a_new_id_is_given_at_sign_in_and_the_old_one_opens_nothing(client: FlaskClient, app: Flask) -> None:
    client.get("/note/planted")
    planted = client.get_cookie("session")
    client.get("/in/12")
    other = app.test_client()
    other.set_cookie("session", planted.value)  # type: ignore[union-attr]
    assert other.get("/").get_json() == {"owner": None, "data": {}}
    assert owner(client) == "person:12"


def test_an_id_nobody_gave_is_not_taken_over(client: FlaskClient) -> None:
    client.set_cookie("session", "chosen-by-an-attacker")
    client.get("/in/12")
    assert client.get_cookie("session").value != "chosen-by-an-attacker"  # type: ignore[union-attr]


def test_without_a_request_a_session_ends(client: FlaskClient, clock: Clock) -> None:
    client.get("/in/12")
    for _ in range(3):
        clock.now += IDLE_S - 100
        assert owner(client) == "person:12"
    clock.now += IDLE_S + 1
    assert owner(client) is None


def test_however_busy_a_session_ends(client: FlaskClient, clock: Clock) -> None:
    client.get("/in/12")
    for _ in range(ABSOLUTE_S // 600 - 1):
        clock.now += 600
        assert owner(client) == "person:12"
    clock.now += 601
    assert owner(client) is None


def test_redis_forgets_by_itself(client: FlaskClient, redis: Redis) -> None:
    client.get("/note/hello")
    client.get("/in/12")
    assert all(0 < redis.ttl(key) <= ABSOLUTE_S for key in redis.scan_iter())
    other = client.application.test_client()
    other.get("/note/hello")
    assert min(redis.ttl(key) for key in redis.scan_iter()) <= ANONYMOUS_LIFETIME_S


def test_sign_out_takes_the_cookie_back_and_a_copy_of_it_opens_nothing(client: FlaskClient, app: Flask) -> None:
    client.get("/in/12")
    kept = client.get_cookie("session").value  # type: ignore[union-attr]
    client.get("/out")
    assert client.get_cookie("session") is None
    thief = app.test_client()
    thief.set_cookie("session", kept)
    assert owner(thief) is None


def test_one_person_sees_their_sessions_and_closes_the_others(
    client: FlaskClient, app: Flask, sessions: RedisSessions, clock: Clock
) -> None:
    phone, library = app.test_client(), app.test_client()
    for one in (client, phone, library):
        one.get("/in/12")
        clock.now += 10
    app.test_client().get("/in/13")
    assert [one.agent for one in sessions.sessions_of("person:12")] == ["Firefox"] * 3
    assert sessions.end_one("person:12", sessions.sessions_of("person:12")[0].reference)
    assert owner(library) is None
    assert not sessions.end_one("person:13", sessions.sessions_of("person:12")[0].reference)
    kept = Session(sid=client.get_cookie("session").value)  # type: ignore[union-attr]
    assert sessions.end_all("person:12", but=kept) == 1
    assert (owner(client), owner(phone)) == ("person:12", None)
    assert len(sessions.sessions_of("person:13")) == 1


def test_a_request_under_way_does_not_bring_back_a_session_that_was_closed(
    client: FlaskClient, sessions: RedisSessions
) -> None:
    client.get("/in/12")
    client.get("/slow")
    assert owner(client) is None
    assert sessions.sessions_of("person:12") == []


def test_a_caller_with_a_bearer_token_has_no_session(client: FlaskClient) -> None:
    client.get("/in/12")
    assert client.get("/", headers={"Authorization": "Bearer x"}).get_json()["owner"] is None
    assert "Set-Cookie" not in client.get("/note/x", headers={"Authorization": "Bearer x"}).headers
