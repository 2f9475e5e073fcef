"""Each decision about a notification, as a table of cases; every one has a reason."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from eventpulse.errors import EventPulseError
from rules.routing.active_hours import inside_hours, read_open_hours
from rules.routing.give_up import after_interruption, worth_another_try
from rules.routing.grouping import gather, group_of
from rules.routing.inhibition import Inhibition, not_inhibited
from rules.routing.matcher import read_matcher
from rules.routing.repeat import next_reminder, still_worth_a_reminder
from rules.routing.retry import next_try, rest_after, state_of
from rules.routing.route import look_again, route
from rules.routing.settle import Opening, settle, settle_reminder
from rules.routing.silence import not_silenced
from rules.routing.storm_limit import Form, room_for
from rules.routing.wildcard import fits
from tests.routing_examples import NOW, RULE, a_channel, a_silence, a_situation, an_alert, an_intent

LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("matcher", "matches"),
    [
        ({}, True),
        ({"severity": "critical"}, True),
        ({"severity": ["warning", "info"]}, False),
        ({"rule": "ssh *"}, True),
        ({"rule": str(RULE)}, True),
        ({"rule": ["other", "SSH*"]}, False),
        ({"labels": {"team": ["sec*"]}}, True),
        ({"labels": {"owner": "*"}}, False),
        ({"group": {"payload.ip": "10.0.*"}}, True),
        ({"group": {"payload.ip": "10.1.*"}}, False),
        ({"origin": ["late", "live"]}, True),
        ({"severity": "critical", "labels": {"team": "web"}}, False),
        ({"not": {"labels": {"team": "security"}}}, False),
        ({"not": {"not": {}}}, True),
    ],
)
def test_a_matcher_means_alerts_by_every_key_it_has(matcher: Any, matches: bool) -> None:
    assert read_matcher(matcher).matches(an_alert()) is matches


def test_values_of_a_group_are_matched_as_they_are_written() -> None:
    alert = an_alert(group={"payload.port": 443, "payload.tls": True, "payload.user": None, "payload.load": 1.5})

    for path, text in [
        ("payload.port", "443"),
        ("payload.tls", "true"),
        ("payload.user", "null"),
        ("payload.load", "1.5"),
    ]:
        assert read_matcher({"group": {path: text}}).matches(alert), path
    assert read_matcher({"group": {"payload.port": 443}}).matches(alert)


@pytest.mark.parametrize(
    ("matcher", "sentence"),
    [
        ([], "matcher must be an object"),
        ({"team": "x"}, "matcher.team is not known"),
        ({"severity": "high"}, "must be of critical, warning, info"),
        ({"rule": []}, "empty list"),
        ({"labels": ["team"]}, "must be an object of lists"),
        ({"rule": {"name": "x"}}, "must be a text or a list of texts"),
        ({"not": {"origin": "moon"}}, "matcher.not.origin must be of live"),
        ({"rule": "a\0"}, "NUL"),
    ],
)
def test_a_matcher_that_cannot_be_meant_is_refused_by_name(matcher: Any, sentence: str) -> None:
    with pytest.raises(EventPulseError, match=sentence):
        read_matcher(matcher)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [("a*c", "abc", True), ("a*c", "ac", True), ("a*bc*d", "aXbcYd", True), ("*", "", True), ("a**", "a", True),
     ("aba*aba", "aba", False), ("a*b*a", "aba", True), ("a?c", "abc", False), ("[a]", "a", False)],
)  # fmt: skip
def test_a_star_stands_for_anything_and_nothing_else_is_special(pattern: str, text: str, expected: bool) -> None:
    assert fits(pattern, text) is expected


@pytest.mark.parametrize(
    ("changes", "intent", "reason"),
    [
        ({"mode": "shadow"}, {}, "shadow rule"),
        ({"origin": "backfill"}, {}, "origin backfill"),
        ({"origin": "import"}, {}, "origin import"),
        ({}, {"what": "acknowledged"}, "acknowledged: reminders stop, and nothing is sent"),
    ],
)
def test_what_is_not_told_of_says_why_on_each_channel(changes: Any, intent: Any, reason: str) -> None:
    fates = list(route(an_intent(an_alert(**changes), **intent), a_situation(a_channel(1), a_channel(2))))

    assert [fate.verdict.reason for fate in fates] == [reason, reason]
    assert not any(fate.verdict.goes_on or fate.verdict.look_again_at for fate in fates)


def test_history_is_told_of_where_that_was_asked_and_late_events_are_no_history() -> None:
    asked = an_intent(an_alert(origin="backfill"), asked=True)
    late = an_intent(an_alert(origin="late"))

    assert all(fate.verdict.goes_on for each in (asked, late) for fate in route(each, a_situation(a_channel())))


def test_an_alert_that_no_channel_takes_is_held_once_and_says_so() -> None:
    channels = a_channel(1, matcher={"severity": "info"}), a_channel(2, enabled=False)

    (fate,) = route(an_intent(an_alert()), a_situation(*channels))

    assert (fate.channel, fate.verdict.reason) == (None, "no channel matches")


def test_a_silence_holds_until_it_ends_and_names_its_owner() -> None:
    silences = [a_silence({"rule": "ssh*"}), a_silence({}, hours=2), a_silence({"severity": "info"}, hours=3)]

    verdict = not_silenced(an_alert(), silences, NOW)

    assert (verdict.reason, verdict.look_again_at) == ("silenced by ada: maintenance", NOW + timedelta(hours=2))
    assert not_silenced(an_alert(), silences, NOW + timedelta(hours=2)).goes_on
    assert not_silenced(an_alert(), silences, NOW - timedelta(seconds=1)).goes_on


def test_an_inhibition_holds_what_follows_from_a_firing_alert_with_equal_values() -> None:
    inhibition = Inhibition(
        UUID(int=1), read_matcher({"rule": "host down"}), read_matcher({"severity": "warning"}), ("group.host",)
    )
    down = an_alert(1, rule_name="host down", group={"host": "a"})
    same = an_alert(2, severity="warning", group={"host": "a"})
    elsewhere = an_alert(3, severity="warning", group={"host": "b"})

    assert "host down" in not_inhibited(same, [inhibition], [down], NOW).reason
    assert not not_inhibited(same, [inhibition], [down], NOW).goes_on
    assert not_inhibited(elsewhere, [inhibition], [down], NOW).goes_on
    assert not_inhibited(same, [inhibition], [an_alert(1, rule_name="host down", state="resolved")], NOW).goes_on
    everything = Inhibition(UUID(int=2), read_matcher({}), read_matcher({}))
    assert not_inhibited(down, [everything], [down, same], NOW).goes_on, "alerts that are both mute nobody"


def test_alerts_of_a_channel_gather_by_its_paths() -> None:
    channel = a_channel(group_by=["rule", "labels.team", "group.payload.ip", "labels.none"])

    assert group_of(channel, an_alert(1)) == group_of(channel, an_alert(2, severity="info"))
    assert group_of(channel, an_alert(1)) != group_of(channel, an_alert(1, group={"payload.ip": "10.0.0.2"}))
    assert group_of(a_channel(group_by=[]), an_alert()) == "{}"


def test_a_group_waits_for_others_first_and_then_for_its_interval() -> None:
    channel = a_channel(group_wait_seconds=10, group_interval_seconds=60)

    assert gather(channel, "{}", last_sent_at=None, now=NOW).due_at == NOW + timedelta(seconds=10)
    told = gather(channel, "{}", last_sent_at=NOW - timedelta(seconds=5), now=NOW)
    assert (told.due_at, "a moment ago" in told.reason) == (NOW + timedelta(seconds=55), True)
    at_once = gather(a_channel(group_wait_seconds=0), "{}", last_sent_at=None, now=NOW)
    assert (at_once.due_at, at_once.reason) == (NOW, "due now")


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-01-30T07:00+00:00", None),  # Friday 08:00 in Berlin
        ("2026-01-30T16:59+00:00", None),
        ("2026-01-30T17:00+00:00", "2026-01-30T21:00+00:00"),  # Friday 22:00 begins the night shift
        ("2026-01-31T04:59+00:00", None),  # which goes on into Saturday, until 06:00
        ("2026-01-31T05:00+00:00", "2026-02-02T07:00+00:00"),
    ],
)
def test_hours_are_those_of_the_channels_time_zone(now: str, opens: str | None) -> None:
    hours = read_open_hours(
        [{"days": ["mon", "fri"], "from": "08:00", "to": "18:00"}, {"days": ["fri"], "from": "22:00", "to": "06:00"}],
        "Europe/Berlin",
    )

    verdict = inside_hours(hours, datetime.fromisoformat(now))

    assert verdict.goes_on is (opens is None)
    assert verdict.look_again_at == (datetime.fromisoformat(opens) if opens else None)


def test_hours_that_a_change_of_clocks_swallows_begin_when_the_clock_shows_them() -> None:
    hours = read_open_hours([{"from": "02:30", "to": "04:00"}], "Europe/Berlin")

    verdict = inside_hours(hours, datetime.fromisoformat("2026-03-29T00:59+00:00"))  # 01:59; next comes 03:00

    assert verdict.look_again_at == datetime.fromisoformat("2026-03-29T01:00+00:00")


@pytest.mark.parametrize(
    ("hours", "zone", "sentence"),
    [
        ([{"from": "8:00", "to": "18:00"}], "UTC", "time of day"),
        ([{"from": "08:00", "to": "24:01"}], "UTC", "time of day"),
        ([{"from": "24:00", "to": "24:00"}], "UTC", "from must be"),
        ([{"days": ["Monday"], "from": "08:00", "to": "18:00"}], "UTC", "mon, tue"),
        ([{"days": ["mon"]}], "UTC", "must be like"),
        ([], "Berlin", "such as Europe/Berlin"),
        ([], "../etc/passwd", "such as Europe/Berlin"),
        ("always", "UTC", "must be a list"),
    ],
)
def test_hours_that_no_clock_shows_are_refused(hours: Any, zone: str, sentence: str) -> None:
    with pytest.raises(EventPulseError, match=sentence):
        read_open_hours(hours, zone)


def test_who_acknowledges_is_reminded_no_more() -> None:
    assert still_worth_a_reminder("open").goes_on
    assert not still_worth_a_reminder("acknowledged").goes_on
    assert not still_worth_a_reminder("resolved").goes_on
    assert next_reminder(a_channel(repeat_interval_seconds=3600), NOW) == LATER
    assert next_reminder(a_channel(repeat_interval_seconds=0), NOW) is None


def test_the_last_room_of_a_minute_is_kept_for_a_digest() -> None:
    sent = [NOW - timedelta(seconds=50), NOW - timedelta(seconds=20)]

    assert room_for(5, sent, max_per_minute=4, now=NOW).form is Form.SINGLE
    assert room_for(5, sent, max_per_minute=3, now=NOW).form is Form.DIGEST
    assert room_for(1, sent, max_per_minute=3, now=NOW).form is Form.SINGLE
    full = room_for(5, sent, max_per_minute=2, now=NOW)
    assert (full.form, full.not_before) == (None, NOW + timedelta(seconds=10))
    assert full.reason == "storm limit: 2 messages a minute"


def test_a_message_is_tried_again_later_and_later_and_not_before_the_receiver_asked() -> None:
    pauses = [(next_try(attempts, NOW, chance=0.999999) - NOW).total_seconds() for attempts in range(1, 9)]

    assert [round(pause) for pause in pauses] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert next_try(1, NOW, chance=0.0) == NOW + timedelta(seconds=2.5)
    assert next_try(1, NOW, chance=0.5, asked=timedelta(seconds=90)) == NOW + timedelta(seconds=90)
    assert next_try(1, NOW, chance=0.5, asked=timedelta(days=9)) == LATER


def test_a_dead_channel_rests_and_is_visible() -> None:
    assert rest_after(4, NOW) is None
    assert rest_after(5, NOW) == NOW + timedelta(minutes=5)
    assert rest_after(1, NOW, asked=timedelta(seconds=7)) == NOW + timedelta(seconds=7)
    assert [state_of(enabled=True, failures=number) for number in (0, 1, 5)] == ["ok", "failing", "dead"]
    assert state_of(enabled=False, failures=9) == "disabled"


def test_giving_up_has_a_reason() -> None:
    tried = {"first_due_at": NOW, "now": NOW + timedelta(hours=1)}
    assert worth_another_try(attempts=2, refused=True, **tried).goes_on
    assert worth_another_try(attempts=3, refused=True, **tried).reason == "failed: refused 3 times"
    assert worth_another_try(attempts=99, refused=False, **tried).goes_on
    late = worth_another_try(attempts=99, refused=False, first_due_at=NOW, now=NOW + timedelta(hours=24))
    assert late.reason == "gave up: not delivered within 24 hours"
    assert after_interruption(interrupted_before=False, receiver_knows_keys=False).goes_on
    assert not after_interruption(interrupted_before=True, receiver_knows_keys=False).goes_on
    assert after_interruption(interrupted_before=True, receiver_knows_keys=True).goes_on


def test_what_is_due_says_how_things_are_now() -> None:
    channel, sent, underway = a_channel(), an_alert(4, state="resolved"), an_alert(5, state="resolved")
    short_lived = an_alert(3, state="resolved")
    intents = [
        an_intent(an_alert(1), outbox_id=1),
        an_intent(an_alert(2, state="acknowledged"), outbox_id=2),
        an_intent(short_lived, outbox_id=3),
        an_intent(short_lived, "resolved", outbox_id=4),
        an_intent(sent, "resolved", outbox_id=5),
        an_intent(underway, "resolved", outbox_id=6),
        an_intent(an_alert(6, state="resolved"), "resolved", outbox_id=7),
        an_intent(an_alert(7, severity="info"), outbox_id=8),
    ]
    openings = {sent.alert_id: Opening.SENT, underway.alert_id: Opening.UNDERWAY}

    settled = settle(intents, channel, a_situation(channel, silences=[a_silence({"severity": "info"})]), openings)

    assert list(settled.firing) == [an_alert(1).alert_id, short_lived.alert_id]
    assert list(settled.resolved) == [sent.alert_id]
    assert sorted(settled.outbox_ids) == [1, 3, 4, 5]
    assert {intent.outbox_id: verdict.reason for intent, verdict in settled.held} == {
        2: "acknowledged before it was due",
        6: "waits until its opening has been sent",
        7: "its opening was not sent here",
        8: "silenced by ada: maintenance",
    }


def test_what_was_silenced_is_told_of_afterwards_unless_it_is_over() -> None:
    channel = a_channel()

    assert look_again(an_intent(an_alert()), channel, a_situation()).group is not None
    assert look_again(an_intent(an_alert(state="resolved")), channel, a_situation()).verdict.reason == (
        "held until it was over"
    )
    assert look_again(an_intent(an_alert(state="acknowledged")), channel, a_situation()).group is None


def test_a_reminder_is_about_what_is_still_open_and_not_silenced() -> None:
    open_one, silenced = an_alert(1), an_alert(2, severity="info")
    silences = [a_silence({"severity": "info"})]

    still, _ = settle_reminder([open_one, silenced, an_alert(3, state="resolved")], a_situation(silences=silences))
    assert still == [open_one]
    still, why = settle_reminder([an_alert(3, state="resolved"), silenced], a_situation(silences=silences))
    assert (still, why.look_again_at) == ([], LATER)


def test_a_channel_without_resolutions_holds_them() -> None:
    channel = a_channel(send_resolved=False)
    (fate,) = route(an_intent(an_alert(state="resolved"), "resolved"), a_situation(channel))
    assert fate.verdict.reason == "the channel does not send resolved"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"max_per_minute": 0}, "max_per_minute must be a whole number from 1"),
        ({"group_wait_seconds": "10"}, "group_wait_seconds must be a whole number"),
        ({"group_wait_seconds": True}, "group_wait_seconds must be a whole number"),
        ({"group_by": "rule"}, "group_by must be a list"),
        ({"group_by": ["payload.ip"]}, "group.payload.ip"),
        ({"send_resolved": 1}, "send_resolved must be true or false"),
    ],
)
def test_a_channel_that_cannot_be_meant_is_refused_by_name(document: Any, sentence: str) -> None:
    with pytest.raises(EventPulseError, match=sentence):
        a_channel(**document)
