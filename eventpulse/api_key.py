"""An API key: what it looks like, what it opens, and why a plain hash of it is enough to keep.

A key is `ep_<8 characters>_<43 characters>`. The first eight are its public name. The rest is 256 random bits, which
nobody finds by trying, however fast a hash is; so plain SHA-256 protects it as well as a slow password hash would, and
can be computed for every request.
"""

import hashlib
import re
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Scope = Literal["ingest", "read", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_LETTERS = string.ascii_letters + string.digits
_PREFIX_LENGTH, _SECRET_LENGTH = 8, 43  # 43 of 62 letters: 256 bits
#: A whole key, wherever it stands in a text.
KEY_PATTERN = re.compile(rf"\bep_([a-z0-9]{{{_PREFIX_LENGTH}}})_[A-Za-z0-9]{{{_SECRET_LENGTH}}}\b")


@dataclass(frozen=True)
class ApiKey:
    """A key as it is kept: everything but the key itself."""

    prefix: str
    name: str
    scopes: frozenset[Scope]
    hash: bytes
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    requests_per_second: int | None = None
    events_per_second: int | None = None

    @property
    def opens(self) -> frozenset[Scope]:
        """The scopes it opens; admin opens every one."""
        return frozenset(SCOPES) if "admin" in self.scopes else self.scopes

    def is_valid(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def mint_key() -> tuple[str, str]:
    """A new random key, and its prefix. The key is shown once and never kept."""
    prefix = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(_PREFIX_LENGTH))
    secret = "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_LENGTH))
    return f"ep_{prefix}_{secret}", prefix


def hash_of(key: str | bytes) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode() if isinstance(key, str) else key).digest()


def ordered(scopes: Iterable[Scope]) -> list[Scope]:
    """Scopes from the least to the most."""
    return sorted(scopes, key=SCOPES.index)
