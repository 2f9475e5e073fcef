"""Which days can be evaluated again: those where a rule still finds every event that it found the first time."""

from collections.abc import Sequence
from datetime import date, timedelta

from eventpulse.database.anomalies.coverage import start_of
from rules.evaluation import look_back
from rules.rule import Rule
from rules.window import FOREVER, earlier

_DAY = timedelta(days=1)


def is_whole(rule: Rule, day: date, removed: Sequence[date]) -> bool:
    """Whether no event is gone that mattered to a rule on a day: none of the day, and none that it looks back on.

    `removed` are the days of which retention has removed events.
    """
    span = look_back(rule)
    if span == FOREVER:
        return not any(gone <= day for gone in removed)
    begins = earlier(start_of(day), span)
    return not any(gone <= day and start_of(gone) + _DAY > begins for gone in removed)
