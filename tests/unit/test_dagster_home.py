"""Dagster keeps its tables apart from ours, and its folder where the operator says."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from eventpulse.embedded.dagster_home import dagster_database_url, find_dagster_home, prepare_dagster_home
from eventpulse.errors import EmbeddedServerError


def test_dagster_has_its_own_schema_in_our_database() -> None:
    url = make_url(dagster_database_url("postgresql://me:p%40ss@db.example:5433/events"))
    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg2", "me", "p@ss")
    assert (url.host, url.port, url.database) == ("db.example", 5433, "events")
    assert url.query["options"] == "-csearch_path=dagster"


def test_options_of_the_operator_stay() -> None:
    url = make_url(dagster_database_url("postgresql://h/d?sslmode=require&options=-cwork_mem%3D64MB"))
    assert url.query == {"sslmode": "require", "options": "-cwork_mem=64MB -csearch_path=dagster"}


def test_the_folder_is_inside_our_home_unless_named(tmp_path: Path) -> None:
    assert find_dagster_home(tmp_path, None) == tmp_path / "dagster"
    assert find_dagster_home(tmp_path / "other", str(tmp_path)) == tmp_path


@pytest.mark.parametrize("named", ["/no/such/folder", "relative"])
def test_a_named_folder_must_exist(named: str, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"^DAGSTER_HOME is set to .*not an existing folder"):
        find_dagster_home(tmp_path, named)


def test_a_folder_of_the_operator_keeps_its_settings(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("mine")
    prepare_dagster_home(tmp_path, ours=False)
    assert (tmp_path / "dagster.yaml").read_text() == "mine"

    prepare_dagster_home(tmp_path, ours=True)
    assert "DAGSTER_POSTGRES_URL" in (tmp_path / "dagster.yaml").read_text()
