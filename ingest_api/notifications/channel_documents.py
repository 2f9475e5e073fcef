"""Channels as they come in and go out: the address goes in once and never comes out again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import HTTPException
from sqlalchemy import Row

from eventpulse.clock import iso_utc
from eventpulse.database.notifications.channels import StoredChannel
from eventpulse.notify.address_box import AddressBox
from eventpulse.notify.send import Address, check
from ingest_api.notifications.sent_documents import only_known, refusals, sent_text
from rules.routing.channel import DEFAULTS, read_channel_plan
from rules.routing.retry import state_of

#: What a channel is made of besides its name and address, with defaults.
PLAN: Mapping[str, Any] = {
    "matcher": {},
    "group_by": ["rule"],
    **DEFAULTS,
    "active_hours": [],
    "time_zone": "UTC",
    "send_resolved": True,
}
_SENT = ("name", "enabled", "kind", "url", "secret", *PLAN)
#: What answers have and requests may give back unchanged.
_SHOWN = (
    *("channel_id", "state", "last_sent_at", "last_error", "failures"),
    *("waits_until", "waits_why", "created_at", "updated_at"),
)
_LONGEST_NAME = 255
_NOBODY = UUID(int=0)
_NO_RESOLUTIONS = "send_resolved must be false here: this service would take a resolution for a new incident"


def channel_to_store(document: dict[str, Any], box: AddressBox, standing: Row | None) -> StoredChannel:
    """What is to be stored of a channel that was sent; `standing` is the one it replaces. Raises 400.

    The address that stands stays if none is sent, or the one that answers show.
    """
    only_known(document, (*_SENT, *_SHOWN))
    name = sent_text(document, "name", longest=_LONGEST_NAME)
    kind = document.get("kind", standing.kind if standing is not None else "apprise")
    plan = {key: document[key] if document.get(key) is not None else default for key, default in PLAN.items()}
    enabled = document.get("enabled", True)
    with refusals():
        address = _address(document, kind, box, standing)
        if kind == "apprise" and document.get("send_resolved") is None:
            plan["send_resolved"] = _can_resolve(address.url)
        if plan["send_resolved"] is True and kind == "apprise" and not _can_resolve(address.url):
            raise HTTPException(400, _NO_RESOLUTIONS)
        read_channel_plan({**plan, "name": name, "enabled": enabled}, _NOBODY)
    kept = standing is not None and kind == standing.kind and document.get("url") in (None, standing.shown_url)
    new_secret = address.secret is not None and (standing is None or document.get("secret") is not None)
    return StoredChannel(
        name=name,
        enabled=enabled,
        kind=kind,
        shown_url=address.shown,
        plan=plan,
        url=None if kept else box.lock(address.url),
        secret=box.lock(address.secret) if new_secret and address.secret is not None else None,
    )


def channel_as_json(row: Row) -> dict[str, Any]:
    """A channel, without its address and secret."""
    instants = ("last_sent_at", "waits_until", "created_at", "updated_at")
    return {
        "channel_id": row.channel_id,
        "name": row.name,
        "enabled": row.enabled,
        "kind": row.kind,
        "url": row.shown_url,
        **{key: row.plan.get(key, default) for key, default in PLAN.items()},
        "state": state_of(enabled=row.enabled, failures=row.failures),
        "failures": row.failures,
        "last_error": row.last_error,
        "waits_why": row.waits_why,
        **{name: iso_utc(instant) if (instant := getattr(row, name)) else None for name in instants},
    }


def patched(standing: Row, patch: dict[str, Any]) -> dict[str, Any]:
    """The document of a channel with the keys of a patch in place; null brings a default back."""
    shown = channel_as_json(standing)
    return {key: patch.get(key, shown.get(key)) for key in _SENT if key in patch or key in shown} | {
        key: value for key, value in patch.items() if key not in _SENT
    }


def address_of(row: Row, box: AddressBox) -> Address:
    """Where a stored channel leads. Raises AddressLocked."""
    return Address(row.kind, box.unlock(row.url), box.unlock(row.secret) if row.secret is not None else None)


def _address(document: dict[str, Any], kind: Any, box: AddressBox, standing: Row | None) -> Address:
    url, secret = document.get("url"), document.get("secret")
    if standing is not None and kind == standing.kind:
        if url is None or url == standing.shown_url:
            url = box.unlock(standing.url)
        if secret is None and standing.secret is not None:
            secret = box.unlock(standing.secret)
    if not isinstance(kind, str) or not isinstance(url, str) or not (secret is None or isinstance(secret, str)):
        raise HTTPException(400, "kind, url and secret must be texts")
    if secret is not None and kind != "webhook":
        raise HTTPException(400, "secret is for webhooks; what else needs one has it in its url")
    return check(Address(kind, url, secret))


def _can_resolve(url: str) -> bool:
    from eventpulse.notify.apprise_door import cannot_resolve  # brings a hundred services with it

    return not cannot_resolve(url)
