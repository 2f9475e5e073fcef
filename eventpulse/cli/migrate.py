"""`eventpulse migrate`: bring the schema of a database up to date; `up` does it by itself."""

import os
from typing import Annotated

import typer

from eventpulse.cli.builtin_rules import install_builtin_rules
from eventpulse.database.connect import open_engine
from eventpulse.database.migrate import migrate
from eventpulse.embedded.dagster_home import create_dagster_schema
from eventpulse.errors import SettingsError
from eventpulse.settings import load_settings


def migrate_database(
    dagster: Annotated[
        bool, typer.Option("--dagster", help="Also Dagster's own tables, as its settings in DAGSTER_HOME say.")
    ] = False,
) -> None:
    """Create or update EventPulse's tables in the database of DATABASE_URL, and install the built-in rules once."""
    settings = load_settings()
    if settings.database_url is None:
        raise SettingsError(
            "There is no database to migrate. Set DATABASE_URL, or run `eventpulse up`, which migrates."
        )
    engine = open_engine(settings.database_url.get_secret_value(), application="eventpulse migrate")
    try:
        migrate(engine)
        installed = install_builtin_rules(engine)
    finally:
        engine.dispose()
    if installed:
        typer.echo(f"New rules: {', '.join(installed)}.")
    if dagster:
        _migrate_dagster(settings.database_url.get_secret_value())
    typer.echo("The database is up to date.")


def _migrate_dagster(database_url: str) -> None:
    """Before any of Dagster's processes starts: several that find no tables would make them at once."""
    missing = [name for name in ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL") if not os.environ.get(name)]
    if missing:
        raise SettingsError(f"--dagster needs {' and '.join(missing)} in the environment.")
    from dagster import DagsterInstance  # takes a second, so only where it is needed

    create_dagster_schema(database_url)
    with DagsterInstance.get() as instance:
        instance.upgrade(print_fn=typer.echo)
