"""Who is told of alerts, who is spared, and what became of each message."""
