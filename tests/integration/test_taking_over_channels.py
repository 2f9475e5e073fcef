"""The file of channels of the original is taken over once; and signs of life are given only while all is well."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from eventpulse.clock import utc_now
from eventpulse.database.connect import open_connection
from eventpulse.notify.address_box import AddressBox
from pipelines.notifying.dead_man import look, signs_of_life
from pipelines.notifying.take_over_channels import take_over_channels
from rules.routing.signs_of_life import all_is_well
from tests.receivers import http_receiver, wait_for
from tests.sending import KEY, settings_of

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7a/#ops"
FILE = f"""
channels:
  - name: ops
    url: {SLACK}
    severity: [critical]
  - {{name: programs, kind: webhook, url: "https://example.com/hook", secret: a secret of the hook, max_per_minute: 5}}
"""


def test_a_file_of_channels_is_taken_over_once(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "channels.yaml"
    settings, box = settings_of(database_url, home=tmp_path), AddressBox(KEY)
    with open_connection(database_url, application="tests") as database:
        assert take_over_channels(database, settings, box) is None
        file.write_text(FILE)
        assert "2 channels" in (take_over_channels(database, settings, box) or "")
        rows = database.execute("select name, kind, url, plan from eventpulse.channels order by name").fetchall()
        database.execute("delete from eventpulse.channels")
        assert take_over_channels(database, settings, box) is None, "what a person removed does not come back"

    assert [(row[0], row[1]) for row in rows] == [("ops", "apprise"), ("programs", "webhook")]
    assert box.unlock(rows[0][2]) == SLACK
    assert rows[0][3]["matcher"] == {"severity": ["critical"]} and rows[1][3]["max_per_minute"] == 5


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("channels: {}", "a list of channels"),
        ("- {name: x, url: [", "read as YAML"),
        ("- url: slack://x", "entry 1 needs a name"),
        ("- {name: x, url: 'nothing://TIiajkdnlazkcOXrIdevi7a'}", "entry 1: Apprise knows no service"),
        (f"- {{name: ok, url: '{SLACK}'}}\n- {{name: x, url: '{SLACK}', colour: red}}", "entry 2: colour is not known"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing_and_says_why(
    database_url: str, tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with open_connection(database_url, application="tests") as database:
        said = take_over_channels(database, settings_of(database_url, channels_file=file), AddressBox(KEY))
        count = database.execute("select count(*) from eventpulse.channels").fetchone()

    assert said is not None and why in said and "TIiajkdnlazkcOXrIdevi7a" not in said
    assert count == (0,)


def test_signs_of_life_stay_away_while_nobody_drains(database_url: str, redis_url: str, engine: Engine) -> None:
    with http_receiver() as receiver, open_connection(database_url, application="tests") as database:
        more = {"redis_url": SecretStr(redis_url), "heartbeat_url": SecretStr(receiver.url)}
        settings = settings_of(database_url, **more).model_copy(update={"heartbeat_seconds": 0})
        assert look(settings, engine, utc_now()).reason == "nobody drains the stream"
        database.execute("insert into eventpulse.drain_leases values (0, 'run', now(), now(), now())")
        assert look(settings, engine, utc_now()).goes_on
        with signs_of_life(settings):
            wait_for(lambda: len(receiver.received) > 1, "signs of life are given")
        assert look(settings, engine, utc_now() + timedelta(seconds=20)).reason == "nobody drains the stream"
        away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
        assert look(away, engine, utc_now()).reason.startswith("a server does not answer")


def test_what_is_not_well_has_a_name() -> None:
    now = utc_now()
    fresh = {1: now, 2: now - timedelta(seconds=16)}
    assert all_is_well(fresh, missing=0, uncounted=0, now=now).reason == "nobody drains shard 2"
    assert all_is_well({0: None}, missing=0, uncounted=0, now=now).reason == "nobody drains the stream"
    assert all_is_well({0: now}, missing=3, uncounted=0, now=now).reason == "3 accepted events are missing"
    assert all_is_well({0: now}, missing=0, uncounted=0, now=now).goes_on
