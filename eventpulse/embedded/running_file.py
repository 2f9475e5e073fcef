"""The file in which a running installation leaves its addresses, so that other commands find its servers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from eventpulse.embedded.private_file import write_private
from eventpulse.settings import Settings


@contextmanager
def announced(settings: Settings) -> Iterator[None]:
    """Have the file there, readable by its owner alone, for as long as the block lasts."""
    write_private(settings.running_file, _as_env(_addresses(settings)))
    try:
        yield
    finally:
        settings.running_file.unlink(missing_ok=True)


def _addresses(settings: Settings) -> Mapping[str, str]:
    if settings.database_url is None or settings.redis_url is None:
        raise ValueError("The servers have no address yet.")
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "EVENTPULSE_DAGSTER_PORT": str(settings.dagster_port),
        "EVENTPULSE_CODE_PORT": str(settings.code_port),
        "EVENTPULSE_POSTGRES_PORT": str(settings.postgres_port),
        "EVENTPULSE_REDIS_PORT": str(settings.redis_port),
        "EVENTPULSE_HISTORY_FROM": settings.history_from.isoformat(),
    }


def _as_env(values: Mapping[str, str]) -> str:
    # In single quotes, where only the quote itself and the backslash need care.
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in values.items()}
    return "".join(f"{name}='{value}'\n" for name, value in quoted.items())
