"""Make, show, change, try and remove channels."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, HTTPException
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.clock import utc_now
from eventpulse.database.notifications.channels import (
    ChannelTaken,
    add_channel,
    all_channels,
    change_channel,
    channel_by_id,
    remove_channel,
)
from eventpulse.database.notifications.delivery_queries import delivery_by_id, note_test
from eventpulse.database.transactions import reading, writing
from eventpulse.notify.address_box import AddressBox, open_address_box
from eventpulse.notify.send import send
from eventpulse.settings import Settings
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.notifications.channel_documents import address_of, channel_as_json, channel_to_store, patched
from ingest_api.notifications.channel_payloads import Channel
from ingest_api.notifications.delivery_payloads import DeliveryDetail
from ingest_api.notifications.delivery_routes import delivery_as_json
from ingest_api.notifications.sent_documents import UUID_IN_PATH, found_id, refusals, sent_object
from ingest_api.rule_book.rule_requests import sent_as
from rules.routing.compose import compose_test

router = APIRouter(prefix="/channels", tags=["notifications"])
ChannelId = Annotated[str, UUID_IN_PATH]
_NOT_FOUND = "Channel not found"


@router.get("", response_model=list[Channel], responses=documented(500, 503))
def list_channels(database: Database) -> Response:
    """Every channel, by name, with how it is doing. Addresses and secrets are never shown."""
    with reading(database) as connection:
        return json_answer([channel_as_json(row) for row in all_channels(connection)])


@router.post(
    "",
    status_code=201,
    response_model=Channel,
    responses=documented(400, 409, 413, 500, 503),
    openapi_extra=sent_as("ChannelIn"),
)
async def create_channel(request: Request, database: Database, settings: TheSettings) -> Response:
    """Make a channel. Names are unique: 409 where there is one of this name already."""
    document = await sent_object(request, settings)

    def create() -> Row:
        channel = channel_to_store(document, _box(settings), None)
        with writing(database) as connection:
            return add_channel(connection, uuid4(), channel)

    return json_answer(channel_as_json(await _unless_taken(create)), 201)


@router.get("/{channel_id}", response_model=Channel, responses=documented(404, 500, 503))
def show_channel(database: Database, channel_id: ChannelId) -> Response:
    """One channel."""
    with reading(database) as connection:
        row = channel_by_id(connection, found_id(channel_id, "Channel"))
    return json_answer(channel_as_json(_found(row)))


@router.put(
    "/{channel_id}",
    response_model=Channel,
    responses=documented(400, 404, 409, 413, 500, 503),
    openapi_extra=sent_as("ChannelIn"),
)
async def replace_channel(
    request: Request, database: Database, settings: TheSettings, channel_id: ChannelId
) -> Response:
    """Put another plan in the place of this one. An address that is left out, or given back as shown, stays."""
    wanted, document = found_id(channel_id, "Channel"), await sent_object(request, settings)
    row = await _unless_taken(lambda: _change(database, settings, wanted, lambda standing: document))
    return json_answer(channel_as_json(row))


@router.patch(
    "/{channel_id}",
    response_model=Channel,
    responses=documented(400, 404, 409, 413, 500, 503),
    openapi_extra=sent_as("ChannelPatch"),
)
async def patch_channel(request: Request, database: Database, settings: TheSettings, channel_id: ChannelId) -> Response:
    """Change the fields that are sent, each as a whole; null brings a default back."""
    wanted, patch = found_id(channel_id, "Channel"), await sent_object(request, settings)
    if not patch:
        raise HTTPException(400, "At least one field must be provided")
    row = await _unless_taken(lambda: _change(database, settings, wanted, lambda standing: patched(standing, patch)))
    return json_answer(channel_as_json(row))


@router.delete("/{channel_id}", status_code=204, response_class=Response, responses=documented(404, 500, 503))
def delete_channel(database: Database, channel_id: ChannelId) -> Response:
    """Remove a channel. What was sent over it stays on record; what was not is held for good."""
    with writing(database) as connection:
        if not remove_channel(connection, found_id(channel_id, "Channel")):
            raise HTTPException(404, _NOT_FOUND)
    return Response(status_code=204)


@router.post("/{channel_id}/test", response_model=DeliveryDetail, responses=documented(404, 500, 503))
def test_channel(database: Database, settings: TheSettings, channel_id: ChannelId) -> Response:
    """Send a test message at once, also where the channel is disabled or waits, and answer what became of it: `state`
    is sent or failed, with `last_error`. Nothing else changes."""
    with reading(database) as connection:
        row = _found(channel_by_id(connection, found_id(channel_id, "Channel")))
    delivery_id = uuid4()
    message = compose_test(row.name, page=f"{settings.pages_at}/dashboard")
    with refusals():
        address = address_of(row, _box(settings))
    outcome = send(address, message, key=str(delivery_id), channel=row.name, now=utc_now())
    with writing(database) as connection:
        kept = {"subject": message.subject, "message": msgspec.to_builtins(message), "error": outcome.error}
        note_test(connection, delivery_id, row, **kept)
        return json_answer(delivery_as_json(_found(delivery_by_id(connection, delivery_id)), whole=True))


def _change(database: Any, settings: Settings, channel_id: UUID, next_document: Callable[[Row], dict[str, Any]]) -> Row:
    with writing(database) as connection:
        standing = _found(channel_by_id(connection, channel_id, to_change=True))
        return change_channel(
            connection, channel_id, channel_to_store(next_document(standing), _box(settings), standing)
        )


async def _unless_taken(change: Callable[[], Row]) -> Row:
    try:
        return await run_in_threadpool(change)
    except ChannelTaken as taken:
        raise HTTPException(409, str(taken)) from None


def _box(settings: Settings) -> AddressBox:
    return open_address_box(settings)


def _found(row: Row | None) -> Row:
    if row is None:
        raise HTTPException(404, _NOT_FOUND)
    return row
