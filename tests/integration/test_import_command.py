"""`eventpulse import`: what a person says and is told."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from eventpulse.cli.main import app
from eventpulse.database.connect import open_connection
from tests.draining import save_rule

RULE = {
    "name": "errors",
    "severity": "warning",
    "window_seconds": 60,
    "condition": {
        "type": "threshold",
        "metric": "count",
        "operator": ">=",
        "value": 2,
        "filters": {"where": "payload.status >= 500"},
    },
}
TABLE = "time,code,client\n2026-01-01 10:00:00,500,a\n2026-01-01 10:00:10,500,b\n2026-01-02 10:00:00,200,a\n"
MAPPED = ["--map", "timestamp=time", "--map", "payload.status=code:number", "--const", "event_type=hit"]
MAPPED += ["--const", "source=web", "--rest", "payload", "--time-zone", "UTC"]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> str:
    monkeypatch.setenv("DATABASE_URL", database_url)
    (tmp_path / "access.csv").write_text(TABLE)
    return str(tmp_path / "access.csv")


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["import", *words])
    assert result.exit_code == code, result.output
    return result


def ask(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with open_connection(database_url, application="tests") as connection:
        return connection.execute(query).fetchall()


def test_a_table_is_imported_and_what_to_do_next_is_said(table: str, database_url: str) -> None:
    save_rule(database_url, RULE)

    said = run(table, *MAPPED).output

    assert "3 stored, 0 there already" in said
    assert "2026-01-01           2" in said and "2026-01-02           1" in said
    assert "eventpulse backfill --from 2026-01-01 --to 2026-01-02" in said
    assert ask(database_url, "select count(*) from eventpulse.anomalies") == [(0,)]
    assert ask(database_url, "select payload::text from eventpulse.events order by position limit 1") == [
        ('{"status":500,"client":"a"}',)
    ]
    assert "3 lines were imported before" not in run(table, *MAPPED).output
    assert "0 stored, 3 there already" in run(table, *MAPPED, "--again").output


def test_evaluating_at_once_finds_what_a_backfill_would(table: str, database_url: str) -> None:
    save_rule(database_url, RULE)

    said = run(table, *MAPPED, "--evaluate").output

    assert "1 rules over 3 events" in said
    assert ask(database_url, "select origin, occurred_at::text from eventpulse.anomalies") == [
        ("import", "2026-01-01 10:00:10+00")
    ]
    assert "All rules have been evaluated over these days." in run(table, *MAPPED, "--evaluate").output


def test_a_faulty_row_stops_the_import_with_its_place_or_is_skipped(table: str, database_url: str) -> None:
    Path(table).write_text(TABLE.replace("10:00:10,500", "10:00:10,5oo"))

    stopped = run(table, *MAPPED, code=1)

    assert f"{table}, line 3, column \"code\" (payload.status): '5oo' is no number" in stopped.output
    assert "nothing of" in stopped.output and "from line 2 on is stored" in stopped.output
    assert ask(database_url, "select count(*) from eventpulse.events") == [(0,)]

    assert "2 stored, 0 there already, 1 skipped" in run(table, *MAPPED, "--on-error", "skip").output
    assert ask(database_url, "select sum(taken) from eventpulse.batches") == [(2,)]


def test_a_dry_run_stores_nothing(table: str, database_url: str) -> None:
    assert "3 can be stored" in run(table, *MAPPED, "--dry-run").output
    assert ask(database_url, "select count(*) from eventpulse.batches") == [(0,)]
    assert ask(database_url, "select count(*) from eventpulse.imports") == [(0,)]


def test_another_mapping_than_before_is_asked_about(table: str) -> None:
    run(table, *MAPPED)

    assert "begun with another mapping" in run(table, *MAPPED, "--const", "payload.env=prod", code=1).output


def test_a_file_that_has_grown_is_imported_from_where_it_ended(table: str, database_url: str) -> None:
    run(table, *MAPPED)
    with Path(table).open("a") as file:
        file.write("2026-01-03 10:00:00,200,a\n")

    said = run(table, *MAPPED).output

    assert "4 lines were imported before" in said and "1 stored, 0 there already" in said
    assert ask(database_url, "select stored, through, finished_at is not null from eventpulse.imports") == [
        (4, 5, True)
    ]


def test_standard_input_and_parquet_are_imported_too(table: str, database_url: str, tmp_path: Path) -> None:
    event = {"event_type": "a", "source": "s", "timestamp": "2026-01-01T00:00:00Z"}
    typed = {**{name: [value] for name, value in event.items()}, "payload": [{"n": 1}]}
    pl.DataFrame(typed).write_parquet(tmp_path / "events.parquet")

    piped = CliRunner().invoke(app, ["import", "-"], input=json.dumps(event) + "\n")
    assert "1 stored" in piped.output
    assert "1 stored" in run(str(tmp_path / "events.parquet")).output
    assert ask(database_url, "select payload::text from eventpulse.events order by position") == [("{}",), ('{"n":1}',)]


def test_postgresql_knows_how_much_was_imported(table: str, database_url: str) -> None:
    run(table, *MAPPED)
    counted = "select relname, reltuples from pg_class where relname like 'events\\_2026%' and relkind = 'r' order by 1"
    assert ask(database_url, counted) == [("events_2026_01_01", 2.0), ("events_2026_01_02", 1.0)]


@pytest.mark.parametrize("first, told", [("2026-01-02", True), ("2026-01-01", False)])
def test_days_that_dagster_does_not_show_yet_are_told(
    table: str, monkeypatch: pytest.MonkeyPatch, first: str, told: bool
) -> None:
    monkeypatch.setenv("EVENTPULSE_HISTORY_FROM", first)
    said = run(table, *MAPPED).output
    assert (f"Dagster shows days from {first} on." in said) is told
