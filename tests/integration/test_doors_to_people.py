"""Messages go out through real servers on loopback, which fail in every way there is; no secret comes back."""

import hashlib
import hmac
import io
import json
import logging
import socket
from datetime import timedelta
from typing import Any

import pytest

from eventpulse.clock import utc_now
from eventpulse.embedded.ports import choose_free_port
from eventpulse.message import Message
from eventpulse.notify import apprise_door, webhook_door
from eventpulse.notify.address_box import AddressBox, AddressLocked
from eventpulse.notify.outcome import Outcome
from eventpulse.notify.ping_door import ping
from eventpulse.notify.send import Address, check, send
from rules.routing.compose import compose
from tests.receivers import HttpReceiver, http_receiver, mailbox, texts_of
from tests.unit.test_messages import NOW, PAGE, told

SECRET = "a secret of the webhook"
KEY = "00000000-0000-4000-8000-000000000001"
MESSAGE = compose([told()], [], page=PAGE, now=NOW)


def post(url: str, message: Message = MESSAGE) -> Outcome:
    return send(Address("webhook", url, SECRET), message, key=KEY, channel="ops", now=utc_now())


def tell(url: str) -> Outcome:
    return send(Address("apprise", url), MESSAGE, key=KEY, channel="ops", now=utc_now())


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What everything below the root logger says, at its most talkative."""
    text, root = io.StringIO(), logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers, logging.StreamHandler(text)])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    return text


def test_no_log_has_the_address_of_a_webhook(log: io.StringIO) -> None:
    with http_receiver() as receiver:
        assert post(receiver.url).sent and ping(receiver.url) is None
    logging.getLogger().debug("the log is read")
    assert "the log is read" in log.getvalue() and "s3cr3t" not in log.getvalue()


def test_a_webhook_is_signed_over_time_and_body_and_names_its_delivery() -> None:
    with http_receiver() as receiver:
        assert post(receiver.url).sent

    (request,) = receiver.received
    timestamp = request.headers["eventpulse-timestamp"]
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["eventpulse-signature"] == f"v1={expected}"
    assert abs(int(timestamp) - utc_now().timestamp()) < 300
    assert request.headers["idempotency-key"] == KEY
    body = json.loads(request.body)
    assert (body["delivery_id"], body["kind"], body["channel"]) == (KEY, "firing", "ops")
    assert body["firing"][0]["where"] == "payload.ip 10.0.0.1"


@pytest.mark.parametrize(
    ("behaviour", "error", "refused", "asked"),
    [
        (500, "The webhook answered 500.", False, None),
        ((429, {"retry-after": "7"}), "The webhook answered 429.", False, 7),
        ((503, {"retry-after": "soon"}), "The webhook answered 503.", False, None),
        (404, "The webhook answered 404.", True, None),
        ((302, {"location": "http://127.0.0.1:1/elsewhere"}), "The webhook answered 302.", True, None),
        ("close", "The webhook's connection broke", False, None),
    ],
)
def test_what_a_webhook_answers_is_no_or_not_now(behaviour: Any, error: str, refused: bool, asked: int | None) -> None:
    with http_receiver(behaviour) as receiver:
        outcome = post(receiver.url)

    assert outcome.error is not None and outcome.error.startswith(error)
    assert outcome.refused is refused
    assert outcome.retry_after == (timedelta(seconds=asked) if asked else None)
    assert len(receiver.received) == 1
    assert "s3cr3t" not in outcome.error


def test_a_webhook_that_hangs_or_is_away_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_door, "ANSWER_SECONDS", 0.3)
    with http_receiver("hang") as receiver:
        assert "gave no answer" in (post(receiver.url).error or "")
    assert "cannot be reached" in (post(f"http://127.0.0.1:{choose_free_port()}/x").error or "")


def test_a_mail_arrives_as_text_and_as_html() -> None:
    with mailbox() as box:
        assert tell(box.url).sent

    (mail,) = box.mails
    plain, html = texts_of(mail)
    assert mail["subject"] == MESSAGE.subject
    assert "8 failed logins from 10.0.0.1" in plain and "more than 5" in plain and PAGE in plain
    assert f'href="{PAGE}#/alerts/' in html and "<script" not in html


def test_a_mail_server_that_refuses_is_quoted_without_secrets() -> None:
    with mailbox() as box:
        box.refuse = "554 no thanks, ada@example.com of s3cr3t-password"
        outcome = tell(box.url + "&name=s3cr3t-password")

    assert not outcome.sent and "554" in (outcome.error or "")
    assert "s3cr3t" not in (outcome.error or "") and "example.com" not in (outcome.error or "")


def test_a_mail_server_that_is_away_or_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not tell(f"mailto://127.0.0.1:{choose_free_port()}?from=a@example.com&to=b@example.com").sent
    monkeypatch.setattr(apprise_door, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        port = silent.getsockname()[1]
        assert not tell(f"mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com").sent


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A receiver in the place of Slack: only the address differs."""
    with http_receiver() as receiver:
        monkeypatch.setattr(apprise_door.NotifySlack, "webhook_url", f"http://127.0.0.1:{receiver.port}/services")
        yield receiver


SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7a/#ops"


def test_slack_gets_blocks(slack: HttpReceiver) -> None:
    assert tell(SLACK).sent

    (attachment,) = json.loads(slack.received[0].body)["attachments"]
    header, section = attachment["blocks"][:2]
    assert header == {"type": "header", "text": {"type": "plain_text", "text": MESSAGE.subject, "emoji": True}}
    assert section["text"]["type"] == "mrkdwn"
    assert "*Value:* 8 (limit: more than 5)" in section["text"]["text"]
    assert f"<{PAGE}#/alerts/{told().alert_id}|Open the alert>" in section["text"]["text"]


@pytest.mark.parametrize(("status", "refused"), [(500, False), (429, False), (404, True)])
def test_what_slack_answers_is_said_without_its_address(
    slack: HttpReceiver, status: int, refused: bool, log: io.StringIO
) -> None:
    slack.script.append(status)

    outcome = tell(SLACK)
    logging.getLogger().debug("the log is read")

    assert (outcome.error, outcome.refused) == (f"Slack answered {status}.", refused)
    assert "the log is read" in log.getvalue() and "TIiajkdnlazkcOXrIdevi7" not in log.getvalue()


@pytest.mark.parametrize(
    ("kind", "url", "secret", "sentence"),
    [
        ("apprise", "nothing://token-of-mine", None, "Apprise knows no service"),
        ("apprise", "slack://T1", None, "Apprise knows no service"),
        ("apprise", "", None, "one line"),
        ("webhook", "ftp://host/token-of-mine", SECRET, "must start with http"),
        ("webhook", "https://", SECRET, "must start with http"),
        ("webhook", "https://[::1/x", SECRET, "must start with http"),
        ("webhook", "https://host/", "short", "at least 16"),
        ("webhook", "https://host/", None, "at least 16"),
        ("pigeon", "https://host/", SECRET, "apprise or webhook"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_and_not_repeated(
    kind: str, url: str, secret: str | None, sentence: str
) -> None:
    with pytest.raises(Exception, match=sentence) as refused:
        check(Address(kind, url, secret))

    assert "token-of-mine" not in str(refused.value)
    assert not url or url not in repr(Address(kind, url, secret))


def test_addresses_are_unreadable_without_their_key() -> None:
    locked = AddressBox("one key").lock(SLACK)

    assert b"slack" not in locked and AddressBox("one key").unlock(locked) == SLACK
    with pytest.raises(AddressLocked, match="Enter the address again"):
        AddressBox("another key").unlock(locked)
