"""The plural nouns Dagster shows: event stream, events, anomalies."""
