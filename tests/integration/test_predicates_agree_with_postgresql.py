"""Where a predicate means the same in PostgreSQL, PostgreSQL itself gives the same answers, unknown ones included."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from sqlalchemy import Connection, Engine

from eventpulse.event import EVENT_SCHEMA
from rules.fields import with_fields
from rules.where.predicate import read_predicate
from tests.written_predicates import Node, as_sql, names_a_path, predicates

NUMBER_PATHS, TEXT_PATHS = ["payload.n", "payload.m"], ["payload.t", "payload.s"]
ROWS = [
    (1, 2, "a", "b"),
    (-3, None, "ab", None),
    (None, 0.5, None, "A"),
    (2.5, 2.5, "a%b", "a%b"),
    (0, -1.5, "", "x'y"),
    (None, None, None, None),
]


@pytest.fixture
def table(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection.exec_driver_sql(
            'create temporary table row (id int, "payload.n" numeric, "payload.m" numeric, '
            '"payload.t" text collate "C", "payload.s" text collate "C")'
        )
        connection.exec_driver_sql(
            "insert into row values (%s, %s, %s, %s, %s)", [(number, *row) for number, row in enumerate(ROWS)]
        )
        yield connection


def in_polars(sql: str) -> list[bool | None]:
    instant = datetime(2026, 1, 5, tzinfo=UTC)
    payloads = [msgspec.json.encode(dict(zip("nmts", row, strict=True))).decode() for row in ROWS]
    stored = [(str(n), "type", "source", instant, instant, n, payload, "{}") for n, payload in enumerate(payloads)]
    events = pl.DataFrame(stored, schema=EVENT_SCHEMA, orient="row")
    predicate = read_predicate(sql)
    return with_fields(events, predicate.paths).select(answer=predicate.expression)["answer"].to_list()


def in_postgresql(sql: str, table: Connection) -> list[bool | None]:
    columns = re.sub(r"payload\.[nmts]", lambda path: f'"{path[0]}"', sql).replace("%", "%%")
    return [row[0] for row in table.exec_driver_sql(f"select {columns} from row order by id")]


# A division whose right side is zero stops PostgreSQL's query; here it is null, so it is left out.
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=predicates(NUMBER_PATHS, TEXT_PATHS, division=False))
def test_postgresql_gives_the_same_answers(node: Node, table: Connection) -> None:
    assume(names_a_path(node))
    sql = as_sql(node)
    assert in_polars(sql) == in_postgresql(sql, table)


@pytest.mark.parametrize(
    "sql",
    [
        "payload.n = 1 or payload.m = 2 and payload.t = 'zzz'",
        "not payload.n = 1 and payload.m is null",
        "payload.n = payload.m is null",
        "not payload.t is null or payload.n in (1, 2.5)",
        "payload.n + 2 * payload.m > 3 - -1",
        "payload.n between 0 and 2 and payload.t like 'a%'",
        "payload.n not between 0 and 2 or payload.t not like 'a%'",
        "- payload.n + 1 < 3 or payload.t ilike 'A_'",
        "payload.n - payload.m - 1 < 0",
        "payload.n / 2 / 2 < 1",
        "(payload.n < 1) = (payload.m < 1)",
        "(payload.n = 1) = true",
    ],
)
def test_words_bind_as_tightly_as_in_postgresql(sql: str, table: Connection) -> None:
    """Without brackets, so that precedence is what is tested."""
    assert in_polars(sql) == in_postgresql(sql, table)
