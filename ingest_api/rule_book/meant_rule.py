"""Which rule a question is about: one that stands, by its id, or a draft that comes along."""

from uuid import UUID

import msgspec
from sqlalchemy import Engine

from eventpulse.database.rule_store import rule_by_id
from eventpulse.database.transactions import reading
from eventpulse.settings import Settings
from ingest_api.rule_book.rule_documents import BadRule, given_id, read_body_of_rule, read_draft
from ingest_api.rule_book.rule_requests import rule_not_found
from ingest_api.rule_book.rule_trials import with_stored_members
from rules.rule import Rule


def meant_rule(
    draft: msgspec.Raw | msgspec.UnsetType, rule_id: UUID | msgspec.UnsetType, database: Engine, settings: Settings
) -> Rule:
    """The rule, a composite with its members. Raises BadRule unless exactly one is given that can be read, and 404."""
    if isinstance(rule_id, UUID) == isinstance(draft, msgspec.Raw):
        raise BadRule(["Give either rule or rule_id"])
    if isinstance(draft, msgspec.Raw):
        document = read_body_of_rule(bytes(draft), deepest=settings.max_json_depth)
        with reading(database) as connection:
            return with_stored_members(connection, read_draft(document, rule_id=given_id(document), version=1).rule)
    assert isinstance(rule_id, UUID)
    with reading(database) as connection:
        row = rule_by_id(connection, rule_id)
        if row is None:
            raise rule_not_found()
        document = read_body_of_rule(row.document.encode(), deepest=settings.max_json_depth)
        return with_stored_members(connection, read_draft(document, rule_id=row.rule_id, version=row.version).rule)
