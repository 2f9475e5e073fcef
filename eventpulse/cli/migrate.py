"""`eventpulse migrate`: bring the schema of a database up to date; `up` does it by itself."""

import typer

from eventpulse.cli.builtin_rules import install_builtin_rules
from eventpulse.database.connect import open_engine
from eventpulse.database.migrate import migrate
from eventpulse.errors import SettingsError
from eventpulse.settings import load_settings


def migrate_database() -> None:
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
    typer.echo("The database is up to date.")
