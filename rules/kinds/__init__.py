"""One module for each condition type."""
