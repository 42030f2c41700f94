"""Where the books are kept: the connections of application and owner, and the migrations from release to release."""

import contextlib
import select
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg import sql
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from ledger import migrations, settings
from ledger.data_folder import Unusable
from ledger.embedded import embedded_postgres

SCHEMA = "atouts"
APPLICATION_ROLE = "atouts_app"
# Any number will do that nothing else in the database takes as an advisory lock.
UPGRADE_LOCK = 0x41544F555453


def owner_url() -> URL:
    """The database as its owner, who alone may migrate it. Starts the embedded server where no other is set."""
    outside = settings.DATABASE_URL.value
    if outside:
        return database_url(outside)
    if settings.DATABASE_APP_URL.value:
        raise Unusable("This needs the owner of the database: set ATOUTS_DATABASE_URL.")
    server = embedded_postgres()
    server.use()
    return make_url(server.url())


def application_url() -> URL:
    """The database as the application's role. Starts the embedded server where no other is set."""
    given = settings.DATABASE_APP_URL.value
    if given:
        return database_url(given)
    owner = owner_url()
    password = settings.DATABASE_APP_PASSWORD.value if settings.DATABASE_URL.value else None
    return owner.set(username=APPLICATION_ROLE, password=password)


def database_url(given: str) -> URL:
    """Read a PostgreSQL URL as libpq does: without a driver, and with several hosts (`one:5432,two:5432`) if need be.

    Raises `Unusable`, without repeating the text, which may hold a password.
    """
    scheme, _, rest = given.partition("://")
    authority, slash, path = rest.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    if "," in hosts:
        path += ("&" if "?" in path else "?") + "&".join(f"host={host}" for host in hosts.split(","))
        authority = credentials + at
    try:
        if scheme.partition("+")[0] not in ("postgresql", "postgres"):
            raise ValueError(scheme)
        return make_url(f"postgresql+psycopg://{authority}{slash}{path}")
    except (exc.ArgumentError, ValueError) as error:
        raise Unusable("The database's URL must read postgresql://role:password@host/database.") from error


def application_engine() -> Engine:
    """A pool of connections with the application's rights, whose statements and waits end at the times set."""
    return engine_for(
        application_url(),
        statement_timeout_ms=settings.DATABASE_STATEMENT_TIMEOUT_MS.value,
        lock_timeout_ms=settings.DATABASE_LOCK_TIMEOUT_MS.value,
    )


@contextlib.contextmanager
def working_engine() -> Iterator[Engine]:
    """`application_engine` for one piece of work, such as a job: its connections are closed at the end."""
    engine = application_engine()
    try:
        yield engine
    finally:
        engine.dispose()


def owner_engine() -> Engine:
    """A pool of connections as the owner, for migrations and maintenance, which may take as long as they need."""
    return engine_for(owner_url())


@contextlib.contextmanager
def long_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that may take as long as it needs: imports, grants, freezes. Committed at the end."""
    with engine.begin() as conn:
        conn.execute(text("set local statement_timeout = 0"))
        yield conn


def ask(conn: Connection, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a `statement` with %s for its `parameters`, prepared, in the transaction of `conn`, and return its rows.

    This is the driver's own cursor, for the one statement whose time counts: SQLAlchemy's costs the caller three times
    as much. Errors are SQLAlchemy's (`DBAPIError`) all the same, and a broken connection is given up.
    """
    connection = cast("psycopg.Connection[tuple[Any, ...]]", conn.connection.driver_connection)
    if not connection.autocommit and not conn.in_transaction():
        conn.begin()  # as SQLAlchemy's own execution would: else `conn.commit()` has nothing to commit
    try:
        return connection.execute(statement, parameters, prepare=True).fetchall()
    except psycopg.Error as error:
        if connection.broken:
            conn.invalidate(error)
        raise exc.DBAPIError.instance(
            statement,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=connection.broken,
            dialect=conn.dialect,
        ) from error


def engine_for(
    url: URL | str, *, name: str = "atouts", statement_timeout_ms: int = 0, lock_timeout_ms: int = 0
) -> Engine:
    """A pool of connections to `url` as every part of the product expects them: schema `atouts`, instants in UTC.

    Timeouts are in milliseconds, 0 for none. `name` is what `pg_stat_activity` shows.
    """
    url = make_url(url)
    session = {
        "search_path": SCHEMA,
        "timezone": "UTC",
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": lock_timeout_ms,
    }
    given = url.query.get("options", "")
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c {key}={value}" for key, value in session.items()]
    engine, alone = (
        create_engine(
            url,
            pool_size=settings.DATABASE_POOL_SIZE.value,
            max_overflow=settings.DATABASE_POOL_OVERFLOW.value,
            hide_parameters=True,  # an error is logged, and they may name somebody
            connect_args={"application_name": name, "connect_timeout": 10, "options": " ".join(options).strip()},
            **transactions,
        )
        for transactions in ({}, {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True})
    )
    for one in (engine, alone):
        event.listen(one, "checkout", _refuse_a_closed_connection)
    event.listen(engine, "engine_disposed", lambda _: alone.dispose())
    _ALONE[engine] = alone
    return engine


_ALONE: "weakref.WeakKeyDictionary[Engine, Engine]" = weakref.WeakKeyDictionary()


def statements_alone(engine: Engine) -> Connection:
    """A connection beside those of `engine`, each of whose statements is a transaction: one round trip, no more.

    They have a pool to themselves, because to turn a connection to this and back takes longer than many a statement.
    """
    return _ALONE[engine].connect()


def _refuse_a_closed_connection(
    connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """Let the pool replace a connection the server has closed meanwhile (restart, failover).

    An idle connection has nothing to read, save the server's farewell: a look at the socket tells, without the round
    trip of a ping before every statement.
    """
    idle = select.poll()
    idle.register(connection.fileno(), select.POLLIN | select.POLLHUP)
    if idle.poll(0):
        raise exc.DisconnectionError("the server closed the connection")


def upgrade(owner: Engine | None = None) -> None:
    """Bring the database to this release: make the application's role if missing, then run the migrations it lacks.

    Two upgrades at once take turns. Raises `Unusable` if the owner may not make the role, or the database is
    ahead of this program, or a dump was restored into it before there was the role to give its rights to.
    """
    engine = owner or owner_engine()
    with engine.connect() as connection, _upgrading(connection):
        _make_application_role(connection)
        try:
            command.upgrade(_alembic(connection), "head")
        except CommandError as error:
            raise Unusable("The database is of a later release than this program: install that release.") from error
        if not connection.scalar(text(f"select has_schema_privilege('{APPLICATION_ROLE}', 'atouts', 'usage')")):
            raise Unusable(
                f"The role {APPLICATION_ROLE} has no rights in this database: its dump was restored before there was"
                f" the role. There is one now: restore the dump again, into an empty database."
            )
        connection.execute(text(f"grant select on public.alembic_version to {APPLICATION_ROLE}"))
        connection.commit()
    if owner is None:
        engine.dispose()


def require_this_release(engine: Engine) -> None:
    """Raise `Unusable`, with the remedy, unless the database has had every migration of this program, and no other."""
    remedy = "The database is not of this release: run `atouts db upgrade`."
    try:
        with engine.connect() as connection:
            if missing_migrations(connection):
                raise Unusable(remedy)
    except exc.OperationalError as error:
        if f'role "{APPLICATION_ROLE}" does not exist' in str(error.orig):
            raise Unusable(remedy) from error
        raise


def missing_migrations(connection: Connection) -> bool:
    """Whether the database is of another release than this program, read with either role's connection."""
    here = MigrationContext.configure(connection, opts={"version_table_schema": "public"}).get_current_heads()
    return set(here) != set(ScriptDirectory.from_config(_alembic(connection)).get_heads())


def _make_application_role(connection: Connection) -> None:
    """Make the role, which belongs to the whole server, unless there is one; see that it signs in where we say how."""
    role = sql.Identifier(APPLICATION_ROLE)
    if not connection.scalar(text("select true from pg_roles where rolname = :role"), {"role": APPLICATION_ROLE}):
        # Another database's upgrade may make it at the same moment.
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            _run(connection, sql.SQL("create role {} login nosuperuser nocreatedb nocreaterole").format(role))
    if settings.DATABASE_URL.value and not settings.DATABASE_APP_URL.value:
        password = settings.DATABASE_APP_PASSWORD.value.encode()
        # Hashed here, so that no log of the server ever holds it.
        hashed = _driver(connection).pgconn.encrypt_password(password, APPLICATION_ROLE.encode(), b"scram-sha-256")
        _run(connection, sql.SQL("alter role {} password {}").format(role, hashed.decode()))


def _run(connection: Connection, statement: sql.Composed) -> None:
    try:
        with _driver(connection).transaction():
            _driver(connection).execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unusable(
            f"The database's owner may not make the role {APPLICATION_ROLE} or give it a password: have its "
            f"administrator do so, and set ATOUTS_DATABASE_APP_URL."
        ) from error
    connection.commit()


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextlib.contextmanager
def _upgrading(connection: Connection) -> Iterator[None]:
    connection.execute(text("select pg_advisory_lock(:number)"), {"number": UPGRADE_LOCK})
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("select pg_advisory_unlock(:number)"), {"number": UPGRADE_LOCK})
        connection.commit()
