"""What requests about rules have in common: the rule in the body, the id in the path, whether to run its tests."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import HTTPException, Query
from fastapi.openapi.constants import REF_TEMPLATE
from pydantic import WithJsonSchema
from starlette.requests import Request

from eventpulse.settings import Settings
from ingest_api.intake.body import read_body
from ingest_api.rule_book.rule_documents import Document, read_body_of_rule

#: Taken as text, so that an id that is none gets its own sentence.
RuleId = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
RunTests = Annotated[bool, Query(description="Run the tests that the rule carries.")]


def sent_as(schema: str) -> dict[str, Any]:
    """What OpenAPI says of a body that the route reads itself."""
    content = {"application/json": {"schema": {"$ref": REF_TEMPLATE.format(model=schema)}}}
    return {"requestBody": {"required": True, "content": content}}


async def rule_in_body(request: Request, settings: Settings) -> Document:
    """The keys of the rule that was sent. Raises BadRule."""
    body = await read_body(request, settings.max_body_bytes)
    return read_body_of_rule(body, deepest=settings.max_json_depth)


def valid_id(rule_id: str) -> UUID:
    """The id in the path. Raises 400 where it is none."""
    try:
        return UUID(rule_id)
    except ValueError:
        raise HTTPException(400, "rule_id must be a valid UUID") from None


def rule_not_found() -> HTTPException:
    """404: there is no such rule."""
    return HTTPException(404, "Rule not found")
