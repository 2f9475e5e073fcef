"""Where Dagster keeps its settings and its tables: a folder of its own, and a schema of its own in PostgreSQL."""

import shutil
from pathlib import Path

from sqlalchemy import make_url, text

from eventpulse.database.connect import open_engine
from eventpulse.errors import EmbeddedServerError
from eventpulse.settings import PROJECT_ROOT

SCHEMA = "dagster"
_SETTINGS = "dagster.yaml"


def find_dagster_home(home: Path, named: str | None) -> Path:
    """The folder that DAGSTER_HOME names, or one inside our home. Raises EmbeddedServerError where it is missing."""
    if not named:
        return home / "dagster"
    folder = Path(named)
    if not folder.is_absolute() or not folder.is_dir():
        raise EmbeddedServerError(
            f"DAGSTER_HOME is set to {named}, which is not an existing folder with an absolute path. "
            "Create it, or unset DAGSTER_HOME to use the folder that EventPulse makes."
        )
    return folder


def prepare_dagster_home(folder: Path, *, ours: bool) -> None:
    """Put the project's dagster.yaml into the folder; a folder of the operator's keeps the one it has."""
    folder.mkdir(parents=True, exist_ok=True)
    if ours or not (folder / _SETTINGS).exists():
        shutil.copyfile(PROJECT_ROOT / _SETTINGS, folder / _SETTINGS)


def dagster_database_url(database_url: str) -> str:
    """The address under which Dagster finds its own schema in our database."""
    url = make_url(with_driver(database_url))
    options = " ".join(filter(None, [_text(url.query.get("options")), f"-csearch_path={SCHEMA}"]))
    return url.update_query_dict({"options": options}).render_as_string(hide_password=False)


def with_driver(database_url: str) -> str:
    """The same address, naming the driver.

    It is psycopg2: Dagster leaves the choice to SQLAlchemy, which takes psycopg 3, and then Dagster's NOTIFY with a
    parameter is refused and its UI finds its connections closed (dagster-postgres 0.29.27).
    """
    return make_url(database_url).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def create_dagster_schema(database_url: str) -> None:
    """Make the schema where it is not there yet; Dagster makes its tables in it."""
    engine = open_engine(database_url, application="eventpulse up")
    try:
        with engine.begin() as connection:
            connection.execute(text(f"create schema if not exists {SCHEMA}"))
    finally:
        engine.dispose()


def _text(value: str | tuple[str, ...] | None) -> str | None:
    return " ".join(value) if isinstance(value, tuple) else value
