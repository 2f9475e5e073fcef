"""Send one message over one channel, whichever kind it is."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from eventpulse.errors import EventPulseError
from eventpulse.message import Message
from eventpulse.notify.outcome import Outcome
from eventpulse.notify.webhook_door import send_webhook

_LONGEST_URL, _SHORTEST_SECRET = 4_000, 16


class BadAddressOfChannel(EventPulseError):
    """An address or a secret that no channel can have; the text repeats neither."""


@dataclass(frozen=True)
class Address:
    """Where a channel leads. It shows nothing secret, whoever prints it."""

    kind: str
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """What people may see of it."""
        return f"{urlsplit(self.url).scheme or 'unknown'}://***"


def check(address: Address) -> Address:
    """The address, if something could be sent there. Raises BadAddressOfChannel or BadAddress."""
    if not address.url or len(address.url) > _LONGEST_URL or not address.url.isprintable():
        raise BadAddressOfChannel(f"url must be one line of at most {_LONGEST_URL} characters")
    if address.kind == "apprise":
        from eventpulse.notify.apprise_door import check_address  # brings a hundred services with it

        check_address(address.url)
        return address
    if address.kind != "webhook":
        raise BadAddressOfChannel("kind must be apprise or webhook")
    try:
        parts = urlsplit(address.url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise BadAddressOfChannel("url of a webhook must start with http:// or https:// and name a host")
    if not address.secret or len(address.secret) < _SHORTEST_SECRET or len(address.secret) > _LONGEST_URL:
        raise BadAddressOfChannel(f"secret of a webhook must have at least {_SHORTEST_SECRET} characters")
    return address


def send(address: Address, message: Message, *, key: str, channel: str, now: datetime) -> Outcome:
    """Send once. `key` is the same at each attempt to send the same message."""
    if address.kind == "webhook":
        return send_webhook(address.url, address.secret or "", message, key=key, channel=channel, now=now)
    from eventpulse.notify.apprise_door import send_apprise

    return send_apprise(address.url, message)
