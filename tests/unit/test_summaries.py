"""A rule's own sentence is checked when the rule is read, and written for each anomaly when it is found."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from eventpulse.event import EVENT_SCHEMA
from rules.evaluation import evaluate_whole
from rules.rule import RuleFaults, read_rule

START = datetime(2026, 1, 5, tzinfo=UTC)


def messages(summary: str, group_by: list[str]) -> list[str]:
    rule = read_rule(
        {
            "name": "logins",
            "severity": "info",
            "window_seconds": 60,
            "group_by": group_by,
            "summary": summary,
            "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 1},
        }
    )
    ips = ['"10.0.0.1"', '"10.0.0.1"', "7", "7", "null", "null"]
    rows = [
        (f"e{n}", "login", "web", at := START + timedelta(seconds=n), at, n, f'{{"ip":{ip},"user":"bob"}}', "{}")
        for n, ip in enumerate(ips)
    ]
    return evaluate_whole(rule, pl.DataFrame(rows, schema=EVENT_SCHEMA, orient="row"))["message"].to_list()


def test_each_anomaly_has_the_sentence_with_its_own_values() -> None:
    found = messages("{value} failed logins from {group[payload.ip]} {{{severity}}}", ["payload.ip"])
    assert sorted(found) == [
        "2 failed logins from (none) {info}",
        "2 failed logins from 10.0.0.1 {info}",
        "2 failed logins from 7 {info}",
    ]


def test_every_place_can_be_shown() -> None:
    summary = "{rule}|{severity}|{value}|{threshold}|{count}|{window_seconds}|{group}|{group[payload.user]}|"
    summary += "{event_id}|{occurred_at}"
    assert messages(summary, ["source", 'payload."user"'])[0] == (
        "logins|info|2|1|2|60|source=web, payload.user=bob|bob|e1|2026-01-05 00:00:01 UTC"
    )
    assert all(messages("{message} ({expected})", []))


def test_a_summary_without_places_is_the_same_for_every_anomaly() -> None:
    assert set(messages("look here", [])) == {"look here"}


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ("{valu}", "Did you mean {value}?"),
        ("{group[payload.user]}", "there is {group[payload.ip]}"),
        ("{value:.2f}", "write {value}"),
        ("{value!r}", "write {value}"),
        ("{", "not closed"),
        ("}", "not closed"),
        ("{}", "nothing a summary can show"),
        ("{value.__class__}", "nothing a summary can show"),
    ],
)
def test_a_place_that_nothing_can_fill_is_refused_when_the_rule_is_read(summary: str, words: str) -> None:
    with pytest.raises(RuleFaults) as refused:
        messages(summary, ["payload.ip"])
    assert [issue.path for issue in refused.value.issues] == [("summary",)]
    assert words in str(refused.value)
