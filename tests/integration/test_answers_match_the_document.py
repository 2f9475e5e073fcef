"""The OpenAPI document tells the truth: each answer has a status, a type and a shape that stand in it."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy import Engine, text

from ingest_api import anomaly_payloads, metric_payloads, payloads
from ingest_api.alerts import alert_payloads
from ingest_api.dashboard import overview_payloads
from ingest_api.health import health_payloads
from ingest_api.notifications import sending_routes
from ingest_api.rule_book import rule_payloads, rule_state_payloads, rule_text_payloads

EVENT = {"event_type": "page_view", "source": "web", "timestamp": "2026-01-31T10:00:00Z"}
CONDITION = {"type": "threshold", "metric": "count", "operator": ">", "value": 5}
RULE = {"name": "r", "severity": "info", "window_seconds": 60, "condition": CONDITION}
MODULES = (
    payloads,
    rule_payloads,
    rule_state_payloads,
    rule_text_payloads,
    anomaly_payloads,
    alert_payloads,
    overview_payloads,
    health_payloads,
    metric_payloads,
    sending_routes,
)
NOBODY = str(uuid4())

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/v1/events", {"json": EVENT}),
    ("POST", "/api/v1/events", {"json": {}}),
    ("POST", "/api/v1/events", {"content": b" " * 200_001}),
    ("POST", "/api/v1/events/batch", {"json": [EVENT, EVENT]}),
    ("POST", "/api/v1/events/batch", {"json": [{}]}),
    ("POST", "/api/v1/events/batch", {"json": [EVENT] * 501}),
    ("GET", "/api/v1/events", {}),
    ("GET", "/api/v1/events", {"params": {"limit": "x"}}),
    ("GET", "/api/v1/events", {"params": {"where": "source = 'b'"}}),
    ("GET", "/api/v1/events", {"params": {"where": "source ="}}),
    ("GET", "/api/v1/events/health", {}),
    ("GET", "/api/v1/events/{event_id}", {"event_id": "$event"}),
    ("GET", "/api/v1/events/{event_id}", {"event_id": "x"}),
    ("GET", "/api/v1/anomalies", {}),
    ("GET", "/api/v1/anomalies", {"params": {"offset": "x"}}),
    ("GET", "/api/v1/anomalies/{anomaly_id}", {"anomaly_id": "$anomaly"}),
    ("GET", "/api/v1/anomalies/{anomaly_id}", {"anomaly_id": "x"}),
    ("GET", "/api/v1/alerts", {}),
    ("GET", "/api/v1/alerts", {"params": {"state": "unresolved", "group": "{}"}}),
    ("GET", "/api/v1/alerts", {"params": {"state": "x"}}),
    ("GET", "/api/v1/alerts/summary", {}),
    ("GET", "/api/v1/alerts/{alert_id}", {"alert_id": "$alert"}),
    ("GET", "/api/v1/alerts/{alert_id}", {"alert_id": NOBODY}),
    ("GET", "/api/v1/alerts/{alert_id}", {"alert_id": "x"}),
    ("POST", "/api/v1/alerts/{alert_id}/unacknowledge", {"alert_id": "$alert"}),
    ("POST", "/api/v1/alerts/acknowledge", {"json": {"alert_ids": [NOBODY]}}),
    ("POST", "/api/v1/alerts/resolve", {"json": {"alert_ids": []}}),
    ("POST", "/api/v1/alerts/{alert_id}/acknowledge", {"alert_id": "$alert", "json": {"by": "ann", "note": "mine"}}),
    ("POST", "/api/v1/alerts/{alert_id}/acknowledge", {"alert_id": "$alert", "json": {"who": "ann"}}),
    ("POST", "/api/v1/alerts/{alert_id}/unacknowledge", {"alert_id": "$alert"}),
    ("POST", "/api/v1/alerts/{alert_id}/resolve", {"alert_id": "$alert"}),
    ("POST", "/api/v1/alerts/{alert_id}/resolve", {"alert_id": "$alert"}),
    ("POST", "/api/v1/alerts/{alert_id}/resolve", {"alert_id": NOBODY}),
    ("GET", "/api/v1/rules", {}),
    ("POST", "/api/v1/rules", {"json": {**RULE, "name": "other"}}),
    ("POST", "/api/v1/rules", {"json": RULE}),
    ("POST", "/api/v1/rules", {"json": {}}),
    ("GET", "/api/v1/rules/states", {}),
    ("POST", "/api/v1/rules/text", {"json": {"rule": RULE}}),
    ("POST", "/api/v1/rules/text", {"json": {"text": "name: [x"}}),
    ("POST", "/api/v1/rules/text", {"json": {}}),
    ("POST", "/api/v1/rules/{rule_id}/resume", {"rule_id": "$rule"}),
    ("POST", "/api/v1/rules/{rule_id}/resume", {"rule_id": "x"}),
    ("POST", "/api/v1/rules/{rule_id}/resume", {"rule_id": NOBODY}),
    ("GET", "/api/v1/rules/{rule_id}", {"rule_id": "$rule"}),
    ("GET", "/api/v1/rules/{rule_id}", {"rule_id": "x"}),
    ("GET", "/api/v1/rules/{rule_id}", {"rule_id": NOBODY}),
    ("PUT", "/api/v1/rules/{rule_id}", {"rule_id": "$rule", "json": {**RULE, "enabled": True, "cooldown_seconds": 0}}),
    ("PUT", "/api/v1/rules/{rule_id}", {"rule_id": "$rule", "json": {}}),
    ("PATCH", "/api/v1/rules/{rule_id}", {"rule_id": "$rule", "json": {"enabled": False}}),
    ("PATCH", "/api/v1/rules/{rule_id}", {"rule_id": "x", "json": {"enabled": False}}),
    ("DELETE", "/api/v1/rules/{rule_id}", {"rule_id": "$rule"}),
    ("DELETE", "/api/v1/rules/{rule_id}", {"rule_id": NOBODY}),
    ("GET", "/api/v1/metrics", {}),
    ("GET", "/api/v1/metrics", {"params": {"window_seconds": "7"}}),
    ("GET", "/api/v1/metrics/series", {}),
    ("GET", "/api/v1/metrics/series", {"params": {"top": "all"}}),
    ("GET", "/api/v1/metrics/anomalies", {}),
    ("GET", "/api/v1/metrics/anomalies", {"params": {"bucket_seconds": "none"}}),
    ("GET", "/api/v1/metrics/share", {"params": {"where": "payload.status >= 500"}}),
    ("GET", "/api/v1/metrics/share", {"params": {"where": "payload.status >="}}),
    ("GET", "/api/v1/notifications/health", {}),
    ("GET", "/livez", {}),
    ("GET", "/readyz", {}),
]


def stored_things(api: TestClient, engine: Engine) -> dict[str, str]:
    """One event, one anomaly, one alert and one rule, by the names that the calls above use."""
    rule_id = api.post("rules", json=RULE).json()["rule_id"]
    with engine.begin() as connection:
        event_id = connection.execute(
            text(
                "insert into eventpulse.events values (gen_random_uuid(), 'a', 'b', now(), now(), 0, 1, 'live',"
                " '{}', '{}') returning event_id"
            )
        ).scalar_one()
        anomaly_id = connection.execute(
            text(
                'insert into eventpulse.anomalies (anomaly_id, rule_id, rule_version, severity, message, "group",'
                " group_key, occurred_at, window_start, window_end, contributing, contributing_count, origin, batch_id)"
                " values (gen_random_uuid(), :rule_id, 1, 'info', 'm', '{}', 0, now(), now(), now(),"
                " cast(array[:event_id] as uuid[]), 1, 'live', 1) returning anomaly_id"
            ),
            {"rule_id": rule_id, "event_id": str(event_id)},
        ).scalar_one()
        alert_id = connection.execute(
            text(
                "insert into eventpulse.alerts (alert_id, rule_id, rule_name, rule_version, severity, mode, labels,"
                ' "group", group_key, opened_at, last_at, anomaly_count, message, first_anomaly_id, latest_anomaly_id,'
                " origin, batch_id, meaning) values (gen_random_uuid(), :rule_id, 'r', 1, 'info', 'live',"
                " '{\"runbook\": \"https://example.org\"}', '{}', 0, now(), now(), 1, 'm', :anomaly_id, :anomaly_id,"
                " 'live', 1, '') returning alert_id"
            ),
            {"rule_id": rule_id, "anomaly_id": anomaly_id},
        ).scalar_one()
    things = {"$rule": rule_id, "$event": event_id, "$anomaly": anomaly_id, "$alert": alert_id}
    return {name: str(value) for name, value in things.items()}


def shape(schema: dict[str, Any]) -> Any:
    """The model that a schema of the document was made of."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return next(vars(module)[name] for module in MODULES if name in vars(module))
    if "anyOf" in schema:
        first, *others = (shape(option) for option in schema["anyOf"])
        for other in others:
            first = first | other
        return first
    return list[shape(schema["items"])]  # type: ignore[misc]


def test_each_answer_stands_in_the_document(api: TestClient, engine: Engine) -> None:
    document = api.get("http://127.0.0.1/openapi.json").json()
    things = stored_things(api, engine)
    for method, template, details in CALLS:
        options = dict(details)
        names = {
            name: options.pop(name) for name in ("rule_id", "event_id", "anomaly_id", "alert_id") if name in options
        }
        path = template.format(**{name: things.get(value, value) for name, value in names.items()})

        answer = api.request(method, f"http://127.0.0.1{path}", **options)

        responses = document["paths"][template][method.lower()]["responses"]
        assert str(answer.status_code) in responses, (method, path, answer.text)
        content = responses[str(answer.status_code)].get("content")
        if content is None:
            assert answer.content == b""
        else:
            assert answer.headers["content-type"] == "application/json"
            model = TypeAdapter(shape(content["application/json"]["schema"]))
            try:
                model.validate_json(answer.content)
            except ValidationError as fault:
                raise AssertionError((method, path, answer.text)) from fault


def test_the_document_is_openapi_3_1_without_loose_ends(api: TestClient) -> None:
    document = api.get("http://127.0.0.1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    referred: set[str] = set()

    def look(part: object) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                referred.add(part["$ref"])
            for child in part.values():
                look(child)
        elif isinstance(part, list):
            for child in part:
                look(child)

    look(document)
    assert referred <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    for path in document["paths"].values():
        for operation in path.values():
            assert "422" not in operation["responses"]


@pytest.mark.parametrize(
    "model", [payloads.EventAccepted, payloads.EventPage, anomaly_payloads.Anomaly, health_payloads.Health]
)
def test_a_shape_takes_nothing_that_it_does_not_name(model: type[BaseModel]) -> None:
    assert model.model_config.get("extra") == "forbid"
