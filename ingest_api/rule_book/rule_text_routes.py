"""Rules as people write them: a text in YAML or JSON becomes a rule, with each fault where it stands, and back."""

import json
from pathlib import Path
from typing import Any

import msgspec
import yaml
from fastapi import APIRouter, HTTPException
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.database.transactions import reading
from eventpulse.rule_file import FoundRule, UnreadableFile, as_yaml, read_rule_text
from eventpulse.settings import Settings
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.intake.body import read_body
from ingest_api.rule_book.rule_documents import BadRule, given_id, read_body_of_rule, read_draft
from ingest_api.rule_book.rule_requests import sent_as
from ingest_api.rule_book.rule_text_payloads import LONGEST_TEXT, RuleAsText
from ingest_api.rule_book.rule_trials import with_stored_members

router = APIRouter(prefix="/rules", tags=["rules"])
_TEXT = Path("text")


class _Asked(msgspec.Struct):
    """The body."""

    text: str | msgspec.UnsetType = msgspec.UNSET
    rule: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


_read = msgspec.json.Decoder(_Asked).decode


@router.post(
    "/text",
    response_model=RuleAsText,
    responses=documented(400, 413, 500, 503),
    openapi_extra=sent_as("RuleTextRequest"),
)
async def read_text(request: Request, database: Database, settings: TheSettings) -> Response:
    """For editors: read a rule's `text`, or write a `rule` as text, and say what is wrong with it and in which line and
    column. Nothing is stored, and a rule that cannot be read is no error here."""
    try:
        asked = _read(await read_body(request, settings.max_body_bytes))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise HTTPException(400, f"The body must have text or rule: {fault}") from None
    if (asked.text is msgspec.UNSET) == (asked.rule is msgspec.UNSET):
        raise HTTPException(400, "Give either text or rule")
    return json_answer(await run_in_threadpool(_looked_at, asked, database, settings))


def _looked_at(asked: _Asked, database: Engine, settings: Settings) -> dict[str, Any]:
    try:
        text = asked.text if isinstance(asked.text, str) else as_yaml(asked.rule)  # type: ignore[arg-type]
        found = _the_rule(text)
        sent = json.dumps(found.document, ensure_ascii=False).encode()
    except UnreadableFile as fault:
        return _answer(None, None, [_fault([], fault.why, fault.line, fault.column)])
    except (ValueError, RecursionError):  # half a character, or a rule without a bottom
        return _answer(None, None, [_fault([], "The text holds what no rule can hold", 1, 1)])
    faults = [_placed(found, issue) for issue in _issues(sent, database, settings)]
    return _answer(found.document, as_yaml(found.document), faults)


def _the_rule(text: str) -> FoundRule:
    if len(text) > LONGEST_TEXT:
        raise UnreadableFile(_TEXT, f"a rule is at most {LONGEST_TEXT} characters long here")
    found = list(read_rule_text(text, _TEXT))
    if len(found) != 1 or not isinstance(found[0].document, dict):
        place = found[1].line_and_column(()) if len(found) > 1 else (1, 1)
        raise UnreadableFile(_TEXT, "there must be one rule: lines such as `name: too many errors`", *place)
    for token in yaml.scan(text):
        if isinstance(token, yaml.AliasToken):
            raise UnreadableFile(
                _TEXT,
                "a rule cannot refer to other parts of itself",
                token.start_mark.line + 1,
                token.start_mark.column + 1,
            )
    return found[0]


def _issues(sent: bytes, database: Engine, settings: Settings) -> list[dict[str, Any]]:
    try:
        document = read_body_of_rule(sent, deepest=settings.max_json_depth)
        rule = read_draft(document, rule_id=given_id(document), version=1).rule
        with reading(database) as connection:
            with_stored_members(connection, rule)
    except BadRule as fault:
        return fault.issues
    return []


def _placed(found: FoundRule, issue: dict[str, Any]) -> dict[str, Any]:
    line, column = found.line_and_column(tuple(issue["path"]), issue["column"], at_key=issue["code"] == "unknown_key")
    return _fault(list(issue["path"]), issue["message"], line, column)


def _fault(path: list[str | int], message: str, line: int, column: int) -> dict[str, Any]:
    return {"path": path, "message": message, "line": line, "column": column}


def _answer(rule: dict[str, Any] | None, text: str | None, faults: list[dict[str, Any]]) -> dict[str, Any]:
    return {"valid": not faults, "rule": rule, "yaml": text, "faults": faults}
