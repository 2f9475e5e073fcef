"""A rule: what to look for, how often to say so, and for whom. Reading one collects every fault it has."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from pydantic import Field, TypeAdapter, ValidationError

from rules.checks import cross_checks
from rules.conditions import CONDITIONS, TYPES, Absence, AnyCondition, Change, Condition, Deviation, Step, Threshold
from rules.document import Cooldown, Paths, Seconds, SecondsFromZero, Text, document
from rules.faults import RuleFaults, RuleIssue
from rules.fields import group_text
from rules.filters import Filters
from rules.paths import is_json_path
from rules.sentences import Sentences, shown
from rules.trials.trial import Expected, Trial, TrialEvents

__all__ = ["Rule", "RuleDocument", "RuleFaults", "RuleIssue", "read_rule"]

#: The namespace of ids made from names: the same name gives the same rule in every installation.
RULE_NAMESPACE = UUID("6f1c7f0e-53a2-5d0f-9a35-8f6e6a2d4b11")
#: Keys that the API adds to a rule when it shows it; sent back, they are passed over.
SHOWN_ONLY = frozenset(
    {
        "rule_id",
        "version",
        "created_at",
        "updated_at",
        "semantic_hash",
        "suspended_at",
        "last_error",
        "limited_at",
        "limited_why",
    }
)
DEFAULT_WINDOW_SECONDS = 60
DEFAULT_MAX_GROUPS = 100_000


@document
class RuleDocument:
    """What a rule's document may hold, in JSON and YAML alike."""

    name: Text
    enabled: Annotated[bool, Field(strict=True, description="true or false")] = True
    severity: Annotated[Literal["critical", "warning", "info"], Field(description="critical, warning or info")]
    window_seconds: Seconds = DEFAULT_WINDOW_SECONDS
    cooldown_seconds: Cooldown = 0
    for_seconds: SecondsFromZero = 0
    keep_firing_seconds: SecondsFromZero = 0
    group_by: Paths = ()
    mode: Annotated[Literal["live", "shadow"], Field(description="live or shadow")] = "live"
    labels: Annotated[
        dict[Annotated[str, Field(strict=True, max_length=128)], Annotated[str, Field(strict=True, max_length=1024)]],
        Field(max_length=64, description="pairs of texts, such as {team: security}; put a number in quotes"),
    ] = field(default_factory=dict)
    summary: (
        Annotated[
            str, Field(strict=True, min_length=1, max_length=1000, description='a text such as "{value} failed logins"')
        ]
        | None
    ) = None
    max_groups: Annotated[
        int, Field(strict=True, ge=1, le=10_000_000, description="a whole number from 1 to 10000000")
    ] = DEFAULT_MAX_GROUPS
    condition: AnyCondition
    tests: Annotated[tuple[Trial, ...], Field(max_length=100, description="a list of tests")] = ()


@dataclass(frozen=True, kw_only=True)
class Rule(RuleDocument):
    """A rule that was read. `document` is what was sent; `members` are the rules a composite speaks of."""

    rule_id: UUID
    version: int = 1
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    members: tuple["Rule", ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.rule_id, self.version))

    @cached_property
    def semantic_hash(self) -> str:
        """Changes with whatever can change which anomalies the rule has, and with nothing else.

        So neither name, labels, summary, severity, mode, enabled nor tests are in it; for a composite its members are.
        """
        condition = TypeAdapter(type(self.condition)).dump_python(self.condition, mode="json", exclude_defaults=True)
        meaning = {
            # Without what stands at its default, so that a key added in a later release changes no hash.
            "condition": {**condition, "type": self.condition.type},
            "window_seconds": self.window_seconds,
            "cooldown_seconds": self.cooldown_seconds,
            "for_seconds": self.for_seconds,
            "keep_firing_seconds": self.keep_firing_seconds,
            "group_by": self.group_by,
            "max_groups": self.max_groups,
            "members": {member.name: member.semantic_hash for member in self.members},
        }
        text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every JSON path that judging the rule reads, its members' included."""
        of_members = (member.paths for member in self.members)
        return self.condition.paths.union(filter(is_json_path, self.group_by), *of_members)

    @cached_property
    def has_one_group(self) -> bool:
        """Whether all rows of the rule belong together, so that order of time is the order of ROW frames."""
        return not self.group_by and not self.members

    @cached_property
    def known_groups(self) -> tuple[str, ...]:
        """The canonical texts of the groups that an absence rule lists."""
        listed = self.condition.groups if isinstance(self.condition, Absence) else ()
        return tuple(group_text({path: group[path] for path in self.group_by}) for group in listed)


_READER = TypeAdapter(RuleDocument)
_SENTENCES = Sentences([RuleDocument, *CONDITIONS, Filters, Step, Trial, TrialEvents, Expected], TYPES)


def read_rule(document: object, *, rule_id: UUID | None = None, version: int = 1) -> Rule:
    """Read a rule from its document. Raises RuleFaults with one issue for each thing that is wrong.

    Without a `rule_id`, here or in the document, the rule gets the UUID5 of its name.
    """
    if not isinstance(document, Mapping):
        raise RuleFaults(
            [RuleIssue((), f"A rule must be a mapping of keys to values, got {shown(document)}.", "wrong_type")]
        )
    given = {key: value for key, value in document.items() if key not in SHOWN_ONLY and value is not None}
    if isinstance(condition := given.get("condition"), Mapping):
        given["condition"] = {key: value for key, value in condition.items() if value is not None}
    issues: list[RuleIssue] = []
    body = None
    try:
        body = _READER.validate_python(given)
    except ValidationError as fault:
        issues.extend(_SENTENCES.issues(fault, given))
    except RecursionError:
        issues.append(RuleIssue((), "A rule must not be nested this deeply.", "too_large"))
    given_id, id_issues = _given_id(document)
    places = {issue.path for issue in issues}
    issues.extend(issue for issue in [*id_issues, *cross_checks(given)] if issue.path not in places)
    if issues or body is None:
        raise RuleFaults(issues)
    values = {name: getattr(body, name) for name in RuleDocument.__dataclass_fields__}
    rule = Rule(
        **values,
        rule_id=rule_id or given_id or uuid5(RULE_NAMESPACE, body.name),
        version=version,
        document=dict(document),
    )
    return settle(rule, window_given="window_seconds" in given)


def settle(rule: Rule, *, window_given: bool) -> Rule:
    """Fill in what depends on other parts of the rule."""
    condition: Condition = rule.condition
    window = rule.window_seconds
    if isinstance(condition, (Threshold, Change)) and condition.min_count is None:
        condition = replace(condition, min_count=0 if condition.metric == "count" else 1)
    if isinstance(condition, Change) and condition.offset_seconds is None:
        condition = replace(condition, offset_seconds=window)
    if isinstance(condition, Deviation):
        bucket = condition.bucket_seconds or window
        window = window if window_given else bucket
        baseline = condition.baseline_buckets or (4 if condition.method == "seasonal" else 30)
        condition = replace(condition, bucket_seconds=bucket, baseline_buckets=baseline)
    return replace(rule, condition=condition, window_seconds=window)


def _given_id(document: Mapping[str, Any]) -> tuple[UUID | None, list[RuleIssue]]:
    given = document.get("rule_id")
    if given is None or isinstance(given, UUID):
        return given, []
    try:
        return UUID(given), []
    except (ValueError, AttributeError, TypeError):
        return None, [RuleIssue(("rule_id",), f"rule_id must be a UUID, got {shown(given)}.", "wrong_type")]
