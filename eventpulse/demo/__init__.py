"""Lively traffic to look at: a small web shop whose parts fail now and then."""
