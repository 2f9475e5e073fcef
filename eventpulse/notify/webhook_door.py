"""Our own webhook: JSON over HTTP, signed, with a key by which a receiver recognises a message it has seen.

    EventPulse-Timestamp: 1767225600
    EventPulse-Signature: v1=hex(HMAC-SHA256(secret, timestamp + "." + body))
    Idempotency-Key: the id of the delivery, the same at each attempt

A receiver checks the signature over the bytes it got, refuses timestamps more than five minutes off, and remembers keys
for longer than that.
"""

import hashlib
import hmac
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import urlsplit

import httpx2
import msgspec

from eventpulse.loopback import is_loopback
from eventpulse.message import Message
from eventpulse.notify.outcome import SENT, Outcome, failed, refused
from eventpulse.notify.quiet_libraries import quiet_libraries

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
_LONGEST_ANSWER = 64 * 1024
#: Answers that mean "not now" rather than "no".
_NOT_NOW = {408, 409, 421, 425, 429}
quiet_libraries()


def send_webhook(url: str, secret: str, message: Message, *, key: str, channel: str, now: datetime) -> Outcome:
    """Send a message once. Never raises for what the network or the receiver does, and never waits long for either.

    A redirect is not followed: it would take what is secret somewhere else.
    """
    body = body_of(message, key=key, channel=channel)
    timestamp = str(int(now.timestamp()))
    headers = {
        "content-type": "application/json",
        "user-agent": "EventPulse",
        "idempotency-key": key,
        "eventpulse-timestamp": timestamp,
        "eventpulse-signature": signature(secret, timestamp, body),
    }
    try:
        timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        trusting = not is_loopback(urlsplit(url).hostname or "")
        with (
            httpx2.Client(timeout=timeout, trust_env=trusting, verify=_trust(), follow_redirects=False) as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            _read_a_little(answer)
            return _outcome(answer, now)
    except httpx2.ConnectTimeout:
        return failed(f"The webhook's server does not answer within {CONNECT_SECONDS:.0f} s.")
    except httpx2.TimeoutException:
        return failed(f"The webhook took the connection and gave no answer within {ANSWER_SECONDS:.0f} s.")
    except httpx2.ConnectError:
        return failed("The webhook's server cannot be reached.")
    except httpx2.TransportError as fault:
        return failed(f"The webhook's connection broke ({type(fault).__name__}).")
    except (httpx2.InvalidURL, httpx2.HTTPError, ValueError) as fault:
        return refused(f"The webhook's address cannot be used ({type(fault).__name__}).")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What the header EventPulse-Signature says."""
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def body_of(message: Message, *, key: str, channel: str) -> bytes:
    """The body of a webhook."""
    return msgspec.json.encode({"delivery_id": key, "channel": channel, **msgspec.to_builtins(message)})


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Whom to trust. Reading it costs more than sending a message, so it is read once in a process."""
    return httpx2.create_ssl_context()


def _read_a_little(answer: httpx2.Response) -> None:
    """So that the connection ends in order; whoever sends without end is not listened to."""
    size = 0
    for chunk in answer.iter_raw():
        size += len(chunk)
        if size > _LONGEST_ANSWER:
            return


def _outcome(answer: httpx2.Response, now: datetime) -> Outcome:
    status = answer.status_code
    if 200 <= status < 300:
        return SENT
    sentence = f"The webhook answered {status}."
    if status >= 500 or status in _NOT_NOW:
        return failed(sentence, retry_after=read_retry_after(answer.headers.get("retry-after"), now))
    return refused(sentence)


def read_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """How long a receiver wants to be left alone: seconds or a date; None where it says nothing that can be read."""
    if not text:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return timedelta(seconds=min(int(text.strip()[:10]), 86_400))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)) - now, timedelta())
