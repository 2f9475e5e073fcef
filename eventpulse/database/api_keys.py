"""Keep API keys: their hashes, what they open, and when they were last used."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, func, insert, literal, select, update

from eventpulse.api_key import ApiKey
from eventpulse.database.tables import api_keys
from eventpulse.database.transactions import reading
from eventpulse.errors import SettingsError

#: What to tell an operator who wants the API to ask for keys.
NO_ADMIN_KEY = (
    "API keys are needed here, because HOST leads beyond loopback or settings ask for them, and none opens everything "
    "yet: make one with `eventpulse keys create NAME --scope admin`."
)


def add_key(connection: Connection, key: ApiKey) -> None:
    """Store a new key."""
    connection.execute(
        insert(api_keys).values(
            prefix=key.prefix,
            name=key.name,
            scopes=sorted(key.scopes),
            hash=key.hash,
            created_at=key.created_at,
            expires_at=key.expires_at,
            requests_per_second=key.requests_per_second,
            events_per_second=key.events_per_second,
        )
    )


def all_keys(connection: Connection) -> list[ApiKey]:
    """Every key there ever was, the oldest first."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.prefix))
    return [_as_key(row) for row in rows]


def usable_keys(connection: Connection) -> list[ApiKey]:
    """The keys that open something now."""
    usable = api_keys.c.revoked_at.is_(None) & func.coalesce(api_keys.c.expires_at > func.now(), True)
    return [_as_key(row) for row in connection.execute(select(api_keys).where(usable))]


def require_admin_key(engine: Engine) -> None:
    """Raise SettingsError where no key opens everything now: nobody could come in. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        if not any("admin" in key.scopes for key in usable_keys(connection)):
            raise SettingsError(NO_ADMIN_KEY)


def revoke_key(connection: Connection, prefix: str) -> ApiKey | None:
    """Make a key open nothing any more, from now on and for ever. None where there is no such key."""
    revoked = func.coalesce(api_keys.c.revoked_at, func.now())
    change = update(api_keys).where(api_keys.c.prefix == prefix).values(revoked_at=revoked).returning(api_keys)
    row = connection.execute(change).first()
    return _as_key(row) if row else None


def note_uses(connection: Connection, uses: Mapping[str, datetime]) -> None:
    """Write down when keys were last used, given by prefix."""
    for prefix, instant in sorted(uses.items()):  # in one order, so that two processes never wait for each other
        latest = func.greatest(func.coalesce(api_keys.c.last_used_at, literal(instant)), literal(instant))
        connection.execute(update(api_keys).where(api_keys.c.prefix == prefix).values(last_used_at=latest))


def _as_key(row: Row) -> ApiKey:
    return ApiKey(
        prefix=row.prefix,
        name=row.name,
        scopes=frozenset(row.scopes),
        hash=bytes(row.hash),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        requests_per_second=row.requests_per_second,
        events_per_second=row.events_per_second,
    )
