"""Where a command finds the HTTP API, and what it shows to be let in."""

from urllib.parse import urlsplit

from eventpulse.errors import SettingsError
from eventpulse.loopback import address_of
from eventpulse.settings import Settings


def api_address(settings: Settings, url: str | None = None) -> str:
    """The base URL of the API, without a slash at its end: the given one, or that of this installation."""
    if url is None:
        return address_of(settings.host, settings.port)
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"--url must start with http:// or https://, got {url!r}.")
    return url.rstrip("/").removesuffix("/api/v1")


def on_this_machine(url: str) -> bool:
    """Whether a URL leads to loopback, where no proxy belongs in between."""
    return (urlsplit(url).hostname or "") in ("localhost", "127.0.0.1", "::1")


def authorization(key: str | None) -> dict[str, str]:
    """The header that carries an API key; empty without one."""
    return {"authorization": f"Bearer {key}"} if key else {}
