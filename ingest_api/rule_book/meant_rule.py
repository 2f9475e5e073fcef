"""Which rule a question is about: one that stands, by its id, or a draft that comes along."""

from typing import TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Engine

from eventpulse.database.rules.rule_store import rule_by_id
from eventpulse.database.transactions import reading
from eventpulse.intake.timestamps import Timestamp
from eventpulse.settings import Settings
from ingest_api.rule_book.rule_documents import BadRule, given_id, read_body_of_rule, read_draft
from ingest_api.rule_book.rule_requests import rule_not_found
from ingest_api.rule_book.rule_trials import with_stored_members
from rules.rule import Rule


class AboutRule(msgspec.Struct):
    """The body of a question about a rule and a stretch of event time."""

    start: Timestamp = msgspec.field(name="from")
    end: Timestamp = msgspec.field(name="to")
    rule: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    rule_id: UUID | msgspec.UnsetType = msgspec.UNSET


Question = TypeVar("Question", bound=AboutRule)


def read_question(decoder: "msgspec.json.Decoder[Question]", body: bytes) -> Question:
    """The question in a body. Raises BadRule."""
    try:
        asked = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise BadRule([f"The body must have from and to, and rule or rule_id: {fault}"]) from None
    if (asked.rule is msgspec.UNSET) == (asked.rule_id is msgspec.UNSET):
        raise BadRule(["Give either rule or rule_id"])
    if asked.start >= asked.end:
        raise BadRule(["from must be before to"])
    return asked


def meant_rule(asked: AboutRule, database: Engine, settings: Settings) -> Rule:
    """The rule, a composite with its members. Raises BadRule where it cannot be read, and 404."""
    draft, rule_id = asked.rule, asked.rule_id
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
