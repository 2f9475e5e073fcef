"""Write a message: what, where, value against expected, since when, and where to look; for one alert or thousands."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from eventpulse.message import AlertLine, Message, MessageKind
from rules.routing.wording import number, place, plural, short, stretch

#: A message names so many alerts and counts the others.
MOST_NAMED = 10
_MOST_RULES = 5
_A_MOMENT = timedelta(seconds=1)
_SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True)
class AlertTold:
    """What a message may say of an alert."""

    alert_id: UUID
    rule_name: str
    severity: str
    state: str
    group: Mapping[str, Any]
    labels: Mapping[str, str]
    message: str
    value: float | None
    threshold: float | None
    expected: str | None
    opened_at: datetime
    last_at: datetime
    ended_at: datetime | None
    anomaly_count: int


def compose(
    firing: Sequence[AlertTold],
    resolved: Sequence[AlertTold],
    *,
    page: str,
    now: datetime,
    groups: int = 1,
    reminder: bool = False,
) -> Message:
    """The message about alerts of one group, or of many in a digest. `page` is the address of the dashboard."""
    told = [*firing, *resolved]
    kind: MessageKind = "digest" if groups > 1 else "firing" if firing else "resolved"
    named_firing = _worst_first(firing)[:MOST_NAMED]
    named_resolved = _worst_first(resolved)[: MOST_NAMED - len(named_firing)]
    more = len(told) - len(named_firing) - len(named_resolved)
    lines = [[_line(each, page=page, now=now) for each in part] for part in (named_firing, named_resolved)]
    return Message(
        kind=kind,
        severity=_worst(firing or resolved),
        subject=_subject(firing, resolved, groups=groups, reminder=reminder),
        summary=_summary(firing, resolved, groups=groups, more=more, reminder=reminder),
        firing=lines[0],
        resolved=lines[1],
        more=more,
        link=_link(page, told[0].alert_id) if len(told) == 1 else f"{page}#/alerts",
        reminder=reminder,
    )


def compose_test(channel: str, *, page: str) -> Message:
    """What a person sees who tries a channel."""
    return Message(
        kind="test",
        severity="info",
        subject=f"Test of channel {short(channel, 80)}",
        summary=["If you can read this, EventPulse can reach you here. No alert fired; nothing has to be done."],
        firing=[],
        resolved=[],
        more=0,
        link=f"{page}#/channels",
    )


def _subject(firing: Sequence[AlertTold], resolved: Sequence[AlertTold], *, groups: int, reminder: bool) -> str:
    told = firing or resolved
    head = f"[{_worst(told).upper()}]" if firing else "[RESOLVED]"
    again = "Still firing: " if reminder else ""
    over = sum(map(_is_over, firing))
    if len(firing) + len(resolved) == 1:
        one = told[0]
        where = f" – {place(one.group, 70)}" if one.group else ""
        return f"{head} {again}{short(one.rule_name, 60)}{where}" + (" (over already)" if over else "")
    counts = [plural(len(firing), "alert") + (f" ({over:,} over already)" if over else "")] if firing else []
    counts += [f"{len(resolved):,} resolved" if firing else plural(len(resolved), "alert")] if resolved else []
    rules = Counter(each.rule_name for each in told)
    what = short(next(iter(rules)), 60) if len(rules) == 1 else plural(len(rules), "rule")
    digest = f" in {plural(groups, 'group')}" if groups > 1 else ""
    return f"{head} {again}{what} – {', '.join(counts)}{digest}"


def _summary(
    firing: Sequence[AlertTold], resolved: Sequence[AlertTold], *, groups: int, more: int, reminder: bool
) -> list[str]:
    said: list[str] = []
    told = [*firing, *resolved]
    if reminder:
        said.append("Nobody has acknowledged this yet.")
    if groups > 1:
        said.append(
            f"Digest: {plural(len(told), 'alert')} of {plural(groups, 'group')} in one message, "
            "because the channel has reached its limit of messages a minute."
        )
    if len(told) > 1:
        over = sum(map(_is_over, firing))
        severities = Counter(each.severity for each in firing if not _is_over(each))
        counts = ", ".join(f"{severities[name]:,} {name}" for name in _SEVERITIES if severities[name])
        parts = [f"firing: {counts or 'none any more'}"] if firing else []
        parts += [f"over already: {over:,}"] if over else []
        parts += [f"resolved: {len(resolved):,}"] if resolved else []
        said.append("; ".join(parts).capitalize())
        rules = Counter(each.rule_name for each in told)
        if len(rules) > 1:
            named = [f"{short(name, 60)} {count:,}" for name, count in rules.most_common(_MOST_RULES)]
            rest = len(rules) - len(named)
            said.append("By rule: " + ", ".join(named) + (f", and {plural(rest, 'other')}" if rest else ""))
    return said


def _line(alert: AlertTold, *, page: str, now: datetime) -> AlertLine:
    is_over = _is_over(alert)
    until = (alert.ended_at or alert.last_at) if is_over else now
    return AlertLine(
        alert_id=str(alert.alert_id),
        rule=short(alert.rule_name, 80),
        severity=alert.severity,
        where=place(alert.group) if alert.group else "",
        says=short(alert.message, 240),
        value=number(alert.value),
        expected=short(alert.expected, 120) if alert.expected else number(alert.threshold),
        against=_against(alert),
        since=f"{alert.opened_at:%Y-%m-%d %H:%M:%S} UTC",
        lasted=stretch(until - alert.opened_at) if is_over or until - alert.opened_at >= _A_MOMENT else None,
        state="over" if is_over else alert.state,
        anomalies=alert.anomaly_count,
        link=_link(page, alert.alert_id),
        runbook=runbook_of(alert.labels),
    )


def _against(alert: AlertTold) -> Literal["limit", "expected"]:
    """Whether the words about what a value was held against name what should not be, or what should."""
    words = alert.expected or ""
    is_limit = f"limit: {words}" in alert.message or words.startswith(("more than", "less than"))
    return "limit" if is_limit else "expected"


def runbook_of(labels: Mapping[str, str]) -> str | None:
    """The address of a runbook, if the label is one that a person may safely follow."""
    runbook = labels.get("runbook", "")
    try:
        parts = urlsplit(runbook)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or len(runbook) > 1_000:
        return None
    return None if any(character.isspace() or character in "<>\"'|`\\" for character in runbook) else runbook


def _link(page: str, alert_id: UUID) -> str:
    return f"{page}#/alerts/{alert_id}"


def _worst(alerts: Sequence[AlertTold]) -> str:
    return min((each.severity for each in alerts), key=_SEVERITIES.index)


def _is_over(alert: AlertTold) -> bool:
    return alert.state == "resolved" or alert.ended_at is not None


def _worst_first(alerts: Sequence[AlertTold]) -> list[AlertTold]:
    """What still fires before what is over, the most severe first."""

    def rank(alert: AlertTold) -> tuple[bool, int, datetime, str]:
        return _is_over(alert), _SEVERITIES.index(alert.severity), alert.opened_at, str(alert.alert_id)

    return sorted(alerts, key=rank)
