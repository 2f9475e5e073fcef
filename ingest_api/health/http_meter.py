"""Count requests and time them, by route. It stands outside of everything else, so refused requests count as well."""

from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What no route matches shares one label, or anybody could make up labels without end.
NO_ROUTE = "none"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class HttpMeter:
    """What is counted, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "eventpulse_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "eventpulse_http_request_seconds",
            "From the head of a request to the end of its answer.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=registry,
        )
        # prometheus-client looks labels up under a lock each time; these are few, and looked up for every request.
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        known = self._known.get((method, route, status))
        if known is None:
            known = (self._requests.labels(method, route, str(status)), self._seconds.labels(method, route))
            self._known[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)


class Metered:
    """ASGI middleware that notes every HTTP request with the meter of the application's instruments."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = perf_counter(), 500
        meter: HttpMeter = scope["state"]["instruments"].http

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            route = route_of(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            meter.note(method, route, status, perf_counter() - begun)


def route_of(scope: Scope) -> str:
    """The path of the route that took a request, with the names of its parameters in the place of what was sent."""
    if "endpoint" not in scope:
        return NO_ROUTE
    if mounted_at := scope.get("root_path"):
        return str(mounted_at)  # files of a folder share one label, those that are not there too
    path: str = scope["path"]
    if parameters := scope.get("path_params"):
        segments = path.split("/")
        for name, value in reversed(parameters.items()):
            last = len(segments) - 1 - segments[::-1].index(str(value)) if str(value) in segments else None
            if last is None:
                return NO_ROUTE
            segments[last] = f"{{{name}}}"
        path = "/".join(segments)
    return path
