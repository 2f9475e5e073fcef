"""Rules: what is sent, shown, tried and kept."""
