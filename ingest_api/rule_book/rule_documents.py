"""Rules as they come in and go out: JSON text kept as sent, faults by field, defaults filled in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from eventpulse.clock import iso_utc
from eventpulse.database.rules.rule_store import NewRule
from eventpulse.intake.json_objects import Refused, check_object
from rules.rule import SHOWN_ONLY, Rule, RuleFaults, RuleIssue, read_rule

REQUIRED_FOR_PUT = ("name", "enabled", "severity", "window_seconds", "cooldown_seconds", "condition")
Document = dict[str, msgspec.Raw]

_read_document = msgspec.json.Decoder(Document).decode
_write = msgspec.json.Encoder().encode


class BadRule(ValueError):
    """A rule that cannot be read. `errors` has sentences about the whole and sentences for each field; `issues` the
    place of each fault."""

    def __init__(
        self, whole: list[str], fields: dict[str, list[str]] | None = None, issues: Sequence[RuleIssue] = ()
    ) -> None:
        super().__init__("The rule cannot be read")
        self.errors = {"formErrors": whole, "fieldErrors": fields or {}}
        self.issues = [_as_json(issue) for issue in issues or _plain_issues(whole, fields or {})]


def _plain_issues(whole: list[str], fields: dict[str, list[str]]) -> Iterator[RuleIssue]:
    for sentence in whole:
        yield RuleIssue((), sentence, "invalid")
    for field, sentences in fields.items():
        for sentence in sentences:
            yield RuleIssue((field,), sentence, "missing" if sentence == "Required" else "invalid")


def _as_json(issue: RuleIssue) -> dict[str, Any]:
    return {"path": issue.path, "message": issue.message, "code": issue.code, "column": issue.column}


@dataclass(frozen=True)
class Draft:
    """A rule that can be read, and its JSON text as it was sent."""

    rule: Rule
    text: str

    def as_new_rule(self) -> NewRule:
        """What is to be stored of it."""
        rule = self.rule
        return NewRule(
            rule.rule_id, rule.version, rule.name, rule.enabled, rule.severity, rule.semantic_hash, self.text
        )


def read_body_of_rule(body: bytes, *, deepest: int) -> Document:
    """The keys of a rule as it was sent, each with its JSON text. Raises BadRule."""
    try:
        body.decode()
        document = _read_document(body)
        check_object(body.decode().strip(), deepest=deepest)
    except UnicodeDecodeError as fault:
        raise BadRule([f"Body is not valid UTF-8 (byte {fault.start})"]) from None
    except msgspec.ValidationError:
        raise BadRule(["A rule must be a JSON object"]) from None
    except msgspec.DecodeError as fault:
        raise BadRule([f"Body is not valid JSON: {fault}"]) from None
    except RecursionError:
        raise BadRule(["A rule must not be nested this deeply"]) from None
    except Refused as refused:
        raise bad_rule(RuleIssue(issue.path, issue.message, issue.code) for issue in refused.issues) from None
    return {key: value for key, value in document.items() if key not in SHOWN_ONLY or key == "rule_id"}


def given_id(document: Document) -> UUID | None:
    """The id a client chose for its new rule, if it did. Raises BadRule where it is none."""
    if _is_null(document.get("rule_id")):
        return None
    try:
        return msgspec.json.decode(document["rule_id"], type=UUID)
    except msgspec.ValidationError:
        raise BadRule([], {"rule_id": ["Invalid uuid"]}) from None


def require_all(document: Document) -> None:
    """Raises BadRule where a key is missing that a replacement must have."""
    missing = {name: ["Required"] for name in REQUIRED_FOR_PUT if _is_null(document.get(name))}
    if missing:
        raise BadRule([], missing)


def require_any(document: Document) -> None:
    """Raises BadRule where a patch changes nothing."""
    if not document.keys() - SHOWN_ONLY:
        raise BadRule(["At least one field must be provided"])


def as_text(document: Document) -> str:
    """The rule as one JSON object, each value as it was sent; null is as good as nothing."""
    kept = {key: value for key, value in document.items() if key != "rule_id" and not _is_null(value)}
    return _write(kept).decode()


def read_draft(document: Document, *, rule_id: UUID | None, version: int) -> Draft:
    """The rule of a document. Raises BadRule with every fault of it."""
    text = as_text(document)
    return Draft(_read(text, rule_id, version), text)


def merged(stored: str, patch: Document) -> Document:
    """The stored rule with the keys of the patch in place of its own."""
    return {**_read_document(stored), **patch}


def rule_as_json(row: Row) -> dict[str, Any]:
    """A stored rule as the API shows it: as sent, with defaults of the original's fields and what the server knows."""
    document = _read_document(row.document)
    window = document.get("window_seconds") or _read(row.document, row.rule_id, row.version).window_seconds
    shown: dict[str, Any] = {
        "rule_id": row.rule_id,
        "version": row.version,
        "name": row.name,
        "enabled": row.enabled,
        "severity": row.severity,
        "window_seconds": window,
        "cooldown_seconds": document.get("cooldown_seconds") or 0,
    }
    return {
        **shown,
        **{key: value for key, value in document.items() if key not in shown and key not in SHOWN_ONLY},
        "suspended_at": iso_utc(row.suspended_at) if row.suspended_at else None,
        "last_error": row.last_error,
        "limited_at": iso_utc(row.limited_at) if row.limited_at else None,
        "limited_why": row.limited_why,
        "created_at": iso_utc(row.created_at),
        "updated_at": iso_utc(row.updated_at),
    }


def _is_null(value: msgspec.Raw | None) -> bool:
    return value is None or bytes(value) == b"null"


def _read(text: str, rule_id: UUID | None, version: int) -> Rule:
    try:
        return read_rule(msgspec.json.decode(text), rule_id=rule_id, version=version)
    except RuleFaults as faults:
        raise bad_rule(faults.issues) from None


def bad_rule(issues: Iterable[RuleIssue]) -> BadRule:
    """Faults by the field they stand in; where in the field, stands in the sentence."""
    issues = list(issues)
    whole: list[str] = []
    fields: dict[str, list[str]] = {}
    for issue in issues:
        if not issue.path:
            whole.append(issue.message)
            continue
        field, *inside = (str(part) for part in issue.path)
        column = [] if issue.column is None else [f"column {issue.column}"]
        where = ", ".join([".".join(inside)] * bool(inside) + column)
        fields.setdefault(field, []).append(f"{where}: {issue.message}" if where else issue.message)
    return BadRule(whole, fields, issues)
