"""Keep web pages of others from using the browser of somebody on this machine as their way in.

Two ways are known: a name of theirs that suddenly means 127.0.0.1 (DNS rebinding), which the Host header betrays; and
a form or a WebSocket aimed at us, which the Origin and Sec-Fetch-Site headers betray. No browser lets a page change
these three. Other clients do not send the last two, and are no danger of this kind.
"""

from collections.abc import Collection

from eventpulse.loopback import is_loopback

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = (b"same-origin", b"none")


def is_a_change(method: str) -> bool:
    """Whether a request may change something."""
    return method not in _SAFE_METHODS


def is_our_name(host: bytes | None) -> bool:
    """Whether a Host header names this machine by a name that nobody else can give it. Browsers always send one."""
    return host is None or is_loopback(_name_in(host))


def comes_from_elsewhere(
    origin: bytes | None, fetch_site: bytes | None, host: bytes | None, trusted: Collection[str]
) -> bool:
    """Whether a browser sends this for a page that is not ours."""
    if fetch_site in _OWN:
        return False
    if origin is None:
        return fetch_site is not None
    _, _, authority = origin.lower().partition(b"://")
    if host is not None and authority == host.lower():
        return False
    return not authority or _name_in(authority) not in trusted


def _name_in(authority: bytes) -> str:
    """The host in `host:port`, in lower case; IPv6 addresses without brackets."""
    text = authority.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].rstrip(".")
