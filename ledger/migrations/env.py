"""Alembic's entry: each migration in a transaction of its own, on the connection `ledger.database.upgrade` opened."""

from alembic import context

connection = context.config.attributes["connection"]
# Alembic's own table stands outside the schema it builds, so that the very first migration can create that schema.
context.configure(connection=connection, version_table_schema="public", transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
