"""The stretch of history that a command is about, as people write it: days, or instants."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from eventpulse.database.anomalies.coverage import start_of
from eventpulse.errors import EventPulseError

From = Annotated[
    str | None, typer.Option("--from", help="The first day, or an instant (ISO 8601). Default: the beginning.")
]
To = Annotated[
    str | None, typer.Option("--to", help="The last day, which is included, or an instant. Default: the present.")
]
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)


def stretch(first: str | None, last: str | None) -> tuple[datetime, datetime]:
    """From an instant to before another one. Raises EventPulseError where that is nothing."""
    start = BEGINNING if first is None else _instant("--from", first, at_its_end=False)
    end = END if last is None else _instant("--to", last, at_its_end=True)
    if start >= end:
        raise EventPulseError(f"--from {first} does not lie before --to {last}.")
    return start, end


def _instant(option: str, text: str, *, at_its_end: bool) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        return start_of(day) + timedelta(days=1 if at_its_end else 0)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as fault:
        raise EventPulseError(
            f"{option} must be a day like 2026-01-31 or an instant like 2026-01-31T08:00:00Z, got {text!r}."
        ) from fault
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
