"""Who may connect to the books, and how; and how the database comes to this release."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, exc, text

from ledger.data_folder import Unusable
from ledger.database import (
    database_url,
    engine_for,
    missing_migrations,
    require_this_release,
    statements_alone,
    upgrade,
)
from tests.conftest import Database
from tests.waiting import eventually


def test_the_application_connects_with_its_own_role_to_the_migrated_books(conn: Connection) -> None:
    who, path, zone = conn.execute(
        text("select current_user, current_setting('search_path'), current_setting('timezone')")
    ).one()
    assert (who, path, zone) == ("atouts_app", "atouts", "UTC")
    assert not missing_migrations(conn)


def test_the_applications_role_has_no_right_but_those_granted(conn: Connection) -> None:
    rights = conn.execute(
        text("select rolsuper, rolcreatedb, rolcreaterole, rolbypassrls from pg_roles where rolname = current_user")
    ).one()
    assert not any(rights)
    owned = conn.scalar(text("select count(*) from pg_class where relowner = (select current_user::regrole)"))
    assert owned == 0


def test_a_database_of_another_release_is_refused_with_the_remedy(fresh_database: Database) -> None:
    require_this_release(fresh_database.engine)
    with fresh_database.owner_engine.begin() as connection:
        connection.execute(text("delete from public.alembic_version"))
    with pytest.raises(Unusable, match="run `atouts db upgrade`"):
        require_this_release(fresh_database.engine)


def test_a_database_ahead_of_this_program_is_not_upgraded(fresh_database: Database) -> None:
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("update public.alembic_version set version_num = '9999'"))
    with pytest.raises(Unusable, match="of a later release"):
        upgrade(fresh_database.owner_engine)


def test_a_dump_restored_before_there_was_the_role_is_told_with_the_remedy(fresh_database: Database) -> None:
    with fresh_database.owner_engine.begin() as conn:
        # What such a restore leaves: everything but the rights of a role that the server did not know.
        conn.execute(text("revoke all on schema atouts from atouts_app"))
    with pytest.raises(Unusable, match="restore the dump again"):
        upgrade(fresh_database.owner_engine)


def test_two_upgrades_at_once_take_turns(fresh_database: Database) -> None:
    with fresh_database.owner_engine.begin() as connection:
        connection.execute(text("drop schema atouts cascade"))
        connection.execute(text("drop table public.alembic_version"))
    failures: list[BaseException] = []

    def run() -> None:
        try:
            upgrade(fresh_database.owner_engine)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    require_this_release(fresh_database.engine)


@pytest.mark.parametrize("connect", [Engine.connect, statements_alone])
def test_a_connection_the_server_closed_meanwhile_is_replaced_unseen(
    fresh_database: Database, connect: Callable[[Engine], Connection]
) -> None:
    backend = text("select pg_backend_pid()")
    with connect(fresh_database.engine) as connection:
        first = connection.scalar(backend)
    with fresh_database.owner_engine.begin() as connection:
        connection.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": first})
    with connect(fresh_database.engine) as connection:
        assert connection.scalar(backend) != first


def test_a_statement_alone_is_a_transaction_and_its_connection_ends_with_its_engine(fresh_database: Database) -> None:
    engine = engine_for(fresh_database.owner_url, name="alone")
    with statements_alone(engine) as connection:
        connection.execute(text("create table alone (n integer)"))
        connection.execute(text("insert into alone values (1)"))
        with pytest.raises(exc.DBAPIError):
            connection.execute(text("insert into alone values (1 / 0)"))
        connection.rollback()
    with statements_alone(engine) as connection:
        assert connection.scalar(text("select count(*) from alone")) == 1
    engine.dispose()
    open_ones = text("select count(*) from pg_stat_activity where application_name = 'alone'")
    with statements_alone(fresh_database.owner_engine) as connection:
        assert eventually(lambda: connection.scalar(open_ones) == 0)


def test_the_application_does_not_wait_for_a_row_for_ever(fresh_database: Database) -> None:
    hurried = engine_for(fresh_database.owner_url, lock_timeout_ms=50, statement_timeout_ms=5000)
    lock = text("select version_num from public.alembic_version for update")
    with fresh_database.owner_engine.begin() as holder:
        holder.execute(lock)
        with hurried.connect() as waiting, pytest.raises(exc.OperationalError, match="lock timeout"):
            waiting.execute(lock)
    hurried.dispose()


def test_a_url_may_leave_the_driver_out_and_name_several_hosts() -> None:
    assert database_url("postgres://owner:p%40ss@db/books").render_as_string(hide_password=False) == (
        "postgresql+psycopg://owner:p%40ss@db/books"
    )
    several = database_url("postgresql://owner:pass@one:5432,two:5433/books?target_session_attrs=read-write")
    assert several.query == {"target_session_attrs": "read-write", "host": ("one:5432", "two:5433")}
    assert several.database == "books"


@pytest.mark.parametrize(
    "given", ["mysql://owner:hush@db/books", "owner:hush@db", "postgresql://owner:hush@db:x/books"]
)
def test_a_url_that_cannot_be_read_is_refused_without_repeating_its_password(given: str) -> None:
    with pytest.raises(Unusable) as refused:
        database_url(given)
    assert "hush" not in str(refused.value)
