"""Alerts reach people: once, grouped, in time; and whatever is not sent has a reason."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from eventpulse.clock import utc_now
from eventpulse.database.connect import open_connection
from tests.alerts_in_database import acknowledge_alerts, alert_id, open_alerts, resolve_alerts
from tests.receivers import HttpReceiver, http_receiver, mailbox, texts_of, wait_for
from tests.sending import add_channel, deliveries, sending, settings_of, unaccounted


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    with open_connection(database_url, application="tests") as connection:
        yield connection


def bodies(receiver: HttpReceiver) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in receiver.received]


def change_plan(database: psycopg.Connection, **plan: Any) -> None:
    database.execute("update eventpulse.channels set plan = (plan::jsonb || %s)::json", (Jsonb(plan),))


def next_reminder_after(database: psycopg.Connection, instant: datetime) -> bool:
    return any(row["due_at"] > instant for row in deliveries(database, state="waiting", reminder=True))


def all_settled(database: psycopg.Connection) -> bool:
    """Whether nothing is to be routed and nothing is underway or due soon."""
    row = database.execute(
        "select exists (select from eventpulse.outbox where routed_at is null),"
        " exists (select from eventpulse.deliveries where state in ('waiting', 'sending'))"
    ).fetchone()
    return row == (False, False)


def test_an_alert_is_told_of_and_so_is_its_end(database: psycopg.Connection, database_url: str) -> None:
    with http_receiver() as receiver, mailbox() as box, sending(settings_of(database_url)) as notes:
        add_channel(database, "hook", receiver.url)
        add_channel(database, "mail", box.url, kind="apprise")
        open_alerts(database, 1)
        wait_for(lambda: len(receiver.received) == 1 and len(box.mails) == 1, "both are told")
        resolve_alerts(database, 1)
        wait_for(lambda: len(receiver.received) == 2 and len(box.mails) == 2, "both are told of the end")
        wait_for(lambda: all_settled(database), "it is written down")

    first, second = bodies(receiver)
    assert (first["kind"], first["firing"][0]["alert_id"]) == ("firing", str(alert_id(1)))
    assert (second["kind"], second["resolved"][0]["state"]) == ("resolved", "over")
    assert len(set(receiver.keys)) == 2
    assert box.mails[0]["subject"] == "[CRITICAL] ssh brute force – payload.ip 10.0.0.1"
    assert f"/dashboard#/alerts/{alert_id(1)}" in texts_of(box.mails[0])[0]
    assert "https://wiki.example.com/ssh" in texts_of(box.mails[0])[1]
    assert box.mails[1]["subject"] == "[RESOLVED] ssh brute force – payload.ip 10.0.0.1"
    assert [each["reason"] for each in deliveries(database)] == ["sent"] * 4
    assert unaccounted(database) == []
    assert notes.sent == 4


def test_whatever_is_not_sent_says_why(database: psycopg.Connection, database_url: str) -> None:
    until = utc_now() + timedelta(hours=1)
    database.execute(
        "insert into eventpulse.silences (silence_id, matcher, owner, reason, starts_at, ends_at)"
        " values (gen_random_uuid(), '{\"group\": {\"payload.ip\": \"10.0.0.3\"}}', 'ada', 'upgrade', now(), %s)",
        (until,),
    )
    database.execute(
        "insert into eventpulse.inhibitions (inhibition_id, source, target, equal) values"
        ' (gen_random_uuid(), \'{"rule": "host down"}\', \'{"rule": "slow pages"}\', \'{}\')'
    )
    with http_receiver() as receiver, sending(settings_of(database_url)):
        add_channel(
            database, "hook", receiver.url, group_by=["group.payload.ip"], matcher={"not": {"severity": "info"}}
        )
        open_alerts(database, 1, mode="shadow")
        open_alerts(database, 2, origin="backfill")
        open_alerts(database, 3)
        open_alerts(database, 4, severity="info")
        open_alerts(database, 5, rule_name="host down")
        open_alerts(database, 6, rule_name="slow pages")
        open_alerts(database, 7, origin="import", asked=True)
        acknowledge_alerts(database, 5)
        wait_for(lambda: all_settled(database), "all is settled")

    reasons = {tuple(each["alert_ids"]): each["reason"] for each in deliveries(database, state="held")}
    acknowledged = "acknowledged: reminders stop, and nothing is sent"
    assert [each["reason"] for each in deliveries(database, state="held") if alert_id(5) in each["alert_ids"]] in (
        [acknowledged],
        [acknowledged, "acknowledged before it was due"],
        ["acknowledged before it was due", acknowledged],
    )
    assert reasons[(alert_id(1),)] == "shadow rule"
    assert reasons[(alert_id(2),)] == "origin backfill"
    assert reasons[(alert_id(3),)] == "silenced by ada: upgrade"
    assert reasons[(alert_id(4),)] == "no channel matches"
    assert reasons[(alert_id(6),)] == f'inhibited by the alert {alert_id(5)} of "host down"'
    told = {alert["alert_id"] for body in bodies(receiver) for alert in body["firing"]}
    assert told - {str(alert_id(5))} == {str(alert_id(7))}, "what was asked for is told of"


def test_what_was_silenced_is_told_of_when_the_silence_ends_and_it_still_fires(
    database: psycopg.Connection, database_url: str
) -> None:
    silence = "insert into eventpulse.silences values (gen_random_uuid(), '{}', 'ada', 'upgrade', now(), %s)"
    database.execute(silence, (utc_now() + timedelta(seconds=2),))
    with http_receiver() as receiver, sending(settings_of(database_url)):
        add_channel(database, "hook", receiver.url)
        open_alerts(database, 1, 2)
        wait_for(lambda: len(deliveries(database, state="held")) == 1, "it is held")
        resolve_alerts(database, 2)
        wait_for(lambda: all_settled(database) and len(receiver.received) == 1, "the one that still fires is told of")

    (body,) = bodies(receiver)
    assert [alert["alert_id"] for alert in body["firing"]] == [str(alert_id(1))]
    assert unaccounted(database) == []


def test_alerts_of_a_group_travel_together(database: psycopg.Connection, database_url: str) -> None:
    with http_receiver() as receiver:
        add_channel(database, "hook", receiver.url, group_wait_seconds=1)
        add_channel(database, "each", receiver.url, group_by=["group.payload.ip"])
        with sending(settings_of(database_url)):
            for number in range(1, 6):
                open_alerts(database, number)
            wait_for(lambda: all_settled(database), "all is told")

    by_channel = {name: [b for b in bodies(receiver) if b["channel"] == name] for name in ("hook", "each")}
    assert [len(body["firing"]) for body in by_channel["hook"]] == [5]
    assert by_channel["hook"][0]["subject"] == "[CRITICAL] ssh brute force – 5 alerts"
    assert [len(body["firing"]) for body in by_channel["each"]] == [1] * 5
    assert unaccounted(database) == []


def test_a_receiver_that_fails_gets_the_same_message_with_the_same_key_again(
    database: psycopg.Connection, database_url: str
) -> None:
    with http_receiver(500, "close", (429, {"retry-after": "1"})) as receiver:
        add_channel(database, "hook", receiver.url)
        with sending(settings_of(database_url)):
            open_alerts(database, 1)
            wait_for(lambda: len(receiver.received) == 1, "tried once")
            for tries in (2, 3, 4):  # nobody waits out the pauses
                wait_for(lambda: bool(deliveries(database, state="waiting")), "it waits for another try")
                (row,) = deliveries(database, state="waiting")
                assert row["due_at"] > row["attempted_at"] and row["last_error"].startswith("The webhook")
                database.execute("update eventpulse.deliveries set due_at = now() where state = 'waiting'")
                database.execute("update eventpulse.channels set waits_until = null, waits_why = null")
                database.execute("select pg_notify('eventpulse_outbox', '')")
                wait_for(lambda: len(receiver.received) == tries, "tried again")  # noqa: B023
            wait_for(lambda: all_settled(database), "it is sent")

    (row,) = deliveries(database)
    assert (row["state"], row["attempts"]) == ("sent", 4)
    assert len(set(receiver.keys)) == 1
    assert len({each.body for each in receiver.received}) == 1
    state = database.execute("select failures, last_error from eventpulse.channels").fetchone()
    assert state == (0, None)


def test_a_channel_that_hangs_delays_no_other_and_a_refusal_is_final(
    database: psycopg.Connection, database_url: str
) -> None:
    with http_receiver("hang") as slow, http_receiver() as quick, http_receiver(404, 404, 404) as wrong:
        add_channel(database, "slow", slow.url)
        add_channel(database, "quick", quick.url)
        add_channel(database, "wrong", wrong.url, matcher={"group": {"payload.ip": "10.0.0.1"}})
        with sending(settings_of(database_url)):
            open_alerts(database, 1)
            wait_for(lambda: len(slow.received) == 1, "the slow one is being told")
            for number in (2, 3):
                open_alerts(database, number)
                wait_for(lambda: len(quick.received) == number, "the quick one is told meanwhile")  # noqa: B023
            assert deliveries(database, channel_name="slow", state="sending")
            for tries in (2, 3):
                database.execute(
                    "update eventpulse.deliveries set due_at = now() where attempts > 0 and state = 'waiting'"
                )
                database.execute("select pg_notify('eventpulse_outbox', '')")
                wait_for(lambda: len(wrong.received) >= tries, "refused again")  # noqa: B023
            wait_for(lambda: bool(deliveries(database, channel_name="wrong", state="failed")), "it is given up")
            slow.released.set()

    (failed,) = deliveries(database, channel_name="wrong", state="failed")
    assert failed["reason"] == "failed: refused 3 times" and failed["last_error"] == "The webhook answered 404."


def test_ten_thousand_alerts_are_a_handful_of_messages(database: psycopg.Connection, database_url: str) -> None:
    with http_receiver() as receiver:
        add_channel(database, "hook", receiver.url, group_by=["group.payload.ip"], max_per_minute=3)
        for first in range(1, 10_001, 2_500):
            open_alerts(database, *range(first, first + 2_500))
        with sending(settings_of(database_url)):
            wait_for(lambda: all_settled(database), "all is told", seconds=120)

    told = bodies(receiver)
    assert len(told) == 3, [body["subject"] for body in told]
    assert told[-1]["kind"] == "digest" and "9,998 alerts in 9,998 groups" in told[-1]["subject"]
    assert unaccounted(database) == []
    (digest,) = deliveries(database, kind="digest")
    assert len(digest["alert_ids"]) == 9_998 and digest["state"] == "sent"


def test_over_the_limit_messages_wait_and_the_channel_says_so(database: psycopg.Connection, database_url: str) -> None:
    with http_receiver() as receiver:
        add_channel(database, "hook", receiver.url, group_by=["group.payload.ip"], max_per_minute=1)
        with sending(settings_of(database_url)):
            open_alerts(database, 1)
            wait_for(lambda: len(receiver.received) == 1, "the first is told")
            open_alerts(database, 2, 3)
            wait_for(lambda: waits(database) is not None, "the channel waits")
    assert waits(database) == "storm limit: 1 messages a minute"
    assert len(deliveries(database, state="waiting")) == 2


def waits(database: psycopg.Connection) -> str | None:
    row = database.execute("select waits_why from eventpulse.channels").fetchone()
    return row[0] if row else None


def test_outside_of_its_hours_a_channel_keeps_what_there_is(database: psycopg.Connection, database_url: str) -> None:
    tomorrow = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(utc_now().weekday() + 2) % 7]
    with http_receiver() as receiver:
        hours = [{"days": [tomorrow], "from": "08:00", "to": "18:00"}]
        add_channel(database, "hook", receiver.url, active_hours=hours)
        with sending(settings_of(database_url)):
            open_alerts(database, 1)
            wait_for(lambda: waits(database) is not None, "the channel waits")
    assert (waits(database) or "").startswith("outside active hours, until ")
    assert receiver.received == [] and len(deliveries(database, state="waiting")) == 1


def test_who_does_not_answer_is_reminded_until_somebody_acknowledges(
    database: psycopg.Connection, database_url: str
) -> None:
    with http_receiver() as receiver:
        add_channel(database, "hook", receiver.url, repeat_interval_seconds=1)
        with sending(settings_of(database_url)):
            open_alerts(database, 1, 2)
            wait_for(lambda: len(receiver.received) >= 2, "a reminder comes")
            acknowledge_alerts(database, 1)
            wait_for(lambda: bodies(receiver)[-1]["firing"][0]["alert_id"] == str(alert_id(2)), "less is reminded of")
            # The last reminder is far away until the alert is acknowledged, so that it cannot be underway by then.
            change_plan(database, repeat_interval_seconds=3600)
            wait_for(lambda: next_reminder_after(database, utc_now() + timedelta(minutes=30)), "the next one waits")
            acknowledge_alerts(database, 2)
            database.execute("update eventpulse.deliveries set due_at = now() where state = 'waiting'")
            database.execute("select pg_notify('eventpulse_outbox', '')")
            wait_for(lambda: all_settled(database), "nobody is reminded any more")

    assert bodies(receiver)[1]["subject"] == "[CRITICAL] Still firing: ssh brute force – 2 alerts"
    assert deliveries(database, reminder=True)[-1]["reason"] == "no reminder: it is acknowledged"
    assert unaccounted(database) == []


def test_a_channel_that_was_disabled_or_removed_holds_what_it_had(
    database: psycopg.Connection, database_url: str
) -> None:
    with http_receiver() as receiver:
        add_channel(database, "hook", receiver.url, group_wait_seconds=3600)
        with sending(settings_of(database_url)):
            open_alerts(database, 1)
            wait_for(lambda: len(deliveries(database, state="waiting")) == 1, "it gathers")
            database.execute("update eventpulse.channels set enabled = false")
            database.execute("select pg_notify('eventpulse_outbox', '')")
            wait_for(lambda: all_settled(database), "it is held")
    assert [row["reason"] for row in deliveries(database)] == ["the channel is disabled"]


def test_a_channel_whose_address_cannot_be_read_says_what_to_do(
    database: psycopg.Connection, database_url: str
) -> None:
    add_channel(database, "hook", "http://127.0.0.1:1/")
    database.execute("update eventpulse.channels set url = 'locked with another key'::bytea")
    with sending(settings_of(database_url)):
        open_alerts(database, 1)
        wait_for(lambda: any(row["last_error"] for row in deliveries(database)), "it is refused")
    assert "Enter the address again" in deliveries(database)[0]["last_error"]


def test_a_plan_or_a_message_that_cannot_be_read_stops_nothing_else(
    database: psycopg.Connection, database_url: str
) -> None:
    with http_receiver(500) as receiver:
        add_channel(database, "hook", receiver.url)
        broken = add_channel(database, "broken", receiver.url)
        database.execute("update eventpulse.channels set plan = '{\"matcher\": 7}' where channel_id = %s", (broken,))
        with sending(settings_of(database_url)):
            open_alerts(database, 1)
            wait_for(lambda: bool(deliveries(database, state="waiting", attempts=1)), "it failed once")
            database.execute("update eventpulse.deliveries set message = '{}', due_at = now()")
            open_alerts(database, 2)
            wait_for(lambda: len(deliveries(database, state="sent")) == 1, "the next one is told of")
    (failed,) = deliveries(database, state="failed")
    assert failed["reason"] == "failed: its message cannot be read any more"
    row = database.execute("select waits_why from eventpulse.channels where channel_id = %s", (broken,)).fetchone()
    assert row is not None and "matcher must be an object" in row[0]
