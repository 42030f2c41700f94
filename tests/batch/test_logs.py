"""Logs tell what happened, and nothing that is private."""

import json
import logging

import pytest
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from batch import logs


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> "Lines":
    """The log from here on."""
    logs.configure("INFO")
    return Lines(capsys)


class Lines:
    """What was written to standard output since the last look."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def read(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.capsys.readouterr().out.splitlines()]


def test_a_line_is_one_json_object_with_what_was_bound(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("tests").info("sale", cents=1250)
    [line] = lines.read()
    assert {
        "event": "sale",
        "cents": 1250,
        "request_id": "r-1",
        "level": "info",
        "logger": "tests",
    }.items() <= line.items()
    assert str(line["timestamp"]).endswith("Z")


def test_what_a_key_calls_private_is_hidden(lines: Lines) -> None:
    structlog.get_logger("tests").info(
        "x",
        password="p",
        totp_secret="s",
        iban="FR76",
        Authorization="Bearer x",
        email="a@b.fr",
        first_name="Lina",
        token="t",
    )
    [line] = lines.read()
    hidden = {"password", "totp_secret", "iban", "Authorization", "email", "first_name", "token"}
    assert {key for key, value in line.items() if value == logs.HIDDEN} == hidden


@pytest.mark.parametrize(
    "private",
    ["FR7630006000011234567890189", "FR76 3000 6000 0112 3456 7890 189", "lina.martin@lycee.fr", "A" + "B2" * 15 + "C"],
)
def test_what_looks_private_is_hidden_wherever_it_stands(lines: Lines, private: str) -> None:
    logging.getLogger("some.library").warning("cannot do %s now", private)
    try:
        raise ValueError(f"wrong: {private}")
    except ValueError:
        structlog.get_logger("tests").exception("failed")
    written = json.dumps(lines.read(), ensure_ascii=False)
    assert private not in written
    assert logs.HIDDEN in written


def test_what_postgresql_refuses_is_hidden(lines: Lines, conn: Connection) -> None:
    refused = {"name": "Lina"}  # not in the line that fails, which a traceback shows
    try:
        conn.execute(text("insert into student_identity (student_id, first_name) values (1, :name)"), refused)
    except IntegrityError:
        logging.getLogger("some.library").exception("cannot")
    written = json.dumps(lines.read(), ensure_ascii=False)
    assert "violates not-null constraint" in written
    assert "Lina" not in written


def test_what_is_below_the_level_is_not_written(lines: Lines) -> None:
    logging.getLogger("x").debug("detail")
    structlog.get_logger("x").debug("detail")
    assert lines.read() == []
