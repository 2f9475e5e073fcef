"""Make, show, change and remove rules. Drains hear of a change at once."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, HTTPException
from sqlalchemy import Engine, Row
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.database.rules.rule_store import (
    RuleTaken,
    add_rule,
    all_rules,
    change_rule,
    remove_rule,
    rule_by_id,
    rule_to_change,
)
from eventpulse.database.transactions import reading, writing
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, Redis, TheSettings
from ingest_api.payloads import Error
from ingest_api.rule_book.rule_documents import (
    Document,
    given_id,
    merged,
    read_draft,
    require_all,
    require_any,
    rule_as_json,
)
from ingest_api.rule_book.rule_payloads import RuleRefused, StoredRule
from ingest_api.rule_book.rule_requests import RuleId, RunTests, rule_in_body, rule_not_found, sent_as, valid_id
from ingest_api.rule_book.rule_trials import require_passed, with_stored_members
from ingest_api.rule_book.telling_drains import tell_drains

router = APIRouter(prefix="/rules", tags=["rules"])


_REFUSED: Any = RuleRefused | Error


@router.get("", response_model=list[StoredRule], responses=documented(500, 503))
def list_rules(database: Database) -> Response:
    """Every rule, enabled and disabled, by name."""
    with reading(database) as connection:
        return json_answer([rule_as_json(row) for row in all_rules(connection)])


@router.post(
    "",
    status_code=201,
    response_model=StoredRule,
    responses=documented(409, 413, 500, 503, s400=_REFUSED),
    openapi_extra=sent_as("RuleDocument"),
)
async def create_rule(
    request: Request, database: Database, redis: Redis, settings: TheSettings, test: RunTests = False
) -> Response:
    """Make a rule. Names are unique: 409 where there is one of this name already. With `test=true` it is refused
    unless the tests that it carries pass."""
    document = await rule_in_body(request, settings)

    def create() -> Row:
        draft = read_draft(document, rule_id=given_id(document) or uuid4(), version=1)
        with reading(database) as connection:
            rule = with_stored_members(connection, draft.rule)
        if test:
            require_passed(rule)
        with writing(database) as connection:
            return add_rule(connection, draft.as_new_rule())

    row = await _changed(create, redis)
    return json_answer(rule_as_json(row), 201)


@router.get("/{rule_id}", response_model=StoredRule, responses=documented(400, 404, 500, 503))
def show_rule(database: Database, rule_id: RuleId) -> Response:
    """One rule."""
    wanted = valid_id(rule_id)
    with reading(database) as connection:
        row = rule_by_id(connection, wanted)
    if row is None:
        raise rule_not_found()
    return json_answer(rule_as_json(row))


@router.put(
    "/{rule_id}",
    response_model=StoredRule,
    responses=documented(404, 409, 413, 500, 503, s400=_REFUSED),
    openapi_extra=sent_as("RuleReplacement"),
)
async def replace_rule(
    request: Request, database: Database, redis: Redis, settings: TheSettings, rule_id: RuleId
) -> Response:
    """Put another rule in the place of this one; nothing of it remains but its id and its versions."""
    wanted = valid_id(rule_id)
    document = await rule_in_body(request, settings)
    require_all(document)
    row = await _changed(lambda: _change(database, wanted, lambda stored: document), redis)
    return json_answer(rule_as_json(row))


@router.patch(
    "/{rule_id}",
    response_model=StoredRule,
    responses=documented(404, 409, 413, 500, 503, s400=_REFUSED),
    openapi_extra=sent_as("RulePatch"),
)
async def patch_rule(
    request: Request, database: Database, redis: Redis, settings: TheSettings, rule_id: RuleId
) -> Response:
    """Change the fields that are sent, each as a whole; null takes a field away, so that its default holds again."""
    wanted = valid_id(rule_id)
    patch = await rule_in_body(request, settings)
    require_any(patch)
    row = await _changed(lambda: _change(database, wanted, lambda stored: merged(stored, patch)), redis)
    return json_answer(rule_as_json(row))


@router.delete("/{rule_id}", status_code=204, response_class=Response, responses=documented(400, 404, 500, 503))
async def delete_rule(database: Database, redis: Redis, rule_id: RuleId) -> Response:
    """Remove a rule. Its versions and anomalies stay."""
    wanted = valid_id(rule_id)

    def delete() -> None:
        with writing(database) as connection:
            if not remove_rule(connection, wanted):
                raise rule_not_found()

    await run_in_threadpool(delete)
    await tell_drains(redis, wanted)
    return Response(status_code=204)


def _change(database: Engine, rule_id: UUID, next_document: Callable[[str], Document]) -> Row:
    """The next version of a rule, made from the one that stands while nobody else can change it."""
    with writing(database) as connection:
        standing = rule_to_change(connection, rule_id)
        if standing is None:
            raise rule_not_found()
        document = next_document(standing.document)
        draft = read_draft(document, rule_id=rule_id, version=standing.version + 1)
        with_stored_members(connection, draft.rule)
        return change_rule(connection, draft.as_new_rule())


async def _changed(change: Callable[[], Row], redis: Redis) -> Row:
    try:
        row = await run_in_threadpool(change)
    except RuleTaken as taken:
        raise HTTPException(409, str(taken)) from None
    await tell_drains(redis, row.rule_id)
    return row
