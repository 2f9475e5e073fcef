"""Alerts: which anomalies of a rule and group belong together, and when what they tell of has ended."""
