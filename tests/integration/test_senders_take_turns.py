"""One sender sends, whoever stands by; the lead changes hands without an alert being lost or told of twice."""

import json
import time

from eventpulse.database.connect import open_connection
from tests.alerts_in_database import alert_id, open_alerts
from tests.receivers import http_receiver, wait_for
from tests.sending import add_channel, deliveries, sending, settings_of, unaccounted


def test_the_lead_goes_round_while_alerts_come_in_and_each_is_told_of_once(database_url: str) -> None:
    settings = settings_of(database_url, lease_seconds=1)
    with http_receiver() as receiver, open_connection(database_url, application="tests") as database:
        add_channel(database, "hook", receiver.url, group_by=["group.payload.ip"], max_per_minute=600)
        number = 0
        with sending(settings, "a") as first, sending(settings, "b") as second:
            deadline = time.monotonic() + 60
            while not ("Handed over." in first.sentences or "Handed over." in second.sentences):
                assert time.monotonic() < deadline, "nobody handed over"
                number += 1
                open_alerts(database, number)
                wait_for(lambda: len(receiver.received) >= number, "it is told of")  # noqa: B023
            wait_for(lambda: not deliveries(database, state="sending"), "all is written down")

        told = [alert["alert_id"] for each in receiver.received for alert in json.loads(each.body)["firing"]]
        assert sorted(told) == sorted(str(alert_id(n)) for n in range(1, number + 1))
        assert unaccounted(database) == []


def test_a_sender_whose_connection_is_cut_goes_on(database_url: str) -> None:
    with http_receiver() as receiver, open_connection(database_url, application="tests") as database:
        add_channel(database, "hook", receiver.url)
        with sending(settings_of(database_url)) as notes:
            wait_for(lambda: bool(notes.sentences), "it sends")
            database.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                " and application_name like 'eventpulse sender %'"
            )
            open_alerts(database, 1)
            wait_for(lambda: len(receiver.received) == 1, "it is told of")
    assert any(sentence.startswith("Interrupted, trying again") for sentence in notes.sentences)
