"""Everything Apprise can reach: Slack, Teams, Discord, PagerDuty, mail over SMTP and a hundred more.

Apprise answers with yes or no and logs the rest. So its log of one attempt is read here, for the status and for what
the connection said; nothing else of it leaves this file, since it holds addresses and payloads.
"""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import apprise
from apprise.plugins.slack import NotifySlack

from eventpulse.errors import EventPulseError
from eventpulse.log_redaction import without_secrets
from eventpulse.message import Message
from eventpulse.notify.as_html import as_html
from eventpulse.notify.as_slack import LONGEST_HEADER, as_slack
from eventpulse.notify.as_text import as_text
from eventpulse.notify.outcome import SENT, Outcome, failed, refused
from eventpulse.notify.quiet_libraries import quiet_libraries

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
_HIDDEN = "***"
_STATUS = re.compile(r"\berror=(\d{3})\b")
_SOCKET = re.compile(r"(?:Socket|SMTP|Connection)?\s*(?:Exception|error):?\s+(.{1,300})", re.IGNORECASE)
#: What connections say, and what people say.
_PLAINLY = {
    "NameResolution": "its name leads nowhere",
    "Name or service not known": "its name leads nowhere",
    "refused": "nothing listens there",
    "timed out": "it does not answer in time",
    "CERTIFICATE_VERIFY_FAILED": "its certificate cannot be trusted",
}
_TYPES = {
    "critical": apprise.NotifyType.FAILURE,
    "warning": apprise.NotifyType.WARNING,
    "info": apprise.NotifyType.INFO,
}
_ASSET = apprise.AppriseAsset(app_id="EventPulse", app_desc="EventPulse", app_url="", http_redirects=False)
_log = logging.getLogger("apprise")
_log.propagate = False
_log.setLevel(logging.DEBUG)
quiet_libraries()


class BadAddress(EventPulseError):
    """No address of a service that Apprise knows. The text does not repeat it."""


def check_address(url: str) -> str:
    """The name of the service an address belongs to, such as Slack. Raises BadAddress."""
    return str(_service(url).service_name)


def cannot_resolve(url: str) -> bool:
    """Whether a service would take the news that something is over for a new incident."""
    return urlsplit(url).scheme.lower() in ("pagerduty", "opsgenie", "signl4", "spike", "splunk", "victorops")


def send_apprise(url: str, message: Message) -> Outcome:
    """Send a message once, in the form that its service shows best. Never raises for what the service does."""
    try:
        service = _service(url)
    except BadAddress as fault:
        return refused(str(fault))
    name = str(service.service_name)
    with _captured() as lines:
        try:
            sent = service.notify(**_form(service, message), notify_type=_type_of(message))
        except Exception as fault:  # plugins by many hands; a message that could not be sent is no reason to stop
            return failed(f"{name} could not be told ({type(fault).__name__}).")
    return SENT if sent else _what_went_wrong(name, lines, url)


def _service(url: str) -> Any:
    with _captured():
        try:
            service = apprise.Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)
        except Exception:
            service = None
    if service is None:
        raise BadAddress(
            "Apprise knows no service by this address. Its form for each service is described at "
            "https://github.com/caronc/apprise/wiki."
        )
    service.socket_connect_timeout = CONNECT_SECONDS if urlsplit(url).scheme[:6] != "mailto" else ANSWER_SECONDS
    service.socket_read_timeout = ANSWER_SECONDS
    if hasattr(service, "include_image"):
        service.include_image = False  # it would be loaded from somebody else's server
    if isinstance(service, NotifySlack) and "blocks=" not in url:
        service.use_blocks = True
    return service


def _form(service: Any, message: Message) -> dict[str, Any]:
    """Title, body and its format. Services get plain text, so that nothing in an event is taken for markup."""
    if isinstance(service, NotifySlack):
        service.notify_format = apprise.NotifyFormat.MARKDOWN
        title = message.subject[:LONGEST_HEADER]
        return {"title": title, "body": as_slack(message), "body_format": None}
    if service.notify_format == apprise.NotifyFormat.HTML:
        return {"title": message.subject, "body": as_html(message), "body_format": apprise.NotifyFormat.HTML}
    body, title = _without_mentions(as_text(message)), _without_mentions(message.subject)
    return {"title": title, "body": body, "body_format": apprise.NotifyFormat.TEXT}


def _without_mentions(text: str) -> str:
    """Text that calls nobody: an invisible space behind each @."""
    return text.replace("@", "@\u200b")


def _type_of(message: Message) -> Any:
    if message.kind == "resolved":
        return apprise.NotifyType.SUCCESS
    return _TYPES.get(message.severity, apprise.NotifyType.INFO)


def _what_went_wrong(name: str, lines: list[str], url: str) -> Outcome:
    for line in lines:
        if found := _STATUS.search(line):
            status = int(found[1])
            sentence = f"{name} answered {status}."
            return failed(sentence) if status >= 500 or status in (408, 425, 429) else refused(sentence)
    for line in reversed(lines):
        if found := _SOCKET.search(line):
            why = next((words for sign, words in _PLAINLY.items() if sign in found[1]), None)
            return failed(f"{name} could not be told: {why or _scrubbed(found[1], url)}")
    return failed(f"{name} could not be told, and Apprise does not say why.")


def _scrubbed(text: str, url: str) -> str:
    """What a connection said, without any part of the address that may be secret."""
    text = " ".join(text.split())
    for part in sorted(_parts_of(url), key=len, reverse=True):
        text = text.replace(part, _HIDDEN)
    return without_secrets(text)[:200]


def _parts_of(url: str) -> set[str]:
    parts = re.split(r"[/?&=:@]+", url.partition("://")[2])
    return {each for part in parts for each in (part, unquote(part)) if len(each) >= 4}


class _Lines(logging.Handler):
    """Collects what this thread logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage()[:2_000])


@contextmanager
def _captured() -> Iterator[list[str]]:
    handler = _Lines()
    _log.addHandler(handler)
    try:
        yield handler.lines
    finally:
        _log.removeHandler(handler)
