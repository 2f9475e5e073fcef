"""Sessions of browsers: a signed text in a cookie that names a key, and ends with it or before it.

The text is `prefix.expires.number.signature`. Nothing is kept of a session until it is ended before its time; then its
number is, until it would have expired.
"""

import hashlib
import hmac
import logging
import math
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import cached_property

from eventpulse.embedded.private_file import kept_password
from eventpulse.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was begun with the key of this prefix. `expires` counts seconds since 1970."""

    prefix: str
    expires: int
    number: str


class Sessions:
    """Begins sessions and recognises its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        #: The name of the cookie. The port is in it: browsers give the cookies of a machine to all of its ports.
        self.cookie = f"eventpulse_session_{settings.port}"

    @cached_property
    def _secret(self) -> bytes:
        return _secret_of(self._settings)

    def begin(self, prefix: str, now: float, *, not_after: float = math.inf) -> tuple[str, Session]:
        """A new session, and the text that stands for it. It ends with its key at the latest."""
        expires = int(min(now + self._settings.session_hours * 3600, not_after))
        session = Session(prefix, expires, secrets.token_hex(16))
        text = f"{prefix}.{expires}.{session.number}"
        return f"{text}.{self._signature(text)}", session

    def read(self, text: str, now: float) -> Session | None:
        """The session this text stands for; None where it is none of ours or over."""
        content, _, signature = text.rpartition(".")
        if not text.isascii() or not hmac.compare_digest(signature, self._signature(content)):
            return None
        prefix, expires, number = content.split(".")
        return Session(prefix, int(expires), number) if now < int(expires) else None

    def _signature(self, text: str) -> str:
        return urlsafe_b64encode(hmac.digest(self._secret, text.encode(), hashlib.sha256)).decode().rstrip("=")


def cookie_in(header: bytes, name: str) -> str | None:
    """The value of a cookie in a Cookie header."""
    wanted = name.encode() + b"="
    for part in header.split(b";"):
        part = part.strip()
        if part.startswith(wanted):
            return part[len(wanted) :].decode("latin-1")
    return None


def _secret_of(settings: Settings) -> bytes:
    """What sessions of this installation are signed with: the setting, or a random secret kept in its home folder."""
    if settings.session_secret is not None:
        return settings.session_secret.get_secret_value().encode()
    try:
        return kept_password(settings.home / "session-secret").encode()
    except OSError as fault:
        _log.warning("Sessions of browsers end with this process: their secret cannot be kept (%s).", fault.strerror)
        return secrets.token_bytes(32)
