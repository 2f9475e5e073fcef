"""The days of which retention has removed events: what followed from them cannot be found out again."""

from datetime import date

import psycopg


def removed_days(connection: psycopg.Connection) -> list[date]:
    """The UTC days of event time of which events were removed, in order."""
    return [day for (day,) in connection.execute("select day from eventpulse.removed_days order by day")]
