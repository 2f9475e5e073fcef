"""The rule book, and how each rule is doing."""
