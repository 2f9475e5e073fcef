"""Days in Dagster begin with the first one that has events when EventPulse starts."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr

from eventpulse.database.connect import open_connection
from eventpulse.database.events.partitions import DayPartitions
from eventpulse.embedded.first_day import with_first_day
from eventpulse.settings import Settings

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)


def store(database_url: str, *instants: datetime) -> None:
    with open_connection(database_url, application="tests") as connection:
        DayPartitions().ensure(connection, [at.date() for at in instants], NOW.date())
        for at in instants:
            connection.execute(
                "insert into eventpulse.events values (gen_random_uuid(), 'a', 'b', %s, %s, 0, 1, 'live', '{}', '{}')",
                (at, at),
            )


@pytest.mark.parametrize(
    "stored, first",
    [
        ([], date(2026, 5, 31)),
        ([NOW], date(2026, 5, 31)),
        ([NOW, datetime(2026, 2, 3, 23, 59, tzinfo=UTC)], date(2026, 2, 3)),
        ([datetime(1970, 1, 1, tzinfo=UTC), NOW], date(2015, 1, 1)),
    ],
)
def test_it_is_the_first_day_with_events_or_a_month_ago(database_url: str, stored: list[datetime], first: date) -> None:
    store(database_url, *stored)
    settings = Settings(_env_file=None, database_url=SecretStr(database_url))
    assert with_first_day(settings, NOW).history_from == first


def test_what_the_operator_says_counts(database_url: str) -> None:
    store(database_url, NOW - timedelta(days=100))
    settings = Settings(_env_file=None, database_url=SecretStr(database_url), history_from=date(2026, 6, 1))
    assert with_first_day(settings, NOW).history_from == date(2026, 6, 1)
