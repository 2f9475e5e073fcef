"""Decide what is said of troubles: when one begins, changes or ends; once, and not of what passes by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

Kind = Literal["rule_failed", "channel_dead", "lag", "dead_letters", "drain_missing", "ledger_unbalanced"]
Key = tuple[str, str]
#: What is said of a trouble that is over.
ENDED = "ended"
#: A trouble is over when it has not been seen for so long: one that comes and goes is one trouble.
OVER_AFTER = timedelta(seconds=90)


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong now: with what (`subject`), how (`state`), and what a person wants to know of it. It is
    said when it has lasted for `patience`."""

    kind: Kind
    subject: str
    state: str
    details: Mapping[str, Any] = field(default_factory=dict)
    patience: timedelta = timedelta(0)

    @property
    def key(self) -> Key:
        """By which it is known again."""
        return self.kind, self.subject


@dataclass(frozen=True)
class Known:
    """What was said of a trouble last, since when, and when it was last seen so; `noticed` is another state, which has
    not been said yet."""

    state: str
    since: datetime
    seen_at: datetime
    noticed: str | None = None
    noticed_at: datetime | None = None


@dataclass(frozen=True)
class News:
    """What is known of a trouble from now on, and what is to be said of it, if anything."""

    key: Key
    known: Known
    said: Mapping[str, Any] | None = None


def judge_troubles(seen: Iterable[Trouble], known: Mapping[Key, Known], now: datetime) -> list[News]:
    """Compare what is wrong now with what was said before."""
    present = {trouble.key: trouble for trouble in seen}
    begun = [_seen(trouble, known.get(key), now) for key, trouble in sorted(present.items())]
    gone = [_gone(key, before, now) for key, before in sorted(known.items()) if key not in present]
    return [*begun, *(news for news in gone if news is not None)]


def _seen(trouble: Trouble, before: Known | None, now: datetime) -> News:
    before = before or Known(ENDED, now, now)
    if trouble.state == before.state:
        return News(trouble.key, replace(before, seen_at=now, noticed=None, noticed_at=None))
    noticed_at = now
    if before.noticed == trouble.state and before.noticed_at is not None:
        noticed_at = before.noticed_at
    if now - noticed_at < trouble.patience:
        return News(trouble.key, replace(before, noticed=trouble.state, noticed_at=noticed_at))
    said = {"subject": trouble.subject, "state": trouble.state, "was": before.state, "since": noticed_at.isoformat()}
    return News(trouble.key, Known(trouble.state, noticed_at, now), {**said, **trouble.details})


def _gone(key: Key, before: Known, now: datetime) -> News | None:
    if before.state == ENDED:
        return None if before.noticed is None else News(key, replace(before, noticed=None, noticed_at=None))
    if now - before.seen_at < OVER_AFTER:
        return None
    lasted = (before.seen_at - before.since).total_seconds()
    said = {"subject": key[1], "state": ENDED, "was": before.state, "lasted_seconds": round(lasted)}
    return News(key, Known(ENDED, now, now), said)
