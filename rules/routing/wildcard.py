"""Texts with `*` for anything, matched in one pass: no pattern makes it slow."""


def fits(pattern: str, text: str) -> bool:
    """Whether a text is what the pattern says; `*` stands for any characters, also none."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, last = rest
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
