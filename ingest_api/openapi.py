"""The OpenAPI document: what FastAPI sees of the routes, and the schemas that bodies are read by without it."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.constants import REF_PREFIX
from pydantic import TypeAdapter

from eventpulse.intake.event_model import EventIn
from eventpulse.settings import Settings
from ingest_api.alerts.alert_payloads import AlertsWish, AlertWish
from ingest_api.door.openapi_door import describe_door
from ingest_api.notifications.channel_payloads import ChannelIn
from ingest_api.notifications.silence_payloads import InhibitionIn, MatcherIn, SilenceIn
from ingest_api.payloads import JSON_OBJECT_SCHEMA, JSON_VALUE_SCHEMA
from ingest_api.rule_book.backtest_payloads import BacktestRequest
from ingest_api.rule_book.rule_documents import REQUIRED_FOR_PUT
from ingest_api.rule_book.rule_text_payloads import RuleTextRequest
from ingest_api.rule_book.series_payloads import SeriesRequest
from rules.conditions import CONDITIONS
from rules.rule import RuleDocument

_TEMPLATE = REF_PREFIX + "{model}"


def complete_openapi(app: FastAPI, settings: Settings) -> None:
    """Add the schemas of bodies, and what the door does, to the document of the app once it is asked for."""
    of_routes = app.openapi

    def openapi() -> dict[str, Any]:
        document = of_routes()
        document["components"]["schemas"].update(_schemas_of_bodies())
        for path in document["paths"].values():
            for operation in path.values():
                # FastAPI names the answer it would give to a bad parameter. Ours is 400, and stands there already.
                operation["responses"].pop("422", None)
        for unused in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(unused, None)
        describe_door(document, settings)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _schemas_of_bodies() -> dict[str, Any]:
    event = EventIn.model_json_schema()
    for name in ("payload", "metadata"):
        event["properties"][name].update(JSON_OBJECT_SCHEMA)
    rule = TypeAdapter(RuleDocument).json_schema(ref_template=_TEMPLATE)
    parts = rule.pop("$defs", {})
    for condition in CONDITIONS:
        part = parts[condition.__name__]
        part["required"] = ["type", *part.get("required", ())]  # it has a default, but tells the conditions apart
        _allow_null_for_nothing(part)
    replacement = {**rule, "title": "RuleReplacement", "required": list(REQUIRED_FOR_PUT)}
    replacement["properties"] = {**rule["properties"]}
    for part in (rule, replacement):
        _allow_null_for_nothing(part)
    channel = ChannelIn.model_json_schema(ref_template=_TEMPLATE)
    parts |= channel.pop("$defs", {})
    channel_patch = {**{key: value for key, value in channel.items() if key != "required"}, "title": "ChannelPatch"}
    patch = {**{key: value for key, value in rule.items() if key != "required"}, "title": "RulePatch"}
    return {
        "EventIn": event,
        "RuleTextRequest": RuleTextRequest.model_json_schema(ref_template=_TEMPLATE),
        "BacktestRequest": BacktestRequest.model_json_schema(ref_template=_TEMPLATE),
        "SeriesRequest": SeriesRequest.model_json_schema(ref_template=_TEMPLATE),
        "JsonValue": JSON_VALUE_SCHEMA,
        **parts,
        "RuleDocument": rule,
        "RuleReplacement": replacement,
        "RulePatch": {**patch, "minProperties": 1},
        "ChannelIn": channel,
        "ChannelPatch": {**channel_patch, "minProperties": 1},
        **{
            model.__name__: model.model_json_schema(ref_template=_TEMPLATE)
            for model in (SilenceIn, MatcherIn, InhibitionIn, AlertWish, AlertsWish)
        },
    }


def _allow_null_for_nothing(part: dict[str, Any]) -> None:
    """In a rule and in its condition, null is as good as leaving a key out."""
    for name, schema in part["properties"].items():
        if name not in part.get("required", ()) and {"type": "null"} not in schema.get("anyOf", ()):
            part["properties"][name] = {"anyOf": [schema, {"type": "null"}]}
