"""Query parameters of requests about dead letters."""

from typing import Annotated, Any, Literal

from fastapi import HTTPException, Query
from pydantic import BeforeValidator, WithJsonSchema

from ingest_api.parameters import STRING, one_of, plain_text, sentence, whole_number

_BIGGEST = (1 << 63) - 1
_STATES = ("open", "redriving", "redriven", "discarded")


def _number(name: str, lowest: int, highest: int) -> tuple[Any, ...]:
    read = whole_number(name)

    def between(text: Any) -> int:
        number = read(text)
        if not lowest <= number <= highest:
            raise sentence(f"{name} must be between {lowest} and {highest}")
        return number

    return BeforeValidator(between), WithJsonSchema({"type": "integer", "minimum": lowest, "maximum": highest})


LetterState = Annotated[
    Literal["open", "redriving", "redriven", "discarded"] | None,
    one_of("state", *_STATES),
    Query(description="Letters in this state only."),
]
Cause = Annotated[
    Literal["unreadable", "refused", "future"] | None,
    one_of("cause", "unreadable", "refused", "future"),
    Query(description="No event, refused by PostgreSQL, or too far in the future."),
]
Reason = Annotated[str | None, plain_text("reason"), STRING, Query(description="With this text in their reason.")]
BatchId = Annotated[int | None, *_number("batch_id", 0, _BIGGEST), Query(description="Of this micro-batch.")]
DryRun = Annotated[bool, Query(description="Say what would be done, and do nothing.")]
HowMany = Annotated[int, *_number("limit", 1, 10_000), Query(description="At most so many letters.")]
#: Taken as text, so that an id that is none is one that is not found.
LetterId = Annotated[str, WithJsonSchema({"type": "integer", "minimum": 1})]


def letter_id(text: str) -> int:
    """The id in a path. Raises 404 where there can be no such letter."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise HTTPException(404, "Dead letter not found")
    return int(text)
