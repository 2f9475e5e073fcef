"""Keep alerts in step with the anomalies that stand, inside the transaction that changes those.

1. what is known: the alerts of the groups whose spans are told, and who holds their anomalies
2. allot each group's spans to them (rules/alerting/allot.py)
3. `open` those that are new, so that anomalies can be stored as theirs
4. `finish`, once the anomalies are written: alerts that changed, their history, and the intentions to tell of it

After any order of arrival each anomaly that stands is in one alert, and alerts begin and end where one evaluation over
all events would have them begin and end; which id an alert has, may depend on the order. An alert that a person has
resolved keeps what it has and gathers nothing more: the next anomaly opens a new one, although the condition holds.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from eventpulse.database.alerts.alerts import (
    AlertRow,
    Looked,
    NewAlert,
    Note,
    change_alerts,
    extend_alerts,
    holders,
    known_alerts,
    lock_unresolved,
    move_anomalies,
    note,
    open_alerts,
    read_again,
    shown_alerts,
    taken_ids,
)
from eventpulse.stream.alert_messages import Change
from pipelines.live.recall import last_true_before
from rules.alerting.allot import Known, Share, Span, allot
from rules.alerting.identity import alert_id
from rules.alerting.spans import Spans, quiet
from rules.rule import Rule
from rules.window import EPOCH, instant_of
from rules.write_up import stable_group_key

#: Up to which instant the alerts of a rule that were over by then have ended; None where none has.
Through = Callable[[UUID], datetime | None]
#: Never tell of more alerts of one batch than this; the rest is read from the API.
MOST_TOLD = 1_000
_MERGED = "Its anomalies belong to another alert, after a late event."


@dataclass(frozen=True)
class Told:
    """A rule and the spans of the groups whose alerts are to be looked at."""

    rule: Rule
    spans: Spans


@dataclass
class AlertChanges:
    """What one transaction changes about alerts. `alert_of` says which alert holds an anomaly from now on."""

    alert_of: dict[str, str] = field(default_factory=dict)
    new: dict[str, NewAlert] = field(default_factory=dict)
    changed: dict[str, AlertRow] = field(default_factory=dict)
    extended: dict[str, AlertRow] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    #: What people who listen are told: the changes of alerts, each with the alert as it is now.
    told: list[tuple[Change, dict[str, Any]]] = field(default_factory=list)

    @property
    def opened_by_day(self) -> dict[str, int]:
        """How many alerts are new, by UTC day of their first anomaly."""
        return dict(Counter(each.row.opened_at.date().isoformat() for each in self.new.values()))

    @property
    def any(self) -> bool:
        """Whether there is anything to write down."""
        return bool(self.alert_of or self.new or self.changed or self.extended or self.notes)

    @property
    def rows(self) -> Iterable[AlertRow]:
        """Every alert that was looked at, as it is now."""
        yield from (each.row for each in self.new.values())
        yield from self.changed.values()
        yield from self.extended.values()


class AlertKeeping:
    """One transaction's change of alerts. `origin_of` says how an anomaly was found; `asked`, that somebody wants to
    hear of what is found although it is history. Of history, everything before `until` is known here, and nothing
    behind it, which has happened all the same up to `present`."""

    def __init__(
        self,
        connection: psycopg.Connection,
        *,
        batch_id: int,
        run_id: str | None,
        through: Through,
        origin_of: Callable[[str], str],
        asked: bool = False,
        until: datetime | None = None,
        present: datetime | None = None,
    ) -> None:
        self._connection = connection
        self._batch_id = batch_id
        self._run_id = run_id
        self.through = through
        self._origin_of = origin_of
        self._asked = asked
        self._until = until
        self._present = present
        self._lost: dict[str, int] = {}
        self._members: dict[str, dict[str, Any]] = {}
        self._shares_of_new: dict[str, Sequence[str]] = {}
        self.changes = AlertChanges()

    def follow(
        self, told: Sequence[Told], *, new: Iterable[str], retracted: Sequence[str] = (), left: Sequence[str] = ()
    ) -> None:
        """Steps 1 to 3. `new` anomalies are held by no alert yet; `retracted` ones still are; `left` names the alert of
        each that no longer is."""
        if not told and not retracted and not left:
            return
        groups = [(each, *line) for each in told for line in each.spans.looked_at.iter_rows()]
        looked = [
            Looked(each.rule.rule_id, each.rule.semantic_hash, group, stable_group_key(group), since)
            for each, group, since in groups
        ]
        fresh = set(new)
        members = {row["anomaly_id"]: row for each in told for row in each.spans.members.iter_rows(named=True)}
        self._members = members
        holder = holders(self._connection, [*(one for one in members if one not in fresh), *retracted])
        known = known_alerts(self._connection, looked, {*holder.values(), *left}, self._until)
        for alert in left:
            self._lose(alert)
        for anomaly in retracted:
            self._lose(holder.pop(anomaly, None))
        by_group: dict[tuple[UUID, str], list[AlertRow]] = {}
        for row in known.values():
            if row.gathers and row.resolution != "retracted":
                by_group.setdefault((row.rule_id, row.group), []).append(row)
        spans = {each.rule.rule_id: _by_group(each.spans) for each in told}
        before: dict[str, AlertRow] = {key: replace(row) for key, row in known.items()}
        for each, group, since in groups:
            self._allot(each.rule, group, since, spans[each.rule.rule_id].get(group, []), by_group, holder, known)
        for key, lost in self._lost.items():
            if key in known:
                self._take_away(known[key], lost)
        self._give_ids(known)
        self._settle(before)
        if self.changes.new:
            opened = list(self.changes.new.values())
            open_alerts(self._connection, opened, batch_id=self._batch_id, run_id=self._run_id)

    def end_due(self, alert_ids: Sequence[str]) -> None:
        """Resolve those of some alerts that nobody has resolved and that are over."""
        self.changes.ended += alert_ids
        touched = self.changes.changed.keys() | self.changes.extended.keys()
        left = [one for one in alert_ids if one not in touched]
        for row in lock_unresolved(self._connection, left) if left else ():
            if _over(row.due_at, self.through(row.rule_id)):
                row.state, row.resolution, row.ended_at = "resolved", "ended", row.due_at
                self.changes.changed[row.alert_id] = row
                self.changes.notes.append(Note(row.alert_id, "resolved", row.origin, "resolved"))

    def remove(self, rows: Iterable[AlertRow]) -> None:
        """Resolve alerts whose rule is gone, or means something else by now."""
        for row in lock_unresolved(self._connection, [row.alert_id for row in rows]):
            row.state, row.resolution = "resolved", "rule_removed"
            self.changes.changed[row.alert_id] = row
            why = "Its rule was deleted, disabled, or changed so that it finds something else."
            self.changes.notes.append(Note(row.alert_id, "resolved", row.origin, "resolved", why))

    def finish(self, *, stored_with_alert: Iterable[str] = ()) -> AlertChanges:
        """Step 4. Some anomalies were stored with their alert already."""
        changes = self.changes
        done = set(stored_with_alert)
        if moved := {anomaly: alert for anomaly, alert in changes.alert_of.items() if anomaly not in done}:
            move_anomalies(self._connection, moved)
        if changes.changed:
            change_alerts(self._connection, list(changes.changed.values()))
        if changes.extended:
            extend_alerts(self._connection, {key: row.due_at for key, row in changes.extended.items()})
        if changes.incomplete:
            read_again(self._connection, changes.incomplete)
        if changes.notes:
            note(self._connection, changes.notes, asked=self._asked)
        self._tell()
        return changes

    def _tell(self) -> None:
        changes, became = self.changes, dict[str, Change]()
        for each in changes.notes:
            if each.what != "noted":
                became[each.alert_id] = "opened" if each.what == "reopened" else each.what
        became |= {alert_id: "gathered" for alert_id in changes.changed.keys() - became.keys()}
        if became:
            chosen = list(became)[:MOST_TOLD]
            shown = shown_alerts(self._connection, chosen)
            changes.told = [(became[alert_id], shown[alert_id]) for alert_id in chosen]

    def _allot(
        self,
        rule: Rule,
        group: str,
        since: datetime,
        spans: list[Span],
        by_group: Mapping[tuple[UUID, str], list[AlertRow]],
        holder: Mapping[str, str],
        known: Mapping[str, AlertRow],
    ) -> None:
        rows = by_group.get((rule.rule_id, group), [])
        if any(not row.gathers for row in known.values()):
            spans = [replace(span, anomalies=_free(span.anomalies, holder, known)) for span in spans]
        still, at = quiet(rule), instant_of(since)
        shares = allot(
            spans,
            [Known(row.alert_id, instant_of(row.opened_at), _instant(row.due_at)) for row in rows],
            holder,
            at,
            still,
            lambda: last_true_before(self._connection, rule, group, since, timedelta(microseconds=still or 0)),
        )
        for share in shares:
            if share.alert_id is None:
                self._begin(rule, group, share, holder)
            else:
                self._go_on(known[share.alert_id], share, since, holder)

    def _begin(self, rule: Rule, group: str, share: Share, holder: Mapping[str, str]) -> None:
        first, last = self._members[share.anomalies[0]], self._members[share.anomalies[-1]]
        row = AlertRow(
            alert_id=alert_id(rule.rule_id, group, share.anomalies[0]),
            rule_id=rule.rule_id,
            group=group,
            group_key=stable_group_key(group),
            meaning=rule.semantic_hash,
            state="open",
            resolution=None,
            opened_at=first["occurred_at"],
            last_at=last["occurred_at"],
            due_at=_moment(share.due),
            ended_at=None,
            was_acknowledged=False,
            anomaly_count=len(share.anomalies),
            first_anomaly_id=share.anomalies[0],
            latest_anomaly_id=share.anomalies[-1],
            origin=self._origin_of(share.anomalies[0]),
            **_said(last),
        )
        labels = msgspec.json.encode(rule.labels).decode()
        new = NewAlert(row, rule.name, rule.version, rule.severity, rule.mode, labels)
        self.changes.new[row.alert_id] = new
        self._shares_of_new[row.alert_id] = share.anomalies
        self._hold(share, row.alert_id, holder)

    def _go_on(self, row: AlertRow, share: Share, since: datetime, holder: Mapping[str, str]) -> None:
        due_at = _moment(share.due)
        if not (self._is_beyond(row.due_at) and self._is_beyond(due_at)):
            row.due_at = due_at
        row.anomaly_count += len(share.anomalies)
        if share.anomalies:
            first, last = self._members[share.anomalies[0]], self._members[share.anomalies[-1]]
            if row.opened_at >= since:
                row.opened_at, row.first_anomaly_id = first["occurred_at"], share.anomalies[0]
            if self._until is None or row.last_at < self._until:
                row.last_at, row.latest_anomaly_id = last["occurred_at"], share.anomalies[-1]
                for name, value in _said(last).items():
                    setattr(row, name, value)
        self.changes.changed[row.alert_id] = row
        self._hold(share, row.alert_id, holder)

    def _is_beyond(self, due_at: datetime | None) -> bool:
        """Whether an end lies where this stretch of history does not reach: what was known of it before, stands."""
        return self._until is not None and (due_at is None or due_at >= self._until)

    def _hold(self, share: Share, alert: str, holder: Mapping[str, str]) -> None:
        for anomaly in share.anomalies:
            before = holder.get(anomaly)
            self._lose(before)
            if before != alert:
                self.changes.alert_of[anomaly] = alert

    def _lose(self, alert: str | None) -> None:
        if alert is not None:
            self._lost[alert] = self._lost.get(alert, 0) + 1

    def _take_away(self, row: AlertRow, lost: int) -> None:
        """Count what an alert had from `since` on; what it has got again was added before."""
        gathered = self.changes.changed.get(row.alert_id)
        row.anomaly_count -= lost
        self.changes.changed[row.alert_id] = row
        if row.anomaly_count > 0 and (gathered is None or row.latest_anomaly_id not in self._members):
            self.changes.incomplete.add(row.alert_id)

    def _settle(self, before: Mapping[str, AlertRow]) -> None:
        """Which of the alerts have ended, go on after all, or have lost everything."""
        for new in self.changes.new.values():
            row = new.row
            self.changes.notes.append(Note(row.alert_id, "opened", row.origin, "opened"))
            if _over(row.due_at, self.through(row.rule_id)):
                row.state, row.resolution, row.ended_at = "resolved", "ended", row.due_at
                self.changes.notes.append(Note(row.alert_id, "resolved", row.origin, "resolved"))
        for key, was in before.items():
            if key not in self.changes.changed:  # those of rules that are gone are settled by `remove`
                continue
            row = self.changes.changed[key]
            self._settle_one(row, was)
            if _unlike(row, was) == {"due_at"}:
                self.changes.extended[key] = self.changes.changed.pop(key)
            elif not _unlike(row, was):
                del self.changes.changed[key]

    def _settle_one(self, row: AlertRow, was: AlertRow) -> None:
        notes = self.changes.notes
        if not row.gathers:
            return
        if row.anomaly_count <= 0:
            if was.resolution == "retracted":
                return
            row.state, row.resolution, row.ended_at = "resolved", "retracted", None
            moved = any(alert != row.alert_id for alert in self.changes.alert_of.values())
            why = _MERGED if moved else "None of its anomalies holds any more, after a late event."
            tells = "resolved" if was.state != "resolved" else None
            notes.append(Note(row.alert_id, "resolved", row.origin, tells, why))  # type: ignore[arg-type]
        elif _over(row.due_at, self.through(row.rule_id)):
            row.state, row.resolution, row.ended_at = "resolved", "ended", row.due_at
            if was.state != "resolved":
                notes.append(Note(row.alert_id, "resolved", row.origin, "resolved"))
        elif was.state == "resolved" and _over(row.due_at, self._present):
            row.ended_at = row.due_at  # what comes later is known, and is looked at in its turn
        elif was.state == "resolved":
            row.state, row.resolution, row.ended_at = "open", None, None
            row.state = "acknowledged" if row.was_acknowledged else "open"
            notes.append(Note(row.alert_id, "reopened", row.origin, "opened", "It goes on, after a late event."))

    def _give_ids(self, known: Mapping[str, AlertRow]) -> None:
        """Where the id of a new alert is taken by one that holds nothing, that one comes back; where it began with the
        same anomaly, lost that and holds others, or was closed for good, the new one gets an id of its own."""
        taken = taken_ids(self._connection, list(self.changes.new)) if self.changes.new else {}
        for key, holds_any in taken.items():
            new = self.changes.new.pop(key)
            if not holds_any and key in known and known[key].gathers:
                self.changes.changed[key] = _come_back(known[key], new.row)
                continue
            row = new.row
            row.alert_id = alert_id(row.rule_id, row.group, row.first_anomaly_id, again=self._batch_id)
            self.changes.new[row.alert_id] = new
            for anomaly in self._shares_of_new[key]:
                self.changes.alert_of[anomaly] = row.alert_id


def _come_back(row: AlertRow, as_new: AlertRow) -> AlertRow:
    """An alert that held nothing any more, with what it has now."""
    kept = ("state", "resolution", "ended_at", "was_acknowledged", "origin")
    for name, value in vars(as_new).items():
        if name not in kept:
            setattr(row, name, value)
    return row


def _by_group(told: Spans) -> dict[str, list[Span]]:
    anomalies: dict[tuple[str, int], list[str]] = {}
    for group, number, anomaly in told.members.select("group", "number", "anomaly_id").iter_rows():
        anomalies.setdefault((group, number), []).append(anomaly)
    spans: dict[str, list[Span]] = {}
    for group, number, start, end, began_before in told.spans.iter_rows():
        spans.setdefault(group, []).append(Span(start, end, began_before, anomalies.get((group, number), [])))
    return spans


def _free(anomalies: Sequence[str], holder: Mapping[str, str], known: Mapping[str, AlertRow]) -> list[str]:
    """Those that are not held by an alert that somebody has closed for good."""
    held_by = ((anomaly, known.get(holder.get(anomaly, ""))) for anomaly in anomalies)
    return [anomaly for anomaly, alert in held_by if alert is None or alert.gathers]


def _said(member: Mapping[str, Any]) -> dict[str, Any]:
    return {name: member[name] for name in ("message", "value", "threshold", "expected")}


def _over(due: datetime | None, through: datetime | None) -> bool:
    return due is not None and through is not None and due <= through


def _unlike(row: AlertRow, was: AlertRow) -> set[str]:
    return {name for name, value in vars(row).items() if value != getattr(was, name)}


def _instant(at: datetime | None) -> int | None:
    return None if at is None else instant_of(at)


def _moment(at: int | None) -> datetime | None:
    return None if at is None else EPOCH + timedelta(microseconds=at)
