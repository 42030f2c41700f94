"""Who may connect to the books, and how."""

from sqlalchemy import Connection, text

from ledger.database import missing_migrations


def test_the_application_connects_with_its_own_role_to_the_migrated_books(conn: Connection) -> None:
    who, path, zone = conn.execute(
        text("select current_user, current_setting('search_path'), current_setting('timezone')")
    ).one()
    assert (who, path, zone) == ("atouts_app", "atouts", "UTC")


def test_a_fresh_database_is_migrated(fresh_database) -> None:
    with fresh_database.engine.begin() as connection:
        assert not missing_migrations(connection)
