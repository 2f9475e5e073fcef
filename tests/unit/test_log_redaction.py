"""No secret stands in a log, whoever wrote the line."""

import io
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from eventpulse.log_redaction import redact_logs, without_secrets
from eventpulse.settings import Settings

# Written down, not minted: the names of tests must be the same in every process that collects them.
PREFIX = "a1b2c3d4"
KEY = f"ep_{PREFIX}_{'Zx9' * 14}Q"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"key {KEY} was used", f"key ep_{PREFIX}_*** was used"),
        (f"Authorization: Bearer {KEY[:40]}", "Authorization: Bearer ***"),
        ("cookie eventpulse_session_3000=abc.1.2.x; other", "cookie eventpulse_session_3000=***; other"),
        ("at postgresql://me:pa55@db:5432/x?y", "at postgresql://me:***@db:5432/x?y"),
        ("'postgresql+psycopg://me:p/a@5@db/x'", "'postgresql+psycopg://me:***@db/x'"),
        ("redis://:pa55@cache:6379/0 is away", "redis://:***@cache:6379/0 is away"),
        ("POST https://hooks.slack.com/services/T0/B0/x failed", "POST https://hooks.slack.com/*** failed"),
        ("https://discord.com/api/webhooks/1/x", "https://discord.com/api/webhooks/***"),
        ("slack://T0/B0/x/#ops is down", "slack://*** is down"),
        ("mailto://me:pa55@mail.example", "mailto://me:***@mail.example"),
        ("host=db password='pa 55' user=me", "host=db password=*** user=me"),
        ("nothing to hide at http://127.0.0.1:3000/a@b", "nothing to hide at http://127.0.0.1:***@b"),
        ("a plain line: 5:3@7, postgresql://db/x, redis://cache:6379", None),
    ],
)
def test_what_looks_like_a_secret_is_hidden(line: str, shown: str | None) -> None:
    assert without_secrets(line) == (line if shown is None else shown)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a logger with a formatter and a handler of its own writes."""
    stream, logger = io.StringIO(), logging.getLogger("somebody.elses")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def test_messages_arguments_and_tracebacks_are_clean(lines: io.StringIO) -> None:
    redact_logs(Settings(_env_file=None, database_url=SecretStr("postgresql://me:s%20cr3t@db/x")))

    try:
        raise ValueError("cannot reach postgresql://me:pa55@db/x")
    except ValueError:
        logging.getLogger("somebody.elses").exception("the password is %r", "s cr3t")

    said = lines.getvalue()
    assert "Traceback" in said
    assert "pa55" not in said
    assert "s cr3t" not in said


def test_settings_do_not_show_their_secrets() -> None:
    settings = Settings(
        _env_file=None,
        database_url=SecretStr("postgresql://me:pa55@db/x"),
        redis_url=SecretStr("redis://:pa55@cache"),
        session_secret=SecretStr("pa55" * 8),
    )

    assert "pa55" not in repr(settings) + str(settings) + str(settings.model_dump())
