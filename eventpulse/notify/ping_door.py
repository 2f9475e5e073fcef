"""The outgoing sign of life: one request to an address of somebody who notices when it stays away."""

from urllib.parse import urlsplit

import httpx2

from eventpulse.loopback import is_loopback
from eventpulse.notify.quiet_libraries import quiet_libraries

_SECONDS = 10.0
quiet_libraries()


def ping(url: str) -> str | None:
    """Call the address once; None where it was answered well, else a sentence that keeps the address secret."""
    try:
        trusting = not is_loopback(urlsplit(url).hostname or "")
        with httpx2.Client(timeout=_SECONDS, trust_env=trusting, follow_redirects=True) as client:
            status = client.get(url, headers={"user-agent": "EventPulse"}).status_code
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as fault:
        return f"The address of EVENTPULSE_HEARTBEAT_URL cannot be reached ({type(fault).__name__})."
    return None if status < 400 else f"The address of EVENTPULSE_HEARTBEAT_URL answered {status}."
