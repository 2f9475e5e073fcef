"""A net below everything that logs: no key, password or token reaches a log, whoever wrote the line.

Nothing of ours writes a secret on purpose. Libraries, though, put addresses into their errors, and an address may hold
a password.
"""

import logging
import re
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from eventpulse.api_key import KEY_PATTERN
from eventpulse.settings import Settings

_HIDDEN = "***"
_SHORTEST_SECRET = 4
_KINDS = "postgres|postgresql|redis|rediss|http|https|ws|wss|file|mailto|mailtos|smtp|smtps|amqp|mysql"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (KEY_PATTERN, rf"ep_\1_{_HIDDEN}"),
    (re.compile(r"\b(bearer|basic)\s+[^\s\"',;]{8,}", re.IGNORECASE), rf"\1 {_HIDDEN}"),
    (re.compile(r"(eventpulse_session_\d+=)[^\s;\"']+"), rf"\1{_HIDDEN}"),
    # scheme://user:password@host; a password may hold slashes and @ where somebody forgot to encode them.
    (re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s\"'<>]*@", re.IGNORECASE), rf"\1:{_HIDDEN}@"),
    (re.compile(r"(https://hooks\.[^\s/]+/|https://[^\s/]+/api/webhooks/)[^\s\"'<>]+"), rf"\1{_HIDDEN}"),
    # Addresses of notification services (slack://token/…) are secrets as a whole.
    (
        re.compile(rf"(?<![\w+.-])(?!(?:{_KINDS})(?:\+\w+)?://)([a-z][a-z0-9+.-]*)://[^\s\"'<>]+", re.IGNORECASE),
        rf"\1://{_HIDDEN}",
    ),
    (re.compile(r"(\bpassword\s*[=:]\s*)('[^']*'|\"[^\"]*\"|[^\s,;)]+)", re.IGNORECASE), rf"\1{_HIDDEN}"),
)
_format = logging.Handler.format
_literal: set[str] = set()


def without_secrets(text: str) -> str:
    """The text with stars where a secret was: those of settings to the letter, others by what they look like."""
    for secret in sorted(_literal, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_logs(settings: Settings | None = None) -> None:
    """Hide secrets in every line this process logs from now on, tracebacks included. Safe to repeat.

    The place is where every handler makes its text: a filter would see neither the lines of child loggers nor
    tracebacks, which are written only then.
    """
    if settings is not None:
        _literal.update(_secrets_of(settings))

    def format_without_secrets(handler: logging.Handler, record: logging.LogRecord) -> str:
        return without_secrets(_format(handler, record))

    logging.Handler.format = format_without_secrets  # type: ignore[method-assign,assignment]


def _secrets_of(settings: Settings) -> set[str]:
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found |= _passwords_in(value.get_secret_value())
    return {secret for secret in found if len(secret) >= _SHORTEST_SECRET}


def _passwords_in(secret: str) -> set[str]:
    """The secret itself; of an address the password alone, as it stands there and decoded."""
    if "://" not in secret:
        return {secret}
    try:
        password = urlsplit(secret).password
    except ValueError:
        return {secret}
    return {password, unquote(password)} if password else set()
