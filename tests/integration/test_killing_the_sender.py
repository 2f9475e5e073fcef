"""A sender that is killed at any point loses nothing, and repeats at most the message it was sending, once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from eventpulse.database.connect import open_connection
from eventpulse.settings import PROJECT_ROOT
from tests.alerts_in_database import alert_id, open_alerts
from tests.receivers import HttpReceiver, http_receiver, mailbox, wait_for
from tests.sending import KEY, add_channel, deliveries, sending, settings_of, unaccounted

#: A real process that sends, and that the kernel ends at the point it is told of.
PROGRAM = """
import os, signal, sys
from eventpulse.database.notifications import deliveries
from eventpulse.settings import load_settings
from pipelines.notifying import send_notifications
from pipelines.notifying.sender_run import SenderRun

def die(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)

def and_die(call):
    def called(*args, **more):
        answer = call(*args, **more)
        if answer is None or answer:
            die()
        return answer
    return called

class Quiet:
    def say(self, sentence): pass
    def report(self, tally): pass
    def has_ended(self): return False

point = sys.argv[1]
if point == "before routing": send_notifications.route_some = die
if point == "after routing": send_notifications.route_some = and_die(send_notifications.route_some)
if point == "before the door": send_notifications.send = die
if point == "after the door": send_notifications.send = and_die(send_notifications.send)
if point == "before it is noted": deliveries.note_sent = and_die(deliveries.note_sent)
print("ready", flush=True)
SenderRun(load_settings(), "killed", Quiet()).run()
"""


@contextmanager
def a_process(database_url: str, point: str = "nowhere") -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, "DATABASE_URL": database_url, "EVENTPULSE_CHANNEL_KEY": KEY}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, point], cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()


def told(receiver: HttpReceiver) -> Counter[str]:
    """How often each alert was told of, by messages that are not the same one again."""
    once = {each.headers["idempotency-key"]: json.loads(each.body) for each in receiver.received}
    return Counter(alert["alert_id"] for body in once.values() for alert in body["firing"])


def test_a_sender_killed_in_any_step_loses_nothing_and_repeats_one_message_at_most(database_url: str) -> None:
    repeats = {
        "before routing": 0,
        "after routing": 0,
        "before the door": 0,
        "after the door": 1,
        "before it is noted": 1,
    }
    with http_receiver() as receiver, mailbox() as box, open_connection(database_url, application="tests") as database:
        add_channel(database, "hook", receiver.url, max_per_minute=600)
        add_channel(database, "mail", box.url, kind="apprise", max_per_minute=600)
        for number, (point, more) in enumerate(repeats.items(), 1):
            before, mails = len(receiver.received), len(box.mails)
            open_alerts(database, number)
            with a_process(database_url, point) as process:
                assert process.wait(30) == -signal.SIGKILL, point
            with sending(settings_of(database_url)):
                wait_for(lambda: len(deliveries(database, state="sent")) == 2 * number, point)  # noqa: B023
            assert 1 <= len(receiver.received) - before <= 1 + more, point
            assert 1 <= len(box.mails) - mails <= 1 + more, point
            assert told(receiver)[str(alert_id(number))] == 1, f"{point}: with the key, the receiver sees it once"
        assert unaccounted(database) == []


def test_a_message_whose_sender_dies_twice_is_tried_again_only_where_its_key_is_known(database_url: str) -> None:
    with http_receiver() as receiver, mailbox() as box, open_connection(database_url, application="tests") as database:
        for name, url, kind in (("mail", box.url, "apprise"), ("hook", receiver.url, "webhook")):
            add_channel(database, name, url, kind=kind, matcher={"rule": name})
        for number, name in enumerate(("mail", "hook"), 1):
            open_alerts(database, number, rule_name=name)
            for _ in range(2):
                with a_process(database_url, "after the door") as process:
                    assert process.wait(30) == -signal.SIGKILL
        with sending(settings_of(database_url)):
            wait_for(lambda: len(deliveries(database, channel_name="hook", state="sent")) == 1, "the hook is told")

        (mail,) = deliveries(database, channel_name="mail")
    assert mail["reason"] == "failed: its sender died twice while sending it; it may have arrived"
    assert len(box.mails) == 2
    assert len(receiver.received) == 3 and len(set(receiver.keys)) == 1


def test_senders_killed_at_random_moments_tell_of_every_alert_once(database_url: str) -> None:
    chance = random.Random(7)
    with http_receiver() as receiver, open_connection(database_url, application="tests") as database:
        add_channel(database, "hook", receiver.url, max_per_minute=600, group_by=["group.payload.ip"])
        number = 0
        for _ in range(3):
            with a_process(database_url):
                for _ in range(10):
                    number += 1
                    open_alerts(database, number)
                    time.sleep(chance.random() / 50)  # the moment of the kill is what this is about
        with sending(settings_of(database_url)):
            wait_for(lambda: len(told(receiver)) == number, "all is told", seconds=60)
            wait_for(lambda: len(deliveries(database, state="sent")) == number, "and written down")

        assert set(told(receiver).values()) == {1}
        assert max(Counter(receiver.keys).values()) <= 4
        assert unaccounted(database) == []
