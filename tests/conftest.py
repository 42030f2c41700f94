"""The servers and databases of a test run: one PostgreSQL and one Redis, and for every test a database of its own kind.

Set `ATOUTS_DATABASE_URL` (a role that may create databases and roles) or `ATOUTS_REDIS_URL` to run against servers of
yours: databases whose name begins with `atouts_test_` are made and dropped there, numbered Redis databases are emptied.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import hypothesis
import psutil
import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import URL, Connection, Engine, make_url, text

from batch.embedded import EmbeddedRedis
from batch.queue import redis_connection
from ledger.database import APPLICATION_ROLE, database_url, engine_for, upgrade
from ledger.embedded import EmbeddedPostgres
from partner_portal.processes import stop_running

FOLDER = "ATOUTS_TEST_FOLDER"
OUTSIDE_DATABASE = "ATOUTS_TEST_DATABASE_URL"
OUTSIDE_REDIS = "ATOUTS_TEST_REDIS_URL"
APPLICATION_PASSWORD = "a-password-of-the-tests"
MEMORY = Path("/dev/shm")
ROOM_IN_MEMORY = 3_000_000_000
numbers = count(1)


# What decides whether a change may land is the same for every run; random stories are looked for everywhere else.
hypothesis.settings.register_profile("ci", derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a folder, and keep the settings of whoever runs it out of the tests."""
    if not hasattr(config, "workerinput"):
        for prefix, kept in (("ATOUTS_DATABASE_URL", OUTSIDE_DATABASE), ("ATOUTS_REDIS_URL", OUTSIDE_REDIS)):
            os.environ[kept] = os.environ.get(prefix, "")
        for name in [name for name in os.environ if name.startswith("ATOUTS_") and "_TEST_" not in name]:
            del os.environ[name]
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="atouts-tests-", dir=_folder_in_memory())
        # When we are root the servers' own user has to pass through.
        Path(os.environ[FOLDER]).chmod(0o711)
    os.environ["ATOUTS_DATA_DIR"] = os.environ[FOLDER]


def _folder_in_memory() -> Path | None:
    """Where files are memory, if there is room: a thousand databases are made and dropped, and none outlives its test.

    A disk takes twice as long for it. None is the usual folder for temporary files, as is whatever `TMPDIR` says.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return None
    room = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available // 2)
    return MEMORY if room >= ROOM_IN_MEMORY else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ[FOLDER])
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs a browser where there is none."""
    if shutil.which("chromium") is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="needs the Debian package chromium"))


@dataclass(frozen=True)
class Database:
    """A migrated database of the tests, reached by the owner and by the application's role."""

    name: str
    server: URL
    engine: Engine
    owner_engine: Engine

    @property
    def owner_url(self) -> str:
        """What a process finds in `ATOUTS_DATABASE_URL`."""
        return self.owner_engine.url.render_as_string(hide_password=False)

    @property
    def app_url(self) -> str:
        """What a process finds in `ATOUTS_DATABASE_APP_URL`."""
        return self.engine.url.render_as_string(hide_password=False)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that shall work on this database."""
        return os.environ | {"ATOUTS_DATABASE_URL": self.owner_url, "ATOUTS_DATABASE_APP_URL": self.app_url}

    @classmethod
    def make(cls, server: URL, template: str) -> "Database":
        """Copy the database `template` under a new name."""
        name = f"{template}_{os.getpid()}_{next(numbers)}"
        # Copied as files: by way of the log, as is usual, it takes twice as long.
        _maintain(server, f'create database "{name}" template "{template}" strategy file_copy')
        password = APPLICATION_PASSWORD if server.password else None
        application = server.set(database=name, username=APPLICATION_ROLE, password=password)
        return cls(name, server, engine_for(application), engine_for(server.set(database=name)))

    def drop(self) -> None:
        """Close what we hold of it and drop it, whoever else is still connected."""
        self.engine.dispose()
        self.owner_engine.dispose()
        _maintain(self.server, f'drop database "{self.name}" with (force)')


def _maintain(server: URL, statement: str) -> None:
    engine = engine_for(server)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Two processes must not copy from one template at once: PostgreSQL refuses, it does not wait.
        connection.execute(text("select pg_advisory_lock(hashtext('atouts tests'))"))
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def server_url() -> Iterator[URL]:
    """The PostgreSQL of the run, as its owner: the embedded one of the run's folder, or the one set from outside."""
    outside = os.environ[OUTSIDE_DATABASE]
    if outside:
        yield database_url(outside)
        return
    server = EmbeddedPostgres(Path(os.environ[FOLDER]), durable=False)
    server.use()
    yield make_url(server.url())
    server.leave()


@pytest.fixture(scope="session")
def template_database(server_url: URL) -> Iterator[str]:
    """The name of a migrated database from which the others are copied, made once by each process of the run."""
    name = f"atouts_test_{os.getpid()}"
    _maintain(server_url, f'create database "{name}"')
    engine = engine_for(server_url.set(database=name))
    upgrade(engine)
    engine.dispose()
    if server_url.password:
        _maintain(server_url, f"alter role {APPLICATION_ROLE} password '{APPLICATION_PASSWORD}'")
    yield name
    _maintain(server_url, f'drop database "{name}" with (force)')


@pytest.fixture(scope="session")
def database(server_url: URL, template_database: str) -> Iterator[Database]:
    """The database shared by the tests that leave no trace in it."""
    database = Database.make(server_url, template_database)
    yield database
    database.drop()


@pytest.fixture(scope="session")
def engine(database: Database) -> Engine:
    """Connections with the application's rights. What a test commits, the next one finds: see `fresh_database`."""
    return database.engine


@pytest.fixture(scope="session")
def owner_engine(database: Database) -> Engine:
    """Connections as the owner of the database."""
    return database.owner_engine


@pytest.fixture
def owner_conn(owner_engine: Engine) -> Iterator[Connection]:
    """A connection as the owner, in a transaction that is rolled back when the test is over."""
    with owner_engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def conn(owner_conn: Connection) -> Connection:
    """A connection with the application's rights, in a transaction that is rolled back when the test is over.

    It was opened by the owner, so that `as_owner` may set up what the application has no right to.
    """
    owner_conn.execute(text(f"set local role {APPLICATION_ROLE}"))
    return owner_conn


def as_owner(conn: Connection, statement: str, **values: object) -> None:
    """Set up what no code of ours changes, such as a deadline, with the rights of who opened the connection."""
    role = conn.scalar(text("select current_user"))
    conn.execute(text("set local role none"))
    conn.execute(text(statement), values)
    conn.execute(text(f'set local role "{role}"'))


@pytest.fixture
def fresh_database(server_url: URL, template_database: str) -> Iterator[Database]:
    """A new migrated database, for tests that commit, or start processes of their own."""
    database = Database.make(server_url, template_database)
    yield database
    database.drop()


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder of the test's own, not there yet; what was started in it is stopped and it is removed."""
    # Not pytest's own temporary folder: when we are root, the servers' own user has to pass through.
    folder = Path(os.environ[FOLDER]) / f"data-{os.getpid()}-{next(numbers)}"
    monkeypatch.setenv("ATOUTS_DATA_DIR", str(folder))
    yield folder
    stop_running()
    for server in (EmbeddedPostgres(folder), EmbeddedRedis(folder)):
        server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of the Redis of the run."""
    outside = os.environ[OUTSIDE_REDIS]
    if outside:
        yield outside
        return
    server = EmbeddedRedis(Path(os.environ[FOLDER]))
    server.use()
    yield server.url()
    server.leave()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The URL of an empty numbered Redis database, this process's own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    url = f"{redis_server.partition('?')[0]}?db={1 + worker % 15}"
    with redis_connection(url) as connection:
        connection.flushdb()
    return url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium. One for the whole run: Playwright does not start twice in a process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()
