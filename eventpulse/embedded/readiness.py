"""Ask our own processes whether they really serve, each in the language it speaks."""

import json
import urllib.error
import urllib.request
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

_PATIENCE_SECONDS = 2.0
# Straight to loopback, whatever proxy the environment names for the outside.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http_answers(url: str) -> bool:
    """Whether a GET of this address succeeds."""
    try:
        with _direct.open(url, timeout=_PATIENCE_SECONDS) as answer:
            return bool(answer.status < 400)
    except (OSError, urllib.error.HTTPError):
        return False


def code_server_answers(host: str, port: int) -> bool:
    """Whether the Dagster code server has loaded our definitions and serves them."""
    with grpc.insecure_channel(f"{host}:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            status = (
                HealthStub(channel).Check(HealthCheckRequest(service="DagsterApi"), timeout=_PATIENCE_SECONDS).status
            )
        except grpc.RpcError:
            return False
    return bool(status == HealthCheckResponse.SERVING)


def daemon_answers(dagster_url: str, since: float) -> bool:
    """Whether every part of the Dagster daemon has shown life since this instant (seconds since 1970)."""
    query = "{instance{daemonHealth{allDaemonStatuses{required lastHeartbeatTime}}}}"
    try:
        answer = _graphql(dagster_url, query)
        statuses = answer["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    beats = [status["lastHeartbeatTime"] or 0.0 for status in statuses if status["required"]]
    return bool(beats) and min(beats) >= since


def _graphql(dagster_url: str, query: str) -> Any:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{dagster_url}/graphql", body, {"content-type": "application/json"})
    with _direct.open(request, timeout=_PATIENCE_SECONDS) as answer:
        return json.load(answer)
