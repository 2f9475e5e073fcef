"""Take over a YAML file of channels, once: the file that the original EventPulse kept its channels in.

    - name: ops
      url: slack://token/…        # or discord://, mailtos://, …
      severity: [critical]        # short for matcher: {severity: [critical]}
    - name: programs
      kind: webhook
      url: https://example.com/hook
      secret: a-secret-of-16-characters-or-more

Every key of a channel over HTTP may stand there too. The list may also be under the key `channels`.
"""

import logging
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import yaml
from psycopg.types.json import Json

from eventpulse.errors import EventPulseError, SettingsError
from eventpulse.notify.address_box import AddressBox
from eventpulse.notify.send import Address, check
from eventpulse.settings import Settings
from rules.routing.channel import DEFAULTS, read_channel_plan

_PLAN: dict[str, Any] = {
    "matcher": {},
    "group_by": ["rule"],
    **DEFAULTS,
    "active_hours": [],
    "time_zone": "UTC",
    "send_resolved": True,
}
_KEYS = {"name", "kind", "url", "secret", "enabled", "severity", *_PLAN}
_log = logging.getLogger(__name__)


def take_over_channels(connection: psycopg.Connection, settings: Settings, box: AddressBox) -> str | None:
    """Store the channels of the file, if there is one that has not been read before; a sentence about it.

    A channel of a name that is there already is left alone. A file that cannot be read changes nothing; it is said, and
    tried again by the next run.
    """
    path = settings.channels_file or settings.home / "channels.yaml"
    if not path.is_file():
        return None
    try:
        with connection.transaction():
            if _was_read(connection, path):
                return None
            added = sum(_add(connection, entry, number, box) for number, entry in enumerate(_entries(path), 1))
            connection.execute(
                "insert into eventpulse.channel_files (path, channels) values (%s, %s)", (str(path.resolve()), added)
            )
    except EventPulseError as fault:
        _log.warning("The channels in %s are not taken over: %s", path, fault)
        return f"The channels in {path} are not taken over: {fault}"
    return f"{added} channels of {path} are taken over; from now on they are kept in the database."


def _was_read(connection: psycopg.Connection, path: Path) -> bool:
    row = connection.execute("select 1 from eventpulse.channel_files where path = %s", (str(path.resolve()),))
    return row.fetchone() is not None


def _entries(path: Path) -> list[Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        raise SettingsError(f"it cannot be read as YAML ({type(fault).__name__})") from None
    entries = document.get("channels") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise SettingsError("it must be a list of channels")
    return entries


def _add(connection: psycopg.Connection, entry: Any, number: int, box: AddressBox) -> int:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
        raise SettingsError(f"entry {number} needs a name and a url")
    for key in entry:
        if key not in _KEYS:
            raise SettingsError(f"entry {number}: {key} is not known; there are {', '.join(sorted(_KEYS))}")
    plan = {key: entry.get(key, default) for key, default in _PLAN.items()}
    if "severity" in entry:
        plan["matcher"] = {**plan["matcher"], "severity": entry["severity"]}
    channel_id, enabled = uuid4(), entry.get("enabled", True)
    try:
        read_channel_plan({**plan, "name": entry["name"], "enabled": enabled}, channel_id)
        secret = entry.get("secret")
        address = check(Address(str(entry.get("kind", "apprise")), str(entry.get("url", "")), secret))
    except EventPulseError as fault:
        raise SettingsError(f"entry {number}: {fault}") from None
    added = connection.execute(
        "insert into eventpulse.channels (channel_id, name, enabled, kind, shown_url, url, secret, plan)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (name) do nothing",
        (
            *(channel_id, entry["name"], enabled, address.kind, address.shown, box.lock(address.url)),
            box.lock(secret) if isinstance(secret, str) else None,
            Json(plan),
        ),
    )
    return added.rowcount
