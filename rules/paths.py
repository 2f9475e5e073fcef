"""Paths name what a rule can look at: a column of the event, or a place inside its payload or metadata.

`payload.user.id` and `payload."odd key"` are paths; a key needs quotes only where it holds a dot, a quote or a space.
Every path has one normal form, so that two spellings of the same place are one column.
"""

import re
from functools import lru_cache

#: The event's own columns and what each one holds.
EVENT_COLUMNS = {
    "event_id": "text",
    "event_type": "text",
    "source": "text",
    "timestamp": "time",
    "received_at": "time",
    "lag_seconds": "number",
}
JSON_COLUMNS = ("payload", "metadata")
LONGEST_PATH = 255
DEEPEST_PATH = 10

_SEGMENT = re.compile(r'"([^"]+)"|([^."\s]+)')
_NEEDS_QUOTES = re.compile(r"[.\s]")
# The reader of fields cannot look for keys that hold one of these.
_OUT_OF_REACH = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
WHAT_A_PATH_IS = "a path such as payload.user or metadata.a.b, or one of " + ", ".join(EVENT_COLUMNS)


class PathFault(ValueError):
    """A text that is no path; the message says what would be one."""


@lru_cache(maxsize=4096)
def split_path(text: str) -> tuple[str, ...]:
    """The segments of a path: `payload."odd key".b` → ("payload", "odd key", "b"). Raises PathFault."""
    if len(text) > LONGEST_PATH:
        raise PathFault(f"A path is at most {LONGEST_PATH} characters long, this one has {len(text)}.")
    segments, at = [], 0
    while found := _SEGMENT.match(text, at):
        segments.append(found[1] if found[1] is not None else found[2])
        at = found.end()
        if at == len(text) or text[at] != ".":
            break
        at += 1
    if at != len(text) or not segments or text.endswith("."):
        raise PathFault(f'"{text}" cannot be read as a path; give {WHAT_A_PATH_IS}.')
    return _known(text, tuple(segments))


def _known(text: str, segments: tuple[str, ...]) -> tuple[str, ...]:
    first, *rest = segments
    if first in JSON_COLUMNS and rest:
        if any(map(_OUT_OF_REACH.search, segments)):
            raise PathFault("A key with a quote, a backslash or a control character cannot be looked at.")
        if len(segments) > DEEPEST_PATH:
            raise PathFault(f'"{text}" is {len(segments)} keys deep; {DEEPEST_PATH} is the most.')
        return segments
    if first in JSON_COLUMNS:
        raise PathFault(f'"{text}" needs a key behind it, such as {text}.user.')
    if first in EVENT_COLUMNS and not rest:
        return segments
    hint = f" Did you mean payload.{text}?" if first not in EVENT_COLUMNS else ""
    raise PathFault(f'There is no "{text}" in an event; give {WHAT_A_PATH_IS}.{hint}')


def join_path(segments: tuple[str, ...]) -> str:
    """The normal form of a path: quotes only where they are needed."""
    return ".".join(f'"{segment}"' if _NEEDS_QUOTES.search(segment) else segment for segment in segments)


def normal_path(text: str) -> str:
    """The one spelling of a path. Raises PathFault."""
    return join_path(split_path(text))


def is_json_path(path: str) -> bool:
    """Whether the path leads into payload or metadata, rather than to a column of the event."""
    return path.startswith(("payload.", "metadata."))
