"""Whatever predicate is written, and whatever stands in the payloads, Polars answers each row as SQL's logic does."""

import re
from datetime import UTC, datetime

import msgspec
import polars as pl
from hypothesis import assume, example, given, settings, strategies as st

from eventpulse.event import EVENT_SCHEMA
from rules.fields import with_fields
from rules.where.predicate import PredicateFault, read_predicate
from tests.written_predicates import NETWORKS, NUMBERS, TEXTS, Node, Row, as_sql, holds, names_a_path, predicates

PATHS = ["payload.a", "payload.b", "metadata.c.d"]
ANYTHING = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.sampled_from([{"x": 1}, [1], 1.0, 'q"\\\n', "1"]))
# Comparing is exact up to 2^63; calculating is done in doubles.
LARGE = st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**62 + 1, 2**63 - 1])
WORDS = re.findall(
    r"\S+",
    """payload.a source ( ) and or not = <> < in between like is null + - * / ' " 1 'x' , . lower( :: ; -- /* $1 [""",
)
ROWS = st.lists(st.fixed_dictionaries({}, optional={path: ANYTHING for path in PATHS}), min_size=1, max_size=5)


def events(rows: list[Row]) -> pl.DataFrame:
    instant = datetime(2026, 1, 5, tzinfo=UTC)
    stored = []
    for position, row in enumerate(rows):
        payload = {path.split(".")[1]: found for path, found in row.items() if path.startswith("payload.")}
        inner = {"c": {"d": row["metadata.c.d"]}} if "metadata.c.d" in row else {}
        texts = (msgspec.json.encode(payload).decode(), msgspec.json.encode(inner).decode())
        stored.append((str(position), "type", "source", instant, instant, position, *texts))
    return pl.DataFrame(stored, schema=EVENT_SCHEMA, orient="row")


def answers(sql: str, rows: list[Row]) -> list[bool | None]:
    predicate = read_predicate(sql)
    return with_fields(events(rows), predicate.paths).select(answer=predicate.expression)["answer"].to_list()


@settings(max_examples=400, deadline=None)
@given(predicates(PATHS, PATHS, division=True), ROWS)
def test_polars_answers_as_a_plain_interpreter_does(node: Node, rows: list[Row]) -> None:
    assume(names_a_path(node))
    assert answers(as_sql(node), rows) == [holds(node, row) for row in rows]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(NETWORKS),
    st.lists(
        st.ip_addresses().map(str) | st.sampled_from(["10.1.2.3", "300.1.1.1", "x:y", "1.2.3", "01.2.3.4"]) | ANYTHING
    ),
)
def test_an_address_lies_in_a_network_as_the_standard_library_says(network: str, addresses: list[object]) -> None:
    rows = [{"payload.a": address} for address in addresses]
    node = ("cidr_contains", ("path", "payload.a"), network)
    assert answers(as_sql(node), rows) == [holds(node, row) for row in rows]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), ANYTHING | LARGE, ANYTHING | LARGE)
@example("=", 2**53, 2**53 + 1)
@example("<", 2**62, 2**62 + 1)
def test_two_paths_compare_by_the_type_that_each_row_has(kind: str, left: object, right: object) -> None:
    node = (kind, ("path", "payload.a"), ("path", "payload.b"))
    rows = [{"payload.a": left, "payload.b": right}]
    assert answers(as_sql(node), rows) == [holds(node, row) for row in rows]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
def test_a_text_is_read_or_refused_with_a_sentence_and_nothing_else(text: str) -> None:
    try:
        predicate = read_predicate(text)
    except PredicateFault as fault:
        assert str(fault).strip()
        assert fault.column is None or 1 <= fault.column <= len(text) + 1
    else:
        assert len(answers(text, [{}, {"payload.a": 1}])) == 2
        assert predicate.paths
