"""`eventpulse keys`: make, show and revoke the API keys of this installation, running or not."""

import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from eventpulse.api_key import ApiKey, Scope, hash_of, mint_key, ordered
from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.api_keys import add_key, all_keys, revoke_key, usable_keys
from eventpulse.database.connect import open_engine
from eventpulse.database.migrate import migrate
from eventpulse.database.transactions import reading, writing
from eventpulse.embedded.own_database import reachable_database
from eventpulse.errors import EventPulseError
from eventpulse.settings import Settings, load_settings
from eventpulse.stream.connect import open_redis
from eventpulse.stream.shared_keys import tell_keys_changed

keys = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Make, show and revoke API keys.",
)


class _Scope(StrEnum):
    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"


Limit = Annotated[int | None, typer.Option(min=1, help="For this key, instead of the limit in the settings.")]


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    scope: Annotated[
        list[_Scope], typer.Option("--scope", help="What it opens; give it again for more. admin opens everything.")
    ],
    expires_days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days until it opens nothing.")] = None,
    requests_per_second: Limit = None,
    events_per_second: Limit = None,
) -> None:
    """Make a key. It is printed on standard output this once and kept nowhere."""
    text, prefix = mint_key()
    now = utc_now()
    scopes: list[Scope] = [choice.value for choice in scope]
    key = ApiKey(
        prefix,
        _tidy(name),
        frozenset(scopes),
        hash_of(text),
        created_at=now,
        expires_at=now + timedelta(days=expires_days) if expires_days else None,
        requests_per_second=requests_per_second,
        events_per_second=events_per_second,
    )
    with _database() as (settings, engine):
        with writing(engine) as connection:
            add_key(connection, key)
        _tell_api(settings, engine)
    typer.echo(f"This key is shown once. It opens: {', '.join(ordered(key.scopes))}.", err=True)
    typer.echo(text)


@keys.command("list")
def show(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """Show every key by its prefix: what it opens, when it was last used, and whether it still holds."""
    with _database() as (_, engine), reading(engine) as connection:
        found = all_keys(connection)
    if as_json:
        typer.echo(json.dumps([_as_document(key, utc_now()) for key in found], indent=2))
    elif not found:
        typer.echo("There are no keys. `eventpulse keys create NAME --scope admin` makes one.")
    else:
        Console(highlight=False).print(_as_table(found, utc_now()))


@keys.command("revoke")
def revoke(key: Annotated[str, typer.Argument(help="The prefix of the key, such as ep_a1b2c3d4.")]) -> None:
    """Make a key open nothing, for ever. Whoever uses it is refused within a second or two."""
    prefix = _prefix_in(key)
    with _database() as (settings, engine):
        with writing(engine) as connection:
            revoked = revoke_key(connection, prefix)
        if revoked is None:
            raise EventPulseError(f"There is no key ep_{prefix}. `eventpulse keys list` shows all.")
        _tell_api(settings, engine)
    typer.echo(f'Key ep_{prefix} ("{revoked.name}") opens nothing any more.')


@contextmanager
def _database() -> Iterator[tuple[Settings, Engine]]:
    settings = load_settings()
    with reachable_database(settings) as url:
        engine = open_engine(url, application="eventpulse keys")
        try:
            with writing(engine):  # PostgreSQL that is away is told as what it is, before migrating trips over it
                pass
            migrate(engine)
            yield settings, engine
        finally:
            engine.dispose()


def _tell_api(settings: Settings, engine: Engine) -> None:
    """Have the API look at once. Where Redis is away, it looks by itself, every other second."""
    if settings.redis_url is None:
        return
    with reading(engine) as connection:
        usable = usable_keys(connection)
    try:
        with closing(open_redis(settings.redis_url.get_secret_value())) as client:
            tell_keys_changed(client, usable)
    except (RedisError, OSError):
        typer.echo("Redis does not answer; the API notices the change by itself.", err=True)


def _tidy(name: str) -> str:
    tidy = " ".join(name.split())
    if not tidy or len(tidy) > 255 or not tidy.isprintable():
        raise EventPulseError("A key needs a name of 1 to 255 printable characters.")
    return tidy


def _prefix_in(key: str) -> str:
    """The prefix in what a person typed: the prefix itself, or the whole key."""
    found = re.fullmatch(r"(?:ep_)?([a-z0-9]{8})(?:_\w*)?", key.strip())
    if not found:
        raise EventPulseError("A key is named by its prefix, such as ep_a1b2c3d4.")
    return found[1]


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at:
        return "revoked"
    return "valid" if key.is_valid(now) else "expired"


def _as_table(found: list[ApiKey], now: datetime) -> Table:
    table = Table(
        "key", "name", "opens", "state", "created", "last used", "expires", "limits", box=None, pad_edge=False
    )
    for key in found:
        table.add_row(
            f"ep_{key.prefix}",
            key.name.replace("[", r"\["),
            ", ".join(ordered(key.scopes)),
            _state(key, now),
            *(_day(instant) for instant in (key.created_at, key.last_used_at, key.expires_at)),
            _limits(key),
        )
    return table


def _day(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""


def _limits(key: ApiKey) -> str:
    limits = ((key.requests_per_second, "requests/s"), (key.events_per_second, "events/s"))
    return ", ".join(f"{most:,} {what}" for most, what in limits if most)


def _as_document(key: ApiKey, now: datetime) -> dict[str, Any]:
    instants = {name: getattr(key, name) for name in ("created_at", "last_used_at", "expires_at", "revoked_at")}
    return {
        "prefix": f"ep_{key.prefix}",
        "name": key.name,
        "scopes": ordered(key.scopes),
        "state": _state(key, now),
        **{name: iso_utc(instant) if instant else None for name, instant in instants.items()},
        "requests_per_second": key.requests_per_second,
        "events_per_second": key.events_per_second,
    }
