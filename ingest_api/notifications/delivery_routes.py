"""Show what became of messages, and why something was not sent."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from pydantic import BeforeValidator, WithJsonSchema
from sqlalchemy import Row
from starlette.responses import Response

from eventpulse.clock import iso_utc
from eventpulse.database.notifications.delivery_queries import delivery_by_id, newest_deliveries
from eventpulse.database.transactions import reading
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database
from ingest_api.ledger_parameters import NumberCursor
from ingest_api.notifications.delivery_payloads import DeliveryDetail, DeliveryPage
from ingest_api.notifications.sent_documents import UUID_IN_PATH, found_id
from ingest_api.paging import page
from ingest_api.parameters import Limit, Offset, one_of, sentence

router = APIRouter(prefix="/deliveries", tags=["notifications"])
_STATES = ("waiting", "sending", "sent", "held", "failed", "gave_up")


def _uuid(name: str) -> tuple[Any, ...]:
    def read(text: Any) -> UUID:
        try:
            return text if isinstance(text, UUID) else UUID(text)
        except ValueError:
            raise sentence(f"{name} must be a valid UUID") from None

    return BeforeValidator(read), WithJsonSchema({"type": "string", "format": "uuid"})


DeliveryState = Annotated[
    Literal["waiting", "sending", "sent", "held", "failed", "gave_up"] | None,
    one_of("state", *_STATES),
    Query(description="In this state only."),
]
OfChannel = Annotated[UUID | None, *_uuid("channel_id"), Query(description="Of this channel.")]
OfAlert = Annotated[UUID | None, *_uuid("alert_id"), Query(description="About this alert.")]


@router.get("", response_model=DeliveryPage, responses=documented(400, 500, 503))
def list_deliveries(
    database: Database,
    limit: Limit = 50,
    offset: Offset = 0,
    cursor: NumberCursor = None,
    channel_id: OfChannel = None,
    alert_id: OfAlert = None,
    state: DeliveryState = None,
) -> Response:
    """What became of alerts on channels, the newest first: a message each, or the reason why there is none."""
    with reading(database) as connection:
        rows = newest_deliveries(
            connection,
            limit=limit + 1,
            offset=offset,
            before=int(cursor) if cursor else None,
            channel_id=channel_id,
            alert_id=alert_id,
            state=state,
        )
    behind = {"cursor_behind": lambda row: str(row.number)}
    return json_answer(page(rows, limit=limit, offset=offset, as_json=delivery_as_json, **behind))


@router.get("/{delivery_id}", response_model=DeliveryDetail, responses=documented(404, 500, 503))
def show_delivery(database: Database, delivery_id: Annotated[str, UUID_IN_PATH]) -> Response:
    """One delivery, with its message."""
    with reading(database) as connection:
        row = delivery_by_id(connection, found_id(delivery_id, "Delivery"))
    if row is None:
        raise HTTPException(404, "Delivery not found")
    return json_answer(delivery_as_json(row, whole=True))


def delivery_as_json(row: Row, *, whole: bool = False) -> dict[str, Any]:
    """A delivery as answers show it; `whole` with its message."""
    names = (
        *("delivery_id", "channel_id", "channel_name", "alert_ids", "alerts", "kind", "reminder", "state", "reason"),
        *("attempts", "last_error", "subject"),
    )
    instants = ("due_at", "created_at", "attempted_at", "sent_at")
    return {
        **{name: getattr(row, name) for name in names},
        **{name: iso_utc(instant) if (instant := getattr(row, name)) else None for name in instants},
        **({"message": row.message} if whole else {}),
    }
