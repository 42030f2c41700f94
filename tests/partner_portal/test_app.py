"""What holds for every answer of the portal: headers, errors, ids, limits."""

import dataclasses
import json

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, create_engine

from batch.queue import redis_connection
from partner_portal.app import create_app
from partner_portal.auth.gate import requires
from partner_portal.config import Config
from partner_portal.problems import PROBLEMS, Problem
from tests.conftest import Database
from tests.partner_portal.conftest import CONFIG


@pytest.fixture
def app(fresh_database: Database, redis: Redis, config: Config) -> Flask:
    """The portal with a few views that go wrong."""
    app = create_app(config, engine=fresh_database.engine, redis=redis)

    @app.get("/api/v1/broken")
    @requires("public.read")
    def broken_api() -> str:
        raise ValueError("FR7630006000011234567890189")

    @app.get("/broken")
    @requires("public.read")
    def broken_page() -> str:
        raise ValueError

    @app.get("/api/v1/undeclared")
    def undeclared() -> str:
        return "never seen"

    @app.post("/api/v1/echo")
    @requires("public.read")
    def echo() -> object:
        return {"read": request.get_json()}

    @app.get("/api/v1/refused")
    @requires("public.read")
    def refused() -> str:
        raise Problem("insufficient_balance", balance_cents=450)

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A caller without a session."""
    return app.test_client()


def problem(answer: object) -> dict[str, object]:
    """The problem object of an answer, whose frame is checked."""
    assert answer.mimetype == "application/problem+json"  # type: ignore[attr-defined]
    body: dict[str, object] = answer.get_json(force=True)  # type: ignore[attr-defined]
    assert body["status"] == answer.status_code  # type: ignore[attr-defined]
    assert body["code"] in PROBLEMS
    assert body["type"] == f"/api/v1/reference#{body['code']}"
    assert body["request_id"] == answer.headers["X-Request-ID"]  # type: ignore[attr-defined]
    return body


def test_every_answer_carries_the_security_headers(client: FlaskClient) -> None:
    for path in ("/", "/api/v1/openapi.json", "/nowhere", "/broken", "/static/atouts.css"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Permissions-Policy"].startswith("camera=(self)")
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in headers


def test_pages_are_not_kept_and_assets_are_kept_for_a_year(client: FlaskClient) -> None:
    assert client.get("/").headers["Cache-Control"] == "no-store"
    page = client.get("/connexion")
    assert page.headers["Vary"] == "Cookie"
    assert "immutable" in client.get("/static/atouts.css?v=1").headers["Cache-Control"]


def test_no_page_has_an_inline_script_or_style(client: FlaskClient) -> None:
    for path in ("/", "/connexion", "/api/v1/reference", "/droits", "/style", "/nowhere"):
        page = client.get(path).text
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert all("src=" in part.split(">")[0] for part in page.split("<script")[1:])


def test_over_https_cookies_and_hsts_say_so(fresh_database: Database, redis: Redis) -> None:
    config = dataclasses.replace(CONFIG, public_url="https://atouts.example.org", trusted_proxies=1)
    app = create_app(config, engine=fresh_database.engine, redis=redis)
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "atouts.example.org", "X-Forwarded-For": "192.0.2.7"}
    answer = app.test_client().get("/connexion", headers=forwarded)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-atouts=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1"), (1, "192.0.2.9"), (2, "192.0.2.7")])
def test_a_forwarded_address_is_believed_from_our_proxies_only(
    fresh_database: Database, redis: Redis, proxies: int, seen: str
) -> None:
    config = dataclasses.replace(CONFIG, trusted_proxies=proxies)
    app = create_app(config, engine=fresh_database.engine, redis=redis)

    @app.get("/who")
    @requires("public.read")
    def who() -> str:
        return str(request.remote_addr)

    assert app.test_client().get("/who", headers={"X-Forwarded-For": "192.0.2.7, 192.0.2.9"}).text == seen


def test_a_request_id_is_given_back_or_made(client: FlaskClient) -> None:
    assert (
        client.get("/", headers={"X-Request-ID": "till-4711-20261124"}).headers["X-Request-ID"] == "till-4711-20261124"
    )
    made = client.get("/", headers={"X-Request-ID": "<script>alert(1)</script>"}).headers["X-Request-ID"]
    assert len(made) == 32


def test_an_unknown_address_is_a_problem_in_the_api_and_a_french_page_elsewhere(client: FlaskClient) -> None:
    assert problem(client.get("/api/v1/nowhere"))["code"] == "not_found"
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert "Page introuvable" in page.text
    assert CONFIG.assistance.email in page.text
    assert CONFIG.assistance.phone in page.text
    assert page.headers["X-Request-ID"] in page.text


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/openapi.json")
    assert problem(answer)["code"] == "method_not_allowed"
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert "GET" in client.post("/").headers["Allow"]


def test_an_unexpected_error_tells_nothing_but_its_reference(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/api/v1/broken")
    assert problem(answer)["code"] == "internal_error"
    assert "FR76" not in answer.text
    page = client.get("/broken")
    assert page.status_code == 500
    assert "Une erreur est survenue" in page.text


def test_a_view_that_declares_no_right_answers_nobody(client: FlaskClient) -> None:
    answer = client.get("/api/v1/undeclared")
    assert answer.status_code == 500
    assert "never seen" not in answer.text


def test_a_refusal_carries_its_own_members(client: FlaskClient) -> None:
    answer = client.get("/api/v1/refused")
    assert problem(answer)["balance_cents"] == 450
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": "\\u0000"}',
        '{"a": ["\\ud800"]}',
        "[" * 100_000,
        '{"a":',
        "\ufeff{}",
        "\udcff".encode("utf-8", "surrogateescape"),
    ],
)
def test_json_that_could_be_read_in_two_ways_is_refused(client: FlaskClient, body: str | bytes) -> None:
    answer = client.post("/api/v1/echo", data=body, content_type="application/json")
    assert problem(answer)["code"] == "bad_request"


@pytest.mark.parametrize("text", ["\\\\u0000", "\\u00e9", "\\ud83d\\ude00", "é"])
def test_harmless_escapes_pass(client: FlaskClient, text: str) -> None:
    answer = client.post("/api/v1/echo", data=f'{{"a": "{text}"}}'.encode(), content_type="application/json")
    assert answer.status_code == 200
    assert answer.get_json() == {"read": json.loads(f'{{"a": "{text}"}}')}


def test_a_body_in_another_format_or_too_large_is_refused(client: FlaskClient) -> None:
    assert problem(client.post("/api/v1/echo", data="a=1"))["code"] == "unsupported_media_type"
    large = client.post("/api/v1/echo", data=b" " * (CONFIG.max_body_bytes + 1), content_type="application/json")
    told = problem(large)
    assert (told["code"], told["detail"]) == ("payload_too_large", "L’envoi est trop volumineux : 256 ko au plus.")


@pytest.mark.parametrize("path", ["/connexion?next=%00", "/acces/%00", "/api/v1/openapi.json?a=%00"])
def test_a_nul_in_the_address_is_refused(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 400


def test_a_nul_in_a_form_is_refused(client: FlaskClient) -> None:
    assert client.post("/connexion", data={"email": "a\x00@example.org"}).status_code == 400
    assert client.post("/mot-de-passe-oublie", data={"email": ["a@b.fr", "\x00"]}).status_code == 400


def test_too_many_requests_say_when_to_come_back(fresh_database: Database, redis: Redis) -> None:
    config = dataclasses.replace(CONFIG, rate_limit_unknown="3 per minute")
    client = create_app(config, engine=fresh_database.engine, redis=redis).test_client()
    left = [client.get("/api/v1/openapi.json").headers["RateLimit"].split(";")[1] for _ in range(3)]
    assert left == ["r=2", "r=1", "r=0"]
    refused = client.get("/api/v1/openapi.json")
    assert problem(refused)["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Policy"] == '"default";q=3;w=60'
    page = client.get("/connexion")
    assert page.status_code == 429
    assert "secondes" in page.text
    assert client.get("/healthz").status_code == 200


def test_without_redis_the_api_answers_and_pages_say_that_the_service_is_away(fresh_database: Database) -> None:
    nobody = redis_connection("redis://127.0.0.1:9/0")
    nobody.connection_pool.connection_kwargs["retry"] = None
    client = create_app(CONFIG, engine=fresh_database.engine, redis=nobody).test_client()
    client.set_cookie("atouts", "whatever")
    assert client.get("/api/v1/openapi.json", headers={"Authorization": "Bearer x"}).status_code == 200
    page = client.get("/connexion")
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "5"
    assert "Service indisponible" in page.text


def test_probes_tell_life_from_readiness(client: FlaskClient, fresh_database: Database, redis: Redis) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"database": "ok", "redis": "ok"}
    away: Engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:9/none", connect_args={"connect_timeout": 1})
    answer = create_app(CONFIG, engine=away, redis=redis).test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json() == {"database": "unreachable", "redis": "ok"}


def test_metrics_are_for_whoever_knows_the_token(fresh_database: Database, redis: Redis) -> None:
    config = dataclasses.replace(CONFIG, metrics_token="a token")
    client = create_app(config, engine=fresh_database.engine, redis=redis).test_client()
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 404
    counted = client.get("/metrics", headers={"Authorization": "Bearer a token"})
    assert 'atouts_http_requests_total{method="GET",route="/metrics",status="404"}' in counted.text
    without = create_app(CONFIG, engine=fresh_database.engine, redis=redis).test_client()
    assert without.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_the_openapi_document_is_served_with_a_tag(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.get_json()["openapi"].startswith("3.1")
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_reference_names_every_problem(client: FlaskClient) -> None:
    page = client.get("/api/v1/reference").text
    assert all(f'id="{code}"' in page for code in PROBLEMS)


def test_the_reference_says_who_calls_what_and_shows_no_default_that_is_none(client: FlaskClient) -> None:
    page = client.get("/api/v1/reference").text
    assert page.count("Sans s’identifier") == 1, "pairing"
    assert page.count("Une caisse, par son secret ou Une personne connectée au portail") > 10
    assert "<code>None</code>" not in page


def test_the_document_says_that_a_receipt_is_a_pdf(client: FlaskClient) -> None:
    answers = client.get("/api/v1/openapi.json").get_json()["paths"]["/api/v1/sales/{sale_id}/receipt"]["get"][
        "responses"
    ]
    assert list(answers["200"]["content"]) == ["application/pdf"]


def test_the_style_page_is_for_developers(fresh_database: Database, redis: Redis) -> None:
    config = dataclasses.replace(CONFIG, development=False)
    assert create_app(config, engine=fresh_database.engine, redis=redis).test_client().get("/style").status_code == 404
