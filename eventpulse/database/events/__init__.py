"""Events as they are stored, read back, counted and removed."""
