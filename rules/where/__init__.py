"""The conditions of SQL that filters are written in."""
