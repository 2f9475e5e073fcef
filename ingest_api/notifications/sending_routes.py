"""How telling people is going: who sends, what waits, which channels fail."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from eventpulse.database.leadership import SEND, contenders
from eventpulse.database.notifications.sending_queries import sending_now
from eventpulse.database.transactions import reading
from eventpulse.health.sender import LATE_SECONDS
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.payloads import Answer
from rules.routing.retry import state_of

router = APIRouter(prefix="/notifications", tags=["notifications"])


class Failing(Answer):
    """An enabled channel whose last messages failed."""

    name: str
    state: Annotated[Literal["failing", "dead"], Field(description="dead: five failures in a row.")]
    failures: Annotated[int, Field(description="How many in a row.")]
    last_error: str


class SendingHealth(Answer):
    """What is still to be told, and by whom. Ages are in seconds, null of nothing."""

    sender: Annotated[
        Literal["ok", "late", "nobody"],
        Field(description="late: something that could have been sent has waited for more than a minute."),
    ]
    dagster_run_id: str | None
    dagster_run_url: str | None
    waiting: Annotated[int, Field(description="Messages that are not sent yet; reminders once they are due.")]
    oldest_seconds: float | None
    overdue: Annotated[int, Field(description="Those of them that nothing holds up any more.")]
    overdue_seconds: float | None
    unrouted: Annotated[int, Field(description="News of alerts that no sender has looked at.")]
    unrouted_seconds: float | None
    channels: Annotated[int, Field(description="How many are enabled.")]
    failing: list[Failing]


@router.get("/health", response_model=SendingHealth, responses=documented(500, 503))
def show_sending(database: Database, settings: TheSettings) -> Response:
    """Who sends notifications, what waits to be sent, and which channels fail."""
    with reading(database) as connection:
        sending = sending_now(connection)
        leader = next((each.run_id for each in contenders(database, 0, SEND) if each.leads), None)
    names = ("waiting", "oldest_seconds", "overdue", "overdue_seconds", "unrouted", "unrouted_seconds", "channels")
    return json_answer(
        {
            "sender": "nobody" if leader is None else "late" if sending.late_seconds > LATE_SECONDS else "ok",
            "dagster_run_id": leader,
            "dagster_run_url": f"{settings.dagster_at}/runs/{leader}" if leader else None,
            **{name: getattr(sending, name) for name in names},
            "failing": [
                {
                    "name": channel.name,
                    "state": state_of(enabled=True, failures=channel.failures),
                    "failures": channel.failures,
                    "last_error": channel.last_error,
                }
                for channel in sending.failing
            ],
        }
    )
