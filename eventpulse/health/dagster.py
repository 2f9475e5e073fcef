"""How Dagster's webserver, daemon and code server are, as the webserver tells it over GraphQL."""

from dataclasses import dataclass
from typing import Any

import httpx2

from eventpulse.health.part import Part, State, Unanswered

WEBSERVER, DAEMON, CODE_SERVER = "Dagster webserver", "Dagster daemon", "Dagster code server"

_QUESTION = """
query Health {
  version
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } } }
  workspaceOrError {
    ... on Workspace {
      locationEntries { name loadStatus locationOrLoadError { __typename ... on PythonError { message } } }
    }
    ... on PythonError { message }
  }
}
"""
_RUN_QUESTION = "query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@dataclass(frozen=True)
class DagsterAnswer:
    """What the webserver said."""

    url: str
    version: str
    daemons: list[dict[str, Any]]
    locations: list[dict[str, Any]]
    workspace_fault: str | None


def ask_webserver(client: httpx2.Client, url: str) -> DagsterAnswer:
    """One question about everything Dagster knows of itself."""
    answer = _graphql(client, url, _QUESTION, {})
    workspace = answer["workspaceOrError"]
    return DagsterAnswer(
        url,
        answer["version"],
        answer["instance"]["daemonHealth"]["allDaemonStatuses"],
        workspace.get("locationEntries", []),
        workspace.get("message"),
    )


def run_status(client: httpx2.Client, url: str, run_id: str) -> str | None:
    """The status Dagster shows for a run; None where it does not know it."""
    status = _graphql(client, url, _RUN_QUESTION, {"id": run_id})["runOrError"].get("status")
    return str(status) if status else None


def _graphql(client: httpx2.Client, url: str, question: str, variables: dict[str, str]) -> dict[str, Any]:
    answer = client.post(url + "/graphql", json={"query": question, "variables": variables})
    data: dict[str, Any] = answer.raise_for_status().json()["data"]
    return data


def dagster_parts(answer: DagsterAnswer | Unanswered, url: str, *, code_server_answers: bool) -> list[Part]:
    """Three parts from one answer; without it, the code server's own answer is left."""
    if isinstance(answer, Unanswered):
        return [
            Part(WEBSERVER, State.DOWN, answer.reason, {"url": url}),
            Part(DAEMON, State.UNKNOWN, "only the webserver could tell"),
            _asked_directly(code_server_answers),
        ]
    webserver = Part(WEBSERVER, State.UP, f"{url}, version {answer.version}", {"url": url, "version": answer.version})
    return [webserver, _daemon(answer), _code_server(answer)]


def _daemon(answer: DagsterAnswer) -> Part:
    required = [status for status in answer.daemons if status["required"]]
    ill = [str(status["daemonType"]).lower() for status in required if not status["healthy"]]
    details = {"daemons": answer.daemons}
    if ill:
        return Part(DAEMON, State.DOWN, f"no sign of life from: {', '.join(ill)}", details)
    return Part(DAEMON, State.UP, f"{len(required)} of {len(required)} loops alive", details)


def _code_server(answer: DagsterAnswer) -> Part:
    if answer.workspace_fault:
        return Part(CODE_SERVER, State.DOWN, answer.workspace_fault.strip().splitlines()[0])
    details = {"locations": answer.locations}
    for location in answer.locations:
        loaded = location["locationOrLoadError"] or {"__typename": "not loaded yet"}
        if loaded["__typename"] != "RepositoryLocation":
            reason = str(loaded.get("message", loaded["__typename"])).strip().splitlines()[0]
            return Part(CODE_SERVER, State.DOWN, f"{location['name']}: {reason}", details)
    if not answer.locations:
        return Part(CODE_SERVER, State.DOWN, "Dagster has no code location", details)
    return Part(CODE_SERVER, State.UP, ", ".join(str(location["name"]) for location in answer.locations), details)


def _asked_directly(answers: bool) -> Part:
    if answers:
        return Part(CODE_SERVER, State.UP, "serves our definitions")
    return Part(CODE_SERVER, State.DOWN, "does not answer")
