"""The shapes of rules as the OpenAPI document tells them. What a rule itself may hold, rules/ says."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.payloads import Answer, RequestIssue


class RuleErrors(Answer):
    """What is wrong with a rule: sentences about the whole, and sentences for each field."""

    formErrors: list[str]
    fieldErrors: dict[str, list[str]]


class RuleFault(RequestIssue):
    """One fault of a rule."""

    path: Annotated[list[str | int], Field(description="Where; for example condition, filters, where.")]
    column: Annotated[int | None, Field(description="Where in the text that stands there, from 1.")]


class RuleRefused(Answer):
    """The rule cannot be read."""

    error: RuleErrors


class DraftRefused(RuleRefused):
    """The rule cannot be read, and where its faults stand."""

    issues: Annotated[list[RuleFault], Field(description="The same faults, each with its place.")]


class RuleTestReport(Answer):
    """What came of one of the tests that a rule carries."""

    test: str
    passed: bool
    problems: list[str]


class RuleAccepted(Answer):
    """A rule that can be read, and what it means."""

    valid: Literal[True]
    rule_id: Annotated[UUID, Field(description="The id a file of rules would give it: its own, or one of its name.")]
    semantic_hash: Annotated[str, Field(description="Changes with whatever can change its anomalies.")]
    paths: Annotated[list[str], Field(description="The places in payload and metadata that it reads.")]
    tests: Annotated[list[RuleTestReport] | None, Field(description="null: they were not asked for.")]


class RuleVersion(Answer):
    """A rule as it was from `created_at` until its next version."""

    version: int
    name: str
    semantic_hash: str
    rule: Annotated[JsonObject, Field(description="The rule as it was sent.")]
    created_at: datetime


class StoredRule(BaseModel):
    """A rule as it was sent, with what the server knows of it."""

    model_config = ConfigDict(extra="allow")

    rule_id: UUID
    version: int
    name: str
    enabled: bool
    severity: Literal["critical", "warning", "info"]
    window_seconds: int
    cooldown_seconds: int
    condition: JsonObject
    suspended_at: Annotated[datetime | None, Field(description="Since when it rests, having failed.")]
    last_error: str | None
    limited_at: Annotated[datetime | None, Field(description="Since when it rests, having too many groups.")]
    limited_why: Annotated[str | None, Field(description="How many groups, and what to do about it.")]
    created_at: datetime
    updated_at: datetime
