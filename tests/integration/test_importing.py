"""Imported events are stored once and accounted for, whenever the import is killed, and live detection and backfills
take them in."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from eventpulse.database.anomalies.coverage import Meaning, cover, evaluated_on
from eventpulse.database.anomalies.history_lock import rewriting_history
from eventpulse.database.connect import open_connection
from eventpulse.database.events.incoming import REFUSALS
from eventpulse.importing import ndjson_rows
from eventpulse.importing.piece import read_piece
from pipelines.history import import_events as module
from pipelines.live import find_anomalies
from rules.rule import read_rule
from tests.draining import PowerCut, a_drain, current_anomalies, publish, save_rule
from tests.importing import LONGEST, NO_MAPPING, a_file, import_pieces, importing, pieces_of
from tests.reevaluating import reevaluate, standing

START = datetime(2026, 1, 29, 23, 59, tzinfo=UTC)
RULE = {
    "name": "three in a minute",
    "severity": "info",
    "window_seconds": 60,
    "condition": {"type": "threshold", "metric": "count", "operator": ">=", "value": 3},
}


def a_row(number: int, **more: Any) -> dict[str, Any]:
    """Events ten seconds apart, across midnight."""
    at = (START + timedelta(seconds=10 * number)).isoformat()
    return {"event_type": "tick", "source": "tests", "timestamp": at, "payload": {"n": number}, **more}


def rows(count: int, start: int = 0) -> list[str]:
    return [json.dumps(a_row(number)) for number in range(start, start + count)]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson_rows.ndjson_rows, "__kwdefaults__", {"piece_rows": 4})


def one(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]


def test_events_come_in_the_order_of_the_file_with_everything_that_goes_with_them(
    database_url: str, tmp_path: Path
) -> None:
    file = a_file(tmp_path, rows(10))
    with importing(database_url) as connection:
        import_pieces(connection, database_url, file)

        stored = connection.execute(
            "select (payload->>'n')::int, origin from eventpulse.events order by batch_id, position"
        ).fetchall()
        assert stored == [(number, "import") for number in range(10)]
        positions = connection.execute('select position from eventpulse.events order by "timestamp"').fetchall()
        assert positions == sorted(positions)
        assert one(connection, "select sum(count) from eventpulse.event_rollups") == 10
        assert one(connection, "select taken, stored, batches from eventpulse.ledger_days where origin = 'import'") == (
            10,
            10,
            3,
        )
        days = connection.execute("select distinct tableoid::regclass::text from eventpulse.events").fetchall()
        assert {day.rpartition(".")[2] for (day,) in days} == {"events_2026_01_29", "events_2026_01_30"}
        so_far = one(connection, "select stored, through, finished_at is not null from eventpulse.imports")
        assert so_far == (10, 10, True)


@pytest.mark.parametrize("where", ["set_aside", "write", "note_piece"])
def test_an_import_that_is_killed_goes_on_where_it_stopped_and_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path, where: str
) -> None:
    file = a_file(tmp_path, [*rows(9), "no event", *rows(3, 9)])
    calls = 0
    real = getattr(module, where)

    def cut(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        real(*arguments)
        if calls == 1:
            raise PowerCut

    monkeypatch.setattr(module, where, cut)
    with importing(database_url) as connection, pytest.raises(PowerCut):
        import_pieces(connection, database_url, file, dead_letters=True)
    with importing(database_url) as connection:
        import_pieces(connection, database_url, file, dead_letters=True)

        assert calls >= 1
        assert one(connection, "select count(*), count(distinct payload->>'n') from eventpulse.events") == (12, 12)
        assert one(
            connection, "select sum(taken), sum(stored), sum(duplicates), sum(dead_lettered) from eventpulse.batches"
        ) == (
            13,
            12,
            0,
            1,
        )
        assert one(connection, "select count(*) from eventpulse.dead_letters") == 1


def test_importing_again_stores_nothing_and_says_so(database_url: str, tmp_path: Path) -> None:
    with importing(database_url) as connection:
        import_pieces(connection, database_url, a_file(tmp_path, rows(10)))
        import_pieces(connection, database_url, a_file(tmp_path, rows(10), name="a copy.ndjson"))

        assert one(connection, "select sum(stored), sum(duplicates) from eventpulse.imports") == (10, 10)
        assert one(connection, "select count(*) from eventpulse.events") == 10


def test_an_event_that_came_live_is_a_duplicate_also_with_another_time(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    sent = "00000000-0000-0000-0000-00000000000a"
    publish(redis_url, [a_row(0, event_id=sent)])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
    file = a_file(tmp_path, [json.dumps(a_row(0, event_id=sent)), json.dumps(a_row(9_000, event_id=sent))])

    with importing(database_url) as connection:
        import_pieces(connection, database_url, file)

        assert one(connection, "select stored, duplicates from eventpulse.imports") == (0, 2)
        assert one(connection, "select count(*) from eventpulse.events") == 1


def test_rows_that_are_no_events_are_set_aside_once_with_the_file_and_the_line(
    database_url: str, tmp_path: Path
) -> None:
    future = json.dumps(a_row(0, timestamp="2999-01-01T00:00:00Z"))
    file = a_file(tmp_path, [*rows(5), "{", future, *rows(2, 5)])
    with importing(database_url) as connection:
        import_pieces(connection, database_url, file, dead_letters=True)

        letters = connection.execute(
            "select line, cause, reason, raw from eventpulse.dead_letters order by line"
        ).fetchall()
        assert [(line, cause) for line, cause, _, _ in letters] == [(6, "unreadable"), (7, "future")]
        assert letters[0][2].startswith("a file, line 6, it is not valid JSON")
        assert "in the future" in letters[1][2]
        assert letters[1][3] == future.encode()
        assert one(connection, "select count(*) from eventpulse.events") == 7


def test_what_postgresql_refuses_is_found_and_the_rest_can_be_stored(database_url: str, tmp_path: Path) -> None:
    file = a_file(tmp_path, rows(3))
    with importing(database_url) as connection:
        [some] = list(file.rows(NO_MAPPING, after=0, longest=LONGEST))
        piece = read_piece(some, NO_MAPPING, "x", deepest=64)
        third = pl.when(pl.col("number") == 3).then(pl.lit("\0")).otherwise("event_type")
        piece = replace(piece, events=piece.events.with_columns(event_type=third))
        importer = import_pieces(connection, database_url, file, most=0)
        with pytest.raises(REFUSALS):
            importer.store(piece)

        piece = importer.set_refused_apart(piece)

        assert [row.number for row in piece.faulty] == [3]
        importer.store(piece)

        assert one(connection, "select count(*) from eventpulse.events") == 2


def test_what_is_imported_is_taken_out_of_the_coverage_and_raises_nothing_until_it_is_evaluated(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    save_rule(database_url, RULE)
    rule = read_rule(RULE)
    meaning = Meaning(rule.rule_id, rule.semantic_hash, 1)
    publish(redis_url, [a_row(number, event_id=f"00000000-0000-0000-0000-{number:012d}") for number in range(0, 20, 9)])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        assert current_anomalies(drain.connection) == []
        cover(drain.connection, [meaning], START - timedelta(days=1), START + timedelta(days=1), origin="backfill")
        with importing(database_url) as connection:
            import_pieces(connection, database_url, a_file(tmp_path, rows(6)))
            evaluated = evaluated_on(connection, [meaning], START.date(), START.date())[rule.rule_id, START.date()]
            imported = [START + timedelta(seconds=10 * number) for number in range(6)]
            assert evaluated
            assert not any(part.start <= instant < part.end for part in evaluated for instant in imported)
            assert current_anomalies(connection) == []

            reevaluate(connection, origin="import")

            found = connection.execute("select distinct origin from eventpulse.anomalies").fetchall()
            assert found == [("import",)]
            # The last one is the live event's, with two of those that were imported before it in the window.
            at = [found[2] - START for found in current_anomalies(connection)]
            assert at == [timedelta(seconds=seconds) for seconds in (10, 20, 30, 40, 50, 90)]


def test_live_detection_reckons_with_events_that_were_imported_beside_it_and_reads_no_others_for_that(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rule(database_url, RULE)
    first, last = (f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2))
    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, [a_row(0, event_id=first)])
        drain.run_until_empty()
        monkeypatch.delattr(find_anomalies, "build_memory")
        with importing(database_url) as connection:
            import_pieces(connection, database_url, a_file(tmp_path, rows(1, 2)))

        publish(redis_url, [a_row(3, event_id=last)])
        drain.run_until_empty()

        [(_, _, at, event_id, value, _)] = current_anomalies(drain.connection)
        assert (at, event_id, value) == (START + timedelta(seconds=30), last, 3.0)
        reevaluate(drain.connection)
        assert len(standing(drain.connection)) == 1


def test_what_is_imported_raises_nothing_in_a_drain_that_has_judged_nothing_yet(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    spike = {"type": "deviation", "metric": "count", "bucket_seconds": 10, "baseline_buckets": 5, "direction": "up"}
    save_rule(database_url, {**RULE, "name": "spike", "window_seconds": 10, "condition": spike})
    quiet, burst = rows(30), [json.dumps(a_row(30, payload={"n": number})) for number in range(40)]
    with a_drain(database_url, redis_url) as drain, importing(database_url) as connection:
        drain.run_until_empty()
        import_pieces(connection, database_url, a_file(tmp_path, [*quiet, *burst]))
        drain.run_until_empty()
        assert current_anomalies(connection) == []

        reevaluate(connection)
        assert current_anomalies(connection) != []


def test_a_standby_remembers_what_is_imported_while_it_stands_by(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    save_rule(database_url, RULE)
    with a_drain(database_url, redis_url) as standby:
        with importing(database_url) as connection:
            import_pieces(connection, database_url, a_file(tmp_path, rows(30)))

        standby.detector.follow()
        publish(redis_url, [a_row(31, event_id="00000000-0000-0000-0000-000000000001")])
        standby.run_until_empty()

        [(_, _, _, _, value, _)] = current_anomalies(standby.connection)
        assert value == 5.0


def test_an_import_waits_for_a_backfill_to_end(database_url: str, tmp_path: Path) -> None:
    file = a_file(tmp_path, rows(2))
    waits, done = threading.Event(), threading.Event()

    def run() -> None:
        with importing(database_url) as connection:
            importer = import_pieces(connection, database_url, file, most=0)
            importer.on_waiting = waits.set
            for piece in pieces_of(file):
                importer.store(piece)
        done.set()

    with open_connection(database_url, application="tests") as connection:
        with rewriting_history(connection):
            thread = threading.Thread(target=run)
            thread.start()
            assert waits.wait(20)
            assert one(connection, "select count(*) from eventpulse.events") == 0
        assert done.wait(20)
        thread.join()
        assert one(connection, "select count(*) from eventpulse.events") == 2
