"""What a database can narrow the events of some groups down by, before the rule itself looks at them."""

from collections.abc import Sequence

import msgspec

from rules.paths import split_path
from rules.rule import Rule


def texts_of_groups(rule: Rule, groups: Sequence[str] | None) -> list[tuple[tuple[str, ...], list[str | None]]]:
    """For each path that serves, the texts that may stand there: texts and truth values (None = missing).

    More events than those of the groups may pass, since each path is looked at by itself; numbers are left out,
    because one number can be written in several ways.
    """
    if groups is None or not rule.group_by:
        return []
    decoded = [list(msgspec.json.decode(group).values()) for group in groups]
    narrowed = []
    for index, path in enumerate(rule.group_by):
        values = {group[index] for group in decoded if group[index] is None or isinstance(group[index], str | bool)}
        if len(values) < len({msgspec.json.encode(group[index]) for group in decoded}):
            continue
        if path.startswith(("payload.", "metadata.")) or path in ("event_type", "source"):
            texts = [value if value is None or isinstance(value, str) else str(value).lower() for value in values]
            narrowed.append((tuple(split_path(path)), texts))
    return narrowed
