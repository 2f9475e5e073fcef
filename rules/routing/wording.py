"""Words of messages: numbers, stretches of time, groups, cut to what a person takes in at a glance."""

import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rules.routing.alert import as_text


def short(text: str, longest: int) -> str:
    """A text on one line, without control characters, cut where it is longer than that."""
    line = " ".join(
        "".join(
            " " if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") else character for character in text
        ).split()
    )
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def number(value: float | None) -> str | None:
    """A number as people write it."""
    if value is None:
        return None
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}" if abs(value) < 1e15 else f"{value:g}"


def stretch(span: timedelta) -> str:
    """How long something lasted, in its two largest units."""
    seconds = max(int(span.total_seconds()), 0)
    units = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    parts = []
    for size, name in units:
        if seconds >= size:
            parts.append(f"{seconds // size} {name}")
            seconds %= size
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def place(group: Mapping[str, Any], longest: int = 200) -> str:
    """Where something happens: the group, a value after each path; everywhere, if the rule has no groups."""
    return short(", ".join(f"{path} {as_text(value)}" for path, value in group.items()), longest) or "everywhere"


def plural(count: int, what: str) -> str:
    """A count with its noun."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
