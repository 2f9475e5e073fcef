"""Tell people: from the outbox to their channels."""
