"""The first day that Dagster shows, where the operator has not said which: the first one that has events.

Dagster counts partitions from a fixed day on, so it is found out once, before anything of Dagster starts.
"""

from datetime import UTC, date, datetime, timedelta

from eventpulse.database.connect import open_connection
from eventpulse.database.events.history import oldest_stored
from eventpulse.settings import Settings

#: So much before today is shown in any case: what comes late, or is imported soon, has its own days.
_AT_LEAST = timedelta(days=30)


def with_first_day(settings: Settings, now: datetime) -> Settings:
    """The settings with the first day of history; a single event from long ago moves it no further than the default."""
    if "history_from" in settings.model_fields_set:
        return settings
    with open_connection(settings.database_address(), application="eventpulse up") as connection:
        oldest = oldest_stored(connection, None, None)
    recent = (now - _AT_LEAST).date()
    first = recent if oldest is None else min(oldest.astimezone(UTC).date(), recent)
    earliest: date = settings.history_from
    return settings.model_copy(update={"history_from": max(first, earliest)})
