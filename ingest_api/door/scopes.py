"""Which scope each route needs. What does not stand in the table needs `admin`; a test finds every such route."""

from eventpulse.api_key import Scope

OPEN = None
_API = "/api/v1"

#: Method and path of each route, as the router has it; OPEN is for everybody.
NEEDS: dict[tuple[str, str], Scope | None] = {
    ("GET", "/livez"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", f"{_API}/livez"): OPEN,
    ("GET", f"{_API}/readyz"): OPEN,
    # Pages and the description of the API: the same for every installation, without any data.
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/docs/oauth2-redirect"): OPEN,
    ("GET", "/redoc"): OPEN,
    ("GET", "/dashboard"): OPEN,
    ("GET", "/dashboard/"): OPEN,
    ("GET", "/dashboard/static/{version}/{name}"): OPEN,
    ("GET", "/dashboard/static/{version}/{folder}/{name}"): OPEN,
    # How a page signs in, and finds out whether it has to.
    ("GET", f"{_API}/session"): OPEN,
    ("POST", f"{_API}/session"): OPEN,
    ("DELETE", f"{_API}/session"): OPEN,
    ("POST", f"{_API}/events"): "ingest",
    ("POST", f"{_API}/events/batch"): "ingest",
    ("GET", f"{_API}/events"): "read",
    ("GET", f"{_API}/events/health"): "read",
    ("GET", f"{_API}/events/{{event_id}}"): "read",
    ("GET", f"{_API}/anomalies"): "read",
    ("GET", f"{_API}/anomalies/{{anomaly_id}}"): "read",
    ("GET", f"{_API}/alerts"): "read",
    ("GET", f"{_API}/alerts/summary"): "read",
    ("GET", f"{_API}/alerts/{{alert_id}}"): "read",
    ("POST", f"{_API}/alerts/acknowledge"): "admin",
    ("POST", f"{_API}/alerts/resolve"): "admin",
    ("POST", f"{_API}/alerts/{{alert_id}}/acknowledge"): "admin",
    ("POST", f"{_API}/alerts/{{alert_id}}/unacknowledge"): "admin",
    ("POST", f"{_API}/alerts/{{alert_id}}/resolve"): "admin",
    ("GET", f"{_API}/batches"): "read",
    ("GET", f"{_API}/ledger"): "read",
    ("GET", f"{_API}/audits"): "read",
    ("GET", f"{_API}/coverage"): "read",
    ("GET", f"{_API}/dead-letters"): "read",
    ("GET", f"{_API}/dead-letters/{{dead_letter_id}}"): "read",
    ("PATCH", f"{_API}/dead-letters/{{dead_letter_id}}"): "admin",
    ("POST", f"{_API}/dead-letters/{{dead_letter_id}}/discard"): "admin",
    ("POST", f"{_API}/dead-letters/{{dead_letter_id}}/redrive"): "admin",
    ("POST", f"{_API}/dead-letters/redrive"): "admin",
    ("GET", f"{_API}/metrics"): "read",
    ("GET", f"{_API}/metrics/series"): "read",
    ("GET", f"{_API}/metrics/anomalies"): "read",
    ("GET", f"{_API}/metrics/share"): "read",
    ("GET", "/metrics"): "read",
    ("GET", f"{_API}/rules"): "read",
    ("GET", f"{_API}/rules/states"): "read",
    ("GET", f"{_API}/rules/{{rule_id}}"): "read",
    ("GET", f"{_API}/rules/{{rule_id}}/versions"): "read",
    # These answer a question about a rule or a draft; nothing is kept.
    ("POST", f"{_API}/rules/validate"): "read",
    ("POST", f"{_API}/rules/text"): "read",
    ("POST", f"{_API}/rules/backtest"): "read",
    ("POST", f"{_API}/rules/series"): "read",
    ("POST", f"{_API}/rules"): "admin",
    ("PUT", f"{_API}/rules/{{rule_id}}"): "admin",
    ("PATCH", f"{_API}/rules/{{rule_id}}"): "admin",
    ("DELETE", f"{_API}/rules/{{rule_id}}"): "admin",
    ("POST", f"{_API}/rules/{{rule_id}}/resume"): "admin",
    ("GET", f"{_API}/channels"): "read",
    ("GET", f"{_API}/channels/{{channel_id}}"): "read",
    ("POST", f"{_API}/channels"): "admin",
    ("PUT", f"{_API}/channels/{{channel_id}}"): "admin",
    ("PATCH", f"{_API}/channels/{{channel_id}}"): "admin",
    ("DELETE", f"{_API}/channels/{{channel_id}}"): "admin",
    ("POST", f"{_API}/channels/{{channel_id}}/test"): "admin",
    ("GET", f"{_API}/notifications/health"): "read",
    ("GET", f"{_API}/silences"): "read",
    ("GET", f"{_API}/silences/{{silence_id}}"): "read",
    ("POST", f"{_API}/silences/preview"): "read",
    ("POST", f"{_API}/silences"): "admin",
    ("DELETE", f"{_API}/silences/{{silence_id}}"): "admin",
    ("GET", f"{_API}/inhibitions"): "read",
    ("POST", f"{_API}/inhibitions"): "admin",
    ("DELETE", f"{_API}/inhibitions/{{inhibition_id}}"): "admin",
    ("GET", f"{_API}/deliveries"): "read",
    ("GET", f"{_API}/deliveries/{{delivery_id}}"): "read",
    ("WEBSOCKET", "/ws"): "read",
    ("WEBSOCKET", f"{_API}/ws"): "read",
}


class ScopesByPath:
    """The table, asked with the path of a request. A segment in braces stands for any text without a slash."""

    def __init__(self, needs: dict[tuple[str, str], Scope | None]) -> None:
        self._plain = {route: scope for route, scope in needs.items() if "{" not in route[1]}
        self._templates: dict[tuple[str, int], list[tuple[list[str | None], Scope | None]]] = {}
        for (method, path), scope in needs.items():
            if "{" in path:
                segments = [None if part.startswith("{") else part for part in path.split("/")]
                self._templates.setdefault((method, len(segments)), []).append((segments, scope))

    def needed(self, method: str, path: str) -> Scope | None:
        """What a request needs."""
        if method == "HEAD":
            method = "GET"
        try:
            return self._plain[method, path]
        except KeyError:
            pass
        parts = path.split("/")
        for segments, scope in self._templates.get((method, len(parts)), ()):
            if all(part if segment is None else part == segment for segment, part in zip(segments, parts, strict=True)):
                return scope
        return "admin"
