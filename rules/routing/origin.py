"""Third: what was found in history wakes nobody, unless that was asked for."""

from rules.routing.verdict import Verdict, goes_on, held

#: Evaluations of what has already happened. `late` is live: a late event corrected what stands now.
HISTORY = ("backfill", "rerun", "import")


def may_notify(origin: str, *, asked: bool) -> Verdict:
    """Whether a change of this origin is told to anybody."""
    if origin in HISTORY and not asked:
        return held(f"origin {origin}")
    return goes_on(f"origin {origin}" + (", asked for" if asked else ""))
