"""The verbs of a run: what Dagster starts and what it does to the stream and the tables."""
