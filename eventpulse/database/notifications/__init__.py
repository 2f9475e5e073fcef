"""Whom alerts are told to, what is muted, and what became of messages."""
