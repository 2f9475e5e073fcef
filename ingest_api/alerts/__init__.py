"""Alerts over HTTP: see them, acknowledge and resolve them."""
