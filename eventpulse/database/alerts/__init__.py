"""Alerts and what people do to them."""
