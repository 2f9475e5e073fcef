"""Measurements of the running product. Each module is one question; `python -m benchmarks` asks them all."""
