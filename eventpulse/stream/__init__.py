"""The only door to Redis: every key, every command."""
