"""Libraries that log whole addresses, which may be secrets, are kept from it in every process that can send."""

import logging

_TALKATIVE = ("httpx2", "httpcore2", "urllib3", "requests_oauthlib", "oauthlib")


def quiet_libraries() -> None:
    """From now on they log warnings at most. Safe to repeat."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
