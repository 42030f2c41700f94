"""The portal's own processes: they count together, and one of them may end without the portal ending."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import httpx
import pytest

from partner_portal.processes import running
from tests.conftest import Database
from tests.served import served

TOKEN = "a token of the tests"
ASKED = 40


@pytest.fixture
def portal(fresh_database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A portal of three processes, which leaves no file behind and writes one JSON object a line."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    settings = {"WEB_PROCESSES": "3", "METRICS_TOKEN": TOKEN, "LOG_LEVEL": "INFO"}
    with TemporaryFile() as log:
        with served(fresh_database, redis_url, stdout=log, **settings) as url:
            yield url
        log.seek(0)
        told = [json.loads(line) for line in log]
    assert {"partner_portal.access", "gunicorn.error"} <= {line["logger"] for line in told}
    assert not list(tmp_path.iterdir())


def counted(portal: str) -> float:
    """How often `/healthz` was asked, as whichever process answers says."""
    told = httpx.get(f"{portal}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    found = re.search(r'^atouts_http_requests_total{.*route="/healthz".*} (.+)$', told, re.MULTILINE)
    return float(found[1]) if found else 0


def test_every_process_tells_what_all_have_counted(portal: str) -> None:
    for _ in range(ASKED):
        httpx.get(f"{portal}/healthz")
    assert {counted(portal) for _ in range(10)} == {ASKED}


def test_a_process_that_ends_is_replaced_and_the_portal_goes_on(portal: str) -> None:
    httpx.get(f"{portal}/healthz")
    (master,) = (one.process for one in running() if one.name == "portal")
    for ended in master.children():
        ended.terminate()
        ended.wait(20)
    deadline = time.monotonic() + 20
    while not (httpx.get(f"{portal}/readyz").is_success and len(master.children()) == 3):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [one.process for one in running() if one.name == "portal"] == [master]
    assert counted(portal) == 1
