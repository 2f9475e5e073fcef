"""Look at a rule before it is one, and at what it was before: validation and versions."""

from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.clock import iso_utc
from eventpulse.database.rules.rule_store import versions_of
from eventpulse.database.transactions import reading
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.payloads import Error
from ingest_api.rule_book.rule_documents import BadRule, Document, given_id, read_draft
from ingest_api.rule_book.rule_payloads import DraftRefused, RuleAccepted, RuleVersion
from ingest_api.rule_book.rule_requests import RuleId, RunTests, rule_in_body, rule_not_found, sent_as, valid_id
from ingest_api.rule_book.rule_trials import reports_of, with_stored_members
from rules.trials.rule_tests import TrialReport

router = APIRouter(prefix="/rules", tags=["rules"])
_REFUSED: Any = DraftRefused | Error


@router.post(
    "/validate",
    response_model=RuleAccepted,
    responses=documented(413, 500, 503, s400=_REFUSED),
    openapi_extra=sent_as("RuleDocument"),
)
async def validate_rule(
    request: Request, database: Database, settings: TheSettings, test: RunTests = False
) -> Response:
    """Read a rule as `POST /rules` would, with all its faults, and store nothing. `test=true` runs its tests too."""

    def look(document: Document) -> dict[str, Any]:
        rule = read_draft(document, rule_id=given_id(document), version=1).rule
        with reading(database) as connection:
            rule = with_stored_members(connection, rule)
        return {
            "valid": True,
            "rule_id": rule.rule_id,
            "semantic_hash": rule.semantic_hash,
            "paths": sorted(rule.paths),
            "tests": [_as_json(report) for report in reports_of(rule)] if test else None,
        }

    try:
        return json_answer(await run_in_threadpool(look, await rule_in_body(request, settings)))
    except BadRule as fault:
        return json_answer({"error": fault.errors, "issues": fault.issues}, 400)


@router.get("/{rule_id}/versions", response_model=list[RuleVersion], responses=documented(400, 404, 500, 503))
def list_versions(database: Database, rule_id: RuleId) -> Response:
    """Every version of a rule, the newest first, also of one that was removed."""
    wanted = valid_id(rule_id)
    with reading(database) as connection:
        versions = versions_of(connection, wanted)
    if not versions:
        raise rule_not_found()
    return json_answer(
        [
            {
                "version": row.version,
                "name": row.name,
                "semantic_hash": row.semantic_hash,
                "rule": msgspec.Raw(row.document.encode()),
                "created_at": iso_utc(row.created_at),
            }
            for row in versions
        ]
    )


def _as_json(report: TrialReport) -> dict[str, Any]:
    return {"test": report.test, "passed": report.passed, "problems": report.problems}
