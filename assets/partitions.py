"""The partitions of everything that is about event time: UTC days."""

import dagster as dg

from eventpulse.settings import load_settings

#: One partition a day, today included, from the first day that history can have (`EVENTPULSE_HISTORY_FROM`).
daily = dg.DailyPartitionsDefinition(start_date=load_settings().history_from.isoformat(), timezone="UTC", end_offset=1)
