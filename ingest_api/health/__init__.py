"""How the parts are, for people and for Prometheus."""
