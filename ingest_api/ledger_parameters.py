"""Query parameters of the ledger: days, runs, origins, and the cursors of its lists."""

import re
from datetime import date
from typing import Annotated, Any

from fastapi import Query
from pydantic import BeforeValidator, WithJsonSchema

from ingest_api.parameters import STRING, cursor_of_form, plain_text, sentence

_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
NUMBER_CURSOR = "^[0-9]{1,18}$"
#: The cursor of a list of days is a day.
DAY_CURSOR = _DAY


def _day(name: str) -> BeforeValidator:
    def read(text: Any) -> date:
        try:
            if re.fullmatch(_DAY, text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise sentence(f"{name} must be a day like 2026-01-31")

    return BeforeValidator(read)


_DAY_SHOWN = WithJsonSchema({"type": "string", "format": "date"})

Day = Annotated[date | None, _day("day"), _DAY_SHOWN, Query(description="With events accepted on this day, in UTC.")]
DayCursor = Annotated[
    date | None, _day("cursor"), _DAY_SHOWN, Query(description="`pagination.next` of the page before.")
]
NumberCursor = Annotated[str | None, *cursor_of_form(NUMBER_CURSOR)]
Run = Annotated[str | None, plain_text("run"), STRING, Query(description="Of this Dagster run.")]
Origin = Annotated[
    str | None, plain_text("origin"), STRING, Query(description="How events came in: live, import and others.")
]
