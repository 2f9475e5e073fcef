"""The only door to PostgreSQL: tables, queries, bulk loading, leadership."""
