"""Rules over stretches of history, to fill them in, to try rules out, and to draw what they look at."""
