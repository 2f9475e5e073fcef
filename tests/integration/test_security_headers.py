"""Every answer tells browsers not to guess, frame, embed or pass on."""

import pytest
from fastapi.testclient import TestClient

from ingest_api import metric_routes


def is_guarded(headers: "dict[str, str] | object") -> bool:
    said = dict(headers)  # type: ignore[call-overload]
    return (
        said["x-content-type-options"] == "nosniff"
        and "frame-ancestors 'none'" in said["content-security-policy"]
        and said["referrer-policy"] == "no-referrer"
        and said["cross-origin-resource-policy"] == "same-origin"
    )


@pytest.mark.parametrize("path", ["/livez", "/docs", "/openapi.json", "/api/v1/events", "/nothing", "/api/v1/rules/x"])
def test_every_answer_has_them(api: TestClient, path: str) -> None:
    assert is_guarded(api.get(f"http://127.0.0.1{path}").headers)


def test_a_refusal_has_them_too(api: TestClient) -> None:
    assert is_guarded(api.get("events", headers={"host": "evil.example"}).headers)


def test_an_answer_to_something_unexpected_has_them_and_tells_nothing(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(metric_routes, "count_events", fail)
    client = TestClient(api.app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    client.app_state = api.app_state

    answer = client.get("/api/v1/metrics")

    assert (answer.status_code, answer.json()) == (500, {"error": "Internal server error"})
    assert is_guarded(answer.headers)
