"""The two real logs as history and live: imported and backfilled, damaged and repaired, they have the very anomalies
that the same events have when they are sent to an empty installation.

`python -m benchmarks.real_logs` does the same with two whole products, through their commands and their API.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from eventpulse.cli.main import app
from eventpulse.database.connect import open_connection
from eventpulse.rule_file import read_rule_file
from eventpulse.settings import PROJECT_ROOT
from tests.conftest import TEMPLATE
from tests.draining import a_drain, publish, save_rule
from tests.integration.test_draining_real_logs import LOGS, read_log

SSH, WEB = "ssh_auth.ndjson.gz", "web_access.ndjson.gz"
#: One rule of each of five types, from the gallery, by file.
RULES = {
    "security.yaml": ["ssh brute force", "login after guessing", "audit log falls silent"],
    "web.yaml": ["half the traffic of yesterday", "someone looks for weaknesses"],
}
DAMAGED = ("2017-03-28", "2017-04-06", "2015-05-19")


def gallery() -> list[dict[str, Any]]:
    """The documents of the five rules."""
    return [
        found.document
        for file, names in RULES.items()
        for found in read_rule_file(PROJECT_ROOT / "rules" / "examples" / file)
        if found.document["name"] in names
    ]


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result.output


def anomalies(connection: psycopg.Connection) -> dict[str, tuple[Any, ...]]:
    """Everything that is said of the anomalies that stand, by id. Positions are those of an installation."""
    rows = connection.execute(
        """
        select a.anomaly_id::text, r.name, a.severity, a.message, a."group"::text, a.event_id::text, a.occurred_at,
            a.value, a.threshold, a.expected, a.window_start, a.window_end, a.contributing::text[], a.contributing_count
        from eventpulse.anomalies a join eventpulse.rules r using (rule_id) where a.state = 'current'
        """
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


@pytest.fixture
def other_database_url(postgresql_server: str, database_url: str) -> Any:
    """A second, empty database beside the first."""
    name = f"{database_url.rpartition('/')[2]}_other"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        create = sql.SQL("create database {} template {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        yield postgresql_server.rsplit("/", 1)[0] + "/" + name
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_history_and_live_have_the_same_anomalies_id_by_id(
    monkeypatch: pytest.MonkeyPatch, database_url: str, other_database_url: str, redis_url: str
) -> None:
    # The older log first: live, an event that comes years after newer ones of the same rule is too late to count.
    events = [*read_log(WEB), *read_log(SSH)]
    for document in gallery():
        save_rule(database_url, document)
        save_rule(other_database_url, document)
    monkeypatch.setenv("DATABASE_URL", database_url)

    assert f"{len(events):,} stored" in run("import", str(LOGS / SSH), str(LOGS / WEB))
    run("backfill")
    with open_connection(database_url, application="tests") as connection:
        found = anomalies(connection)
        of_rule = Counter(row[0] for row in found.values())
        assert set(of_rule) == {document["name"] for document in gallery()}, of_rule

        removed = connection.execute(
            "delete from eventpulse.anomalies where (occurred_at at time zone 'UTC')::date = any(%s::date[])",
            (list(DAMAGED),),
        ).rowcount
        assert removed > len(DAMAGED)
        audited = run("audit", code=1)
        for day in DAMAGED:
            assert f"{day}: differs" in audited
        assert audited.count("differs") == len(DAMAGED)
        assert run("audit", "--repair").count("is repaired") == len(DAMAGED)
        assert anomalies(connection) == found

    publish(redis_url, events, an_entry=1_000)
    with a_drain(other_database_url, redis_url, batch_events=20_000, correct=timedelta(days=1)) as drain:
        drain.run_until_empty()
        drain.store.look_around()
        live = anomalies(drain.connection)

    assert live.keys() == found.keys()
    assert live == found
