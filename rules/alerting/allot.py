"""Which alert each span of a group belongs to: those that are known go on, change, or lose their anomalies to others.

Looked at is a group from an instant `since` on; what lies before is as it was. So at most one alert that goes on stands
across that instant, and it takes the span that does. Any other span takes the alert that holds the earliest of its
anomalies, or else opens a new one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Span:
    """A span with the ids of its anomalies from `since` on, as in rules/alerting/spans.py. Times in microseconds."""

    start: int
    end: int | None
    began_before: bool
    anomalies: Sequence[str]


@dataclass(frozen=True)
class Known:
    """An alert that gathers anomalies: neither has a person resolved it, nor is its rule another by now. `due` is when
    it ends if nothing more comes; None stands for never."""

    alert_id: str
    opened: int
    due: int | None


@dataclass
class Share:
    """What one alert has from `since` on. `alert_id` is None for a new one; `due` is when it ends by what is known."""

    alert_id: str | None
    due: int | None
    anomalies: list[str] = field(default_factory=list)


def allot(
    spans: Sequence[Span],
    known: Collection[Known],
    holder: Mapping[str, str],
    since: int,
    quiet: int | None,
    true_before: Callable[[], int | None],
) -> list[Share]:
    """The shares of a group's alerts, in the order of its spans; known alerts that began after `since` and get nothing
    are not among them.

    `holder` says which alert holds an anomaly now. `quiet` is that of the rule (rules/alerting/spans.py). `true_before`
    finds out when the condition was last true before `since`, where it is true at instants only; it is asked only where
    a late event has made that uncertain.
    """
    shares: list[Share] = []
    later = {alert.alert_id for alert in known if alert.opened >= since}
    across = _across(known, since)
    rest = list(spans)
    if across is not None:
        share = Share(across.alert_id, across.due)
        if quiet is None:
            share.due = since
            if rest and rest[0].began_before:
                _give(share, rest.pop(0))
        else:
            _go_on(share, rest, since, quiet, true_before)
        shares.append(share)
    for span in rest:
        if span.anomalies:
            candidates = (holder.get(anomaly) for anomaly in span.anomalies)
            taken = next((alert_id for alert_id in candidates if alert_id in later), None)
            later.discard(taken or "")
            shares.append(Share(taken, span.end, list(span.anomalies)))
    return shares


def _across(known: Collection[Known], since: int) -> Known | None:
    """The alert that stands across an instant."""
    standing = [alert for alert in known if alert.opened < since and (alert.due is None or alert.due >= since)]
    return max(standing, key=lambda alert: alert.opened, default=None)


def _go_on(share: Share, rest: list[Span], since: int, quiet: int, true_before: Callable[[], int | None]) -> None:
    """Let an alert of a condition that is true at instants go on with the spans that follow closely enough."""
    while rest and rest[0].began_before:
        share.anomalies += rest.pop(0).anomalies
    assert share.due is not None
    last = (since if share.due is None else share.due) - quiet
    follows_at_once = bool(rest) and rest[0].start == since
    if last >= since and not follows_at_once:
        # What made it last across `since` has come after it, and may not be true any more.
        last = true_before() or since - 1
        share.due = last + quiet
    if rest and (follows_at_once or rest[0].start - last <= quiet):
        _give(share, rest.pop(0))


def _give(share: Share, span: Span) -> None:
    share.due = span.end
    share.anomalies += span.anomalies
