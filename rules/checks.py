"""What must fit together in a rule, seen on the document itself, so that one fault does not hide another."""

from collections.abc import Iterator, Mapping
from typing import Any

from rules.conditions import FIELD_METRICS
from rules.faults import RuleIssue
from rules.paths import EVENT_COLUMNS, PathFault, normal_path
from rules.summary import SummaryFault, read_summary

NEEDS_WINDOW = ("threshold", "change", "absence", "sequence")
MOST_EVENTS_IN_TEST = 20_000
SEASON_SECONDS = {"day": 86_400, "week": 7 * 86_400}


def cross_checks(document: Mapping[str, Any]) -> Iterator[RuleIssue]:
    """The faults that no single key shows. Keys of a wrong type are passed over; they are faults already."""
    yield from _summary(document.get("summary"), document.get("group_by", ()))
    condition = document.get("condition")
    if not isinstance(condition, Mapping):
        return
    kind = condition.get("type")
    yield from _size_of_tests(document.get("tests"))
    if kind in NEEDS_WINDOW and "window_seconds" not in document:
        yield RuleIssue(
            ("window_seconds",),
            '"window_seconds" is missing: give a whole number of seconds from 1 to 2678400 (31 days).',
            "missing",
        )
    if kind in ("threshold", "change", "deviation"):
        yield from _metric(condition)
    if kind == "deviation":
        yield from _season(condition, document)
    if kind == "sequence":
        yield from _steps(condition.get("steps"))
    if kind == "absence":
        yield from _listed_groups(condition.get("groups"), document.get("group_by", ()))


def _summary(summary: object, group_by: object) -> Iterator[RuleIssue]:
    if not isinstance(summary, str) or not isinstance(group_by, (list, tuple)):
        return
    try:
        read_summary(summary, tuple(normal_path(path) for path in group_by))
    except SummaryFault as fault:
        yield RuleIssue(("summary",), str(fault), "summary")
    except (PathFault, TypeError):
        return


def _size_of_tests(tests: object) -> Iterator[RuleIssue]:
    for number, test in enumerate(tests if isinstance(tests, (list, tuple)) else ()):
        events = test.get("events") if isinstance(test, Mapping) else None
        repeats = (
            [one.get("repeat", 1) for one in events or () if isinstance(one, Mapping)]
            if isinstance(events, list)
            else []
        )
        if sum(repeat for repeat in repeats if isinstance(repeat, int)) > MOST_EVENTS_IN_TEST:
            sentence = f"A test has at most {MOST_EVENTS_IN_TEST} events in all."
            yield RuleIssue(("tests", number, "events"), sentence, "too_large")


def _metric(condition: Mapping[str, Any]) -> Iterator[RuleIssue]:
    metric = condition.get("metric", "count")
    field, numerator = condition.get("field"), condition.get("numerator")
    if not isinstance(metric, str):
        return
    if metric in FIELD_METRICS and field is None:
        yield _issue("field", f"{metric} needs a field: give a path such as payload.amount.", "missing")
    if metric in ("count", "rate", "ratio") and field is not None:
        yield _issue("field", f"{metric} has no field; take it away, or choose a metric of a field.", "not_needed")
    if metric == "ratio" and numerator is None:
        yield _issue(
            "numerator", "ratio needs a numerator: give the filters of the events to compare with all.", "missing"
        )
    if metric != "ratio" and numerator is not None:
        yield _issue("numerator", f"{metric} has no numerator; it belongs to the metric ratio.", "not_needed")
    if metric in FIELD_METRICS and metric != "distinct" and EVENT_COLUMNS.get(str(field)) in ("text", "time"):
        yield _issue("field", f"{field} is no number, so it has no {metric}; distinct would do.", "wrong_type")


def _season(condition: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[RuleIssue]:
    bucket = condition.get("bucket_seconds", document.get("window_seconds", 60))
    season = SEASON_SECONDS.get(str(condition.get("season", "day")))
    if condition.get("method") == "seasonal" and season and isinstance(bucket, int) and bucket > 0 and season % bucket:
        place = "bucket_seconds" if "bucket_seconds" in condition else "season"
        yield _issue(
            place, f"Buckets of {bucket} s do not fill a season of {season} s evenly; 3600 would.", "wrong_size"
        )


def _steps(steps: object) -> Iterator[RuleIssue]:
    if not isinstance(steps, (list, tuple)):
        return
    names: list[object] = []
    for number, step in enumerate(steps):
        if not isinstance(step, Mapping):
            continue
        if step.get("absent") is True and number < len(steps) - 1:
            yield RuleIssue(("condition", "steps", number, "absent"), "Only the last step can be absent.", "not_last")
        if step.get("name") in names:
            yield RuleIssue(("condition", "steps", number, "name"), "Two steps have the same name.", "repeated")
        names.append(step.get("name"))


def _listed_groups(groups: object, group_by: object) -> Iterator[RuleIssue]:
    if not isinstance(groups, (list, tuple)) or not isinstance(group_by, (list, tuple)):
        return
    try:
        wanted = {normal_path(path) for path in group_by}
        for number, group in enumerate(groups):
            if isinstance(group, Mapping) and {normal_path(path) for path in group} != wanted:
                paths = ", ".join(sorted(wanted)) or "no path, as the rule has no group_by"
                yield RuleIssue(
                    ("condition", "groups", number),
                    f"A group listed here has a value for each of: {paths}.",
                    "wrong_keys",
                )
    except (PathFault, TypeError):
        return


def _issue(key: str, message: str, code: str) -> RuleIssue:
    return RuleIssue(("condition", key), message, code)
