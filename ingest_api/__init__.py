"""Everything HTTP reaches: ingestion, queries, rules, live messages."""
