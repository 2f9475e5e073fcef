"""How an event has to be written to be taken: read, checked, and explained where it cannot be, whoever brings it."""
