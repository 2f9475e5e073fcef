"""What holds for every sequence of alerts, silences and messages, whatever the channels say."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings, strategies as st

from rules.routing.active_hours import Hours, OpenHours, inside_hours, next_opening
from rules.routing.channel import ChannelPlan
from rules.routing.intent import Intent
from rules.routing.retry import LONGEST_ASKED, LONGEST_PAUSE, next_try
from rules.routing.route import route
from rules.routing.settle import Opening, settle
from rules.routing.silence import Silence
from rules.routing.storm_limit import WINDOW, Form, room_for
from rules.routing.wildcard import fits
from tests.routing_examples import NOW, a_channel, a_silence, a_situation, an_alert, an_intent

SEVERITIES = st.sampled_from(["critical", "warning", "info"])


@st.composite
def some_intents(draw: st.DrawFn) -> list[Intent]:
    intents: list[Intent] = []
    for number in range(draw(st.integers(0, 30))):
        alert = an_alert(
            number // 2,
            severity=draw(SEVERITIES),
            state=draw(st.sampled_from(["open", "acknowledged", "resolved"])),
            mode=draw(st.sampled_from(["live", "live", "shadow"])),
            origin=draw(st.sampled_from(["live", "late", "backfill", "import"])),
            group={"payload.ip": draw(st.sampled_from(["a", "b", "c"]))},
        )
        what = draw(st.sampled_from(["opened", "opened", "resolved", "acknowledged"]))
        intents.append(an_intent(alert, what, outbox_id=number, asked=draw(st.booleans())))
    return intents


MATCHERS = st.sampled_from(
    [{}, {"severity": "critical"}, {"not": {"severity": "info"}}, {"group": {"payload.ip": "a"}}]
)
PATHS = st.sampled_from([[], ["rule"], ["severity", "group.payload.ip"]])
CHANNELS = st.lists(st.tuples(MATCHERS, PATHS, st.booleans()), max_size=4).map(
    lambda plans: [
        a_channel(number, matcher=matcher, group_by=paths, send_resolved=resolved)
        for number, (matcher, paths, resolved) in enumerate(plans)
    ]
)
SILENCES = st.lists(st.builds(a_silence, MATCHERS, hours=st.sampled_from([-1, 1, 2])), max_size=3)


@given(some_intents(), CHANNELS, SILENCES)
def test_every_intent_ends_on_every_channel_that_is_for_it_in_one_place_with_a_reason(
    intents: list[Intent], channels: Sequence[ChannelPlan], silences: Sequence[Silence]
) -> None:
    situation = a_situation(*channels, silences=silences)
    for intent in intents:
        fates = list(route(intent, situation))
        taking = [channel.channel_id for channel in channels if channel.matcher.matches(intent.alert)]

        assert [fate.channel.channel_id for fate in fates if fate.channel] == taking
        assert len(fates) == max(len(taking), 1)
        for fate in fates:
            assert fate.verdict.reason
            assert fate.verdict.goes_on == (fate.group is not None)
            if fate.group is not None:
                assert intent.what != "acknowledged" and intent.alert.mode == "live"


@given(some_intents(), CHANNELS, SILENCES, st.data())
def test_a_due_message_drops_no_intent_and_tells_none_twice(
    intents: list[Intent], channels: Sequence[ChannelPlan], silences: Sequence[Silence], data: st.DataObject
) -> None:
    for channel in channels:
        openings = {
            intent.alert.alert_id: data.draw(st.sampled_from(list(Opening)))
            for intent in intents
            if data.draw(st.booleans())
        }
        settled = settle(intents, channel, a_situation(*channels, silences=silences), openings)

        ended = settled.outbox_ids + [intent.outbox_id for intent, _ in settled.held]
        assert sorted(ended) == [intent.outbox_id for intent in intents]
        assert all(verdict.reason and not verdict.goes_on for _, verdict in settled.held)
        assert not set(settled.firing) & set(settled.resolved)
        told = {intent.alert.alert_id for intent in intents if intent.outbox_id in settled.outbox_ids}
        assert told == set(settled.firing) | set(settled.resolved)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), max_size=60), st.integers(1, 10))
def test_no_minute_ever_has_more_messages_than_the_limit_and_everything_gets_out(
    arrivals: list[tuple[float, int]], limit: int
) -> None:
    now, due, sent, told = NOW, 0, [], 0
    pauses = [*arrivals, *[(61.0, 0)] * 3]
    for pause, count in pauses:
        end = now + timedelta(seconds=pause)
        due += count
        while due:
            room = room_for(due, sent, max_per_minute=limit, now=now)
            if room.form is None:
                assert room.not_before is not None and room.not_before > now
                if room.not_before > end:
                    break
                now = room.not_before
                continue
            told += due if room.form is Form.DIGEST else 1
            due -= due if room.form is Form.DIGEST else 1
            sent.append(now)
        now = end

    for number, instant in enumerate(sent):
        assert sum(instant - WINDOW < other <= instant for other in sent[: number + 1]) <= limit
    assert told == sum(count for _, count in arrivals)


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 10**7))
def test_a_retry_is_never_at_once_and_never_later_than_an_hour(
    attempts: int, chance: float, asked: float | None
) -> None:
    wanted = None if asked is None else timedelta(seconds=asked)
    pause = next_try(attempts, NOW, chance=chance, asked=wanted) - NOW

    assert timedelta(seconds=2.5) <= pause <= (LONGEST_PAUSE if wanted is None else LONGEST_ASKED)
    assert wanted is None or pause >= min(wanted, LONGEST_ASKED)


HOURS = st.builds(Hours, st.frozensets(st.integers(0, 6), min_size=1), st.integers(0, 1439), st.integers(0, 1440))


@settings(max_examples=settings().max_examples // 4)  # each looks at a week of minutes
@given(
    st.lists(HOURS, min_size=1, max_size=3),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda instant: instant.replace(tzinfo=UTC)),
)
def test_a_closed_channel_opens_at_the_first_minute_of_its_hours(hours: list[Hours], zone: str, now: datetime) -> None:
    open_hours = OpenHours(tuple(hours), zone)
    opens = next_opening(open_hours, now)

    assert opens is not None and opens > now
    assert inside_hours(open_hours, opens).goes_on
    before = opens - timedelta(minutes=1)
    assert before <= now or not inside_hours(open_hours, before).goes_on


@given(st.lists(st.sampled_from(["a", "b", "ab", "*"]), max_size=7).map("".join), st.text("ab", max_size=9))
def test_wildcards_mean_what_a_regular_expression_would(pattern: str, text: str) -> None:
    assert fits(pattern, text) is (re.fullmatch(pattern.replace("*", ".*"), text) is not None)
