"""Event ids: any UUID a client sends, and our own, which begin with the time so that neighbours are stored together."""

import os

#: Hyphenated hexadecimal, any version, any case.
EVENT_ID_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z"
# What JSON Schema understands of the same: it has no \Z.
EVENT_ID_SCHEMA_PATTERN = EVENT_ID_PATTERN.replace(r"\Z", "$")


def mint_event_id(milliseconds: int) -> str:
    """A new UUID version 7 (RFC 9562): the time, then 74 random bits."""
    time, chance = f"{milliseconds:012x}", os.urandom(10).hex()
    return f"{time[:8]}-{time[8:]}-7{chance[:3]}-{'89ab'[int(chance[3], 16) & 3]}{chance[4:7]}-{chance[7:19]}"
