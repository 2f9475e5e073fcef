"""How rules are doing, and how a suspended one is set to work again."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.rules.rule_states import RuleState, rule_states
from eventpulse.database.rules.rule_store import resume_rule
from eventpulse.database.transactions import reading, writing
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, Redis
from ingest_api.rule_book.rule_documents import rule_as_json
from ingest_api.rule_book.rule_payloads import StoredRule
from ingest_api.rule_book.rule_requests import RuleId, rule_not_found, valid_id
from ingest_api.rule_book.rule_state_payloads import RuleStateShown
from ingest_api.rule_book.telling_drains import tell_drains

router = APIRouter(prefix="/rules", tags=["rules"])


@router.get("/states", response_model=list[RuleStateShown], responses=documented(500, 503))
def list_states(database: Database) -> Response:
    """How every rule is doing, by name: whether it is evaluated, when it fired, what went wrong, what is open."""
    with reading(database) as connection:
        return json_answer([_as_json(state) for state in rule_states(connection, utc_now().date())])


@router.post("/{rule_id}/resume", response_model=StoredRule, responses=documented(400, 404, 500, 503))
async def resume(database: Database, redis: Redis, rule_id: RuleId) -> Response:
    """Give a rule that was suspended or limited, or that is failing, another chance, from the next micro-batch on. What
    it missed meanwhile shows as a gap in its coverage, which a backfill fills. A rule that is well stays as it is."""
    wanted = valid_id(rule_id)

    def resumed() -> Row | None:
        with writing(database) as connection:
            return resume_rule(connection, wanted)

    row = await run_in_threadpool(resumed)
    if row is None:
        raise rule_not_found()
    await tell_drains(redis, wanted)
    return json_answer(rule_as_json(row))


def _as_json(state: RuleState) -> dict[str, Any]:
    rule = state.rule
    return {
        "rule_id": rule.rule_id,
        "name": rule.name,
        "severity": rule.severity,
        "version": rule.version,
        "state": rule.state,
        "suspended_at": iso_utc(rule.suspended_at) if rule.suspended_at else None,
        "limited_at": iso_utc(rule.limited_at) if rule.limited_at else None,
        "limited_why": rule.limited_why,
        "failures": rule.failures,
        "last_error": rule.last_error,
        "last_fired_at": iso_utc(rule.last_fired_at) if rule.last_fired_at else None,
        "fires_by_day": [{"day": fires.day, "count": fires.count} for fires in state.fires],
        "open_alerts": rule.open_alerts,
    }
