"""Shared nouns and the doors to Redis, PostgreSQL, the operating system and people."""
