"""Fifth: what somebody silenced waits until the silence ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rules.routing.alert import RoutedAlert
from rules.routing.matcher import Matcher
from rules.routing.verdict import Verdict, goes_on, held


@dataclass(frozen=True)
class Silence:
    """From `starts_at` to before `ends_at`, alerts that match are not told to anybody."""

    silence_id: UUID
    matcher: Matcher
    owner: str
    reason: str
    starts_at: datetime
    ends_at: datetime

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.starts_at <= now < self.ends_at


def not_silenced(alert: RoutedAlert, silences: Iterable[Silence], now: datetime) -> Verdict:
    """Whether no silence covers the alert; of several, the one that ends last gives the reason."""
    covering = [silence for silence in silences if silence.holds(now) and silence.matcher.matches(alert)]
    if not covering:
        return goes_on("not silenced")
    last = max(covering, key=lambda silence: (silence.ends_at, str(silence.silence_id)))
    return held(f"silenced by {last.owner}: {last.reason}", look_again_at=last.ends_at)
