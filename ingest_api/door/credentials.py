"""What a request shows to be let in: a key in `Authorization: Bearer`, or the cookie of a session."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from eventpulse.api_key import Scope
from ingest_api.door.keys import KnownKey, KnownKeys
from ingest_api.door.rate_limits import Allowance
from ingest_api.door.session import Session, Sessions, cookie_in


@dataclass(slots=True)  # one is made for every request, and a frozen one takes three times as long
class Admission:
    """How a request was let in: with a key, perhaps by way of a session, or without because none is needed."""

    known: KnownKey | None = None
    session: Session | None = None
    allowance: Allowance | None = None
    keys_needed: bool = True

    @property
    def opens(self) -> frozenset[Scope]:
        """What its key opens."""
        return self.known.opens if self.known else frozenset()

    def charge(self, events: int) -> None:
        """Count events that were taken from this client."""
        if self.allowance is not None:
            self.allowance.charge(events)


def shows_key(headers: Mapping[bytes, bytes]) -> bool:
    """Whether there is an Authorization header, which no page of others can make a browser send."""
    return b"authorization" in headers


def identify(headers: Mapping[bytes, bytes], keys: KnownKeys, sessions: Sessions) -> Admission | None:
    """Who sends this, if a key that holds says so. A key in the header goes before a session."""
    if (authorization := headers.get(b"authorization")) is not None:
        scheme, _, key = authorization.partition(b" ")
        known = keys.find(key.strip()) if scheme.lower() == b"bearer" else None
        return Admission(known, allowance=known.allowance) if known else None
    session = session_in(headers, sessions)
    known = keys.find_session(session) if session else None
    return Admission(known, session, known.allowance) if known else None


def session_in(headers: Mapping[bytes, bytes], sessions: Sessions) -> Session | None:
    """The session whose cookie is among the headers; its key may not hold any more."""
    text = cookie_in(headers.get(b"cookie", b""), sessions.cookie)
    return sessions.read(text, time.time()) if text else None


def still_holds(admission: Admission, keys: KnownKeys) -> bool:
    """Whether what a long-lived connection was let in with holds now."""
    if admission.known is None:
        return True
    if admission.session is not None:
        return keys.find_session(admission.session) is not None
    return keys.holds(admission.known)
