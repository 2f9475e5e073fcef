"""A message says what, where, how much against what was expected, since when, and where to look."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from eventpulse.message import encode_message, read_message
from eventpulse.notify.as_html import as_html
from eventpulse.notify.as_slack import LONGEST_TEXT, as_slack
from eventpulse.notify.as_text import as_text
from rules.routing.compose import AlertTold, compose, compose_test, runbook_of
from rules.routing.wording import number, short, stretch

NOW = datetime(2026, 1, 30, 12, 12, tzinfo=UTC)
PAGE = "http://127.0.0.1:3000/dashboard"
RUNBOOK = "https://wiki.example.com/ssh?q=1&r=2"
HOSTILE = '<script>alert(1)</script> <!channel> <http://evil|x> *bold* "quoted" @everyone \x07\u202e'


def told(number: int = 1, **changes: Any) -> AlertTold:
    fields: dict[str, Any] = {
        "alert_id": UUID(int=number),
        "rule_name": "ssh brute force",
        "severity": "critical",
        "state": "open",
        "group": {"payload.ip": "10.0.0.1"},
        "labels": {"runbook": RUNBOOK},
        "message": "8 failed logins from 10.0.0.1",
        "value": 8.0,
        "threshold": 5.0,
        "expected": "more than 5",
        "opened_at": NOW - timedelta(minutes=12),
        "last_at": NOW,
        "ended_at": None,
        "anomaly_count": 3,
    }
    return AlertTold(**{**fields, **changes})


def test_a_person_sees_what_where_how_much_since_when_and_where_to_look() -> None:
    message = compose([told()], [], page=PAGE, now=NOW)

    assert message.subject == "[CRITICAL] ssh brute force – payload.ip 10.0.0.1"
    assert as_text(message).splitlines() == [
        "8 failed logins from 10.0.0.1",
        "Where:     payload.ip 10.0.0.1",
        "Value:     8 (limit: more than 5)",
        "Since:     2026-01-30 12:00:00 UTC, for 12 min",
        "Anomalies: 3 so far",
        f"Alert:     {PAGE}#/alerts/{UUID(int=1)}",
        f"Runbook:   {RUNBOOK}",
    ]
    assert message.link == f"{PAGE}#/alerts/{UUID(int=1)}"


def test_what_is_over_says_so_and_how_long_it_lasted() -> None:
    over = told(state="resolved", ended_at=NOW - timedelta(minutes=2))
    message = compose([], [over], page=PAGE, now=NOW)

    assert (message.kind, message.subject) == ("resolved", "[RESOLVED] ssh brute force – payload.ip 10.0.0.1")
    assert "lasted 10 min, over now" in as_text(message)
    both = compose([over], [], page=PAGE, now=NOW)
    assert both.kind == "firing" and "over now" in as_text(both), "it began and ended before anybody was told"
    assert both.subject == "[CRITICAL] ssh brute force – payload.ip 10.0.0.1 (over already)"


def test_what_still_fires_comes_before_what_is_over() -> None:
    alerts = [told(1, state="resolved"), told(2, severity="info"), told(3, state="resolved")]
    message = compose(alerts, [told(4, state="resolved")], page=PAGE, now=NOW)

    assert message.subject == "[CRITICAL] ssh brute force – 3 alerts (2 over already), 1 resolved"
    assert message.summary == ["Firing: 1 info; over already: 2; resolved: 1"]
    assert [alert.state for alert in message.firing] == ["open", "over", "over"]
    assert "CRITICAL, over  ssh brute force – payload.ip 10.0.0.1" in as_text(message)


def test_ten_thousand_alerts_are_one_short_message() -> None:
    many = [told(n, severity="info" if n % 2 else "warning", rule_name=f"rule {n % 7}") for n in range(1, 10_001)]

    message = compose(many, [], page=PAGE, now=NOW, groups=7)

    assert (message.kind, message.more) == ("digest", 9_990)
    assert message.subject == "[WARNING] 7 rules – 10,000 alerts in 7 groups"
    text = as_text(message)
    assert "Firing: 5,000 warning, 5,000 info" in text
    assert f"and 9,990 more: {PAGE}#/alerts" in text
    assert len(text) < 4_000 and len(as_slack(message)) <= LONGEST_TEXT and len(as_html(message)) < 16_000
    assert message.firing[0].severity == "warning", "the worst come first"


def test_a_reminder_says_that_nobody_has_answered() -> None:
    message = compose([told()], [], page=PAGE, now=NOW, reminder=True)

    assert message.subject == "[CRITICAL] Still firing: ssh brute force – payload.ip 10.0.0.1"
    assert as_text(message).startswith("Nobody has acknowledged this yet.")


def test_nothing_in_an_event_is_taken_for_markup_anywhere() -> None:
    message = compose(
        [told(message=HOSTILE, group={"payload.user": HOSTILE}, rule_name=HOSTILE, expected=HOSTILE)],
        [],
        page=PAGE,
        now=NOW,
    )
    html, slack = as_html(message), as_slack(message)

    assert "<script" not in html and "&lt;script&gt;" in html
    assert "<!channel>" not in slack and "<http://evil" not in slack
    for text in (message.subject, as_text(message), html, slack):
        assert "\x07" not in text and "\u202e" not in text
    assert "\n" not in message.subject and len(message.subject) < 160


def test_only_addresses_that_a_browser_may_follow_are_runbooks() -> None:
    assert runbook_of({"runbook": RUNBOOK}) == RUNBOOK
    for bad in ("javascript:alert(1)", "wiki/ssh", "https://", "http://a b", 'https://x/"onclick="', "http://[", ""):
        assert runbook_of({"runbook": bad}) is None, bad
    assert runbook_of({}) is None


def test_a_test_says_that_nothing_has_to_be_done() -> None:
    message = compose_test("ops", page=PAGE)
    assert "nothing has to be done" in as_text(message) and message.kind == "test"


def test_a_message_is_kept_as_it_was() -> None:
    message = compose([told()], [told(2, state="resolved")], page=PAGE, now=NOW)
    assert read_message(json.loads(encode_message(message))) == message


def test_words_are_short() -> None:
    numbers = [number(value) for value in (None, 8.0, 1234567.0, 0.12345, 1e20)]
    assert numbers == [
        None,
        "8",
        "1,234,567",
        "0.1235",
        "1e+20",
    ]
    assert [stretch(timedelta(seconds=s)) for s in (0, 61, 3_600, 90_061)] == ["0 s", "1 min 1 s", "1 h", "1 d 1 h"]
    assert short("a\n b\tc " * 9, 10) == "a b c a b…"


def test_what_has_just_begun_has_not_lasted_and_what_has_no_group_happens_nowhere_in_particular() -> None:
    message = compose([told(opened_at=NOW, group={}, expected="at most 5")], [], page=PAGE, now=NOW)

    assert message.subject == "[CRITICAL] ssh brute force"
    value, since = as_text(message).splitlines()[1:3]
    assert value == "Value:     8 (expected: at most 5)"
    assert since == "Since:     2026-01-30 12:12:00 UTC, just now"
