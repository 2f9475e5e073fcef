"""The shapes of rules as text."""

from typing import Annotated

from pydantic import BaseModel, Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.payloads import Answer

LONGEST_TEXT = 50_000


class RuleTextRequest(BaseModel):
    """A text to be read, or a rule to be written as text."""

    text: Annotated[str | None, Field(description="YAML, or JSON.", max_length=LONGEST_TEXT)] = None
    rule: Annotated[JsonObject | None, Field(description="Instead of `text`: a rule as for `POST /rules`.")] = None


class FaultInText(Answer):
    """What is wrong, and where."""

    path: Annotated[list[str | int], Field(description="Where in the rule; empty for the rule as a whole.")]
    message: str
    line: Annotated[int, Field(ge=1)]
    column: Annotated[int, Field(ge=1)]


class RuleAsText(Answer):
    """A rule as it was understood. Where `rule` was sent, places are those in `yaml`."""

    valid: Annotated[bool, Field(description="Whether it could be stored as it is.")]
    rule: Annotated[JsonObject | None, Field(description="null: the text is no YAML, or no single rule.")]
    yaml: Annotated[str | None, Field(description="The rule written anew, without comments.")]
    faults: list[FaultInText]
