"""Files of historical events: what kinds there are, and how their rows become events."""
