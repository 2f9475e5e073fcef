"""The files to deploy with are right by their schemas, agree with each other, and hold no secret."""

import re
import subprocess
import sys
from typing import Any

import dagster
import kubernetes_validate
import pytest
import yaml
from pydantic import AliasChoices

from eventpulse.settings import PROJECT_ROOT, Settings
from tests.composed import Unset, read_compose
from tests.unit.test_installed_project import ROOTS

MANIFESTS = sorted((PROJECT_ROOT / "deploy/kubernetes").glob("*.yaml"))
SECRETS = {name: name.lower() * 3 for name in ("EVENTPULSE_POSTGRES_PASSWORD", "EVENTPULSE_REDIS_PASSWORD")}
SECRETS["EVENTPULSE_SESSION_SECRET"] = "s" * 32
#: Read by Dagster, by workspace.yaml or by the servers, not by us.
NOT_OURS = {"DAGSTER_POSTGRES_URL", "DAGSTER_CURRENT_IMAGE"}


def read(path: str) -> Any:
    return yaml.safe_load((PROJECT_ROOT / path).read_text())


def settings() -> set[str]:
    aliases = (info.validation_alias for info in Settings.model_fields.values())
    return {str(alias.choices[0] if isinstance(alias, AliasChoices) else alias) for alias in aliases}


def resources() -> list[dict[str, Any]]:
    found = [document for file in MANIFESTS for document in yaml.safe_load_all(file.read_text())]
    return [document for document in found if document["kind"] != "Kustomization"]


@pytest.mark.parametrize("file", ["docker-compose.yml", "deploy/docker/docker-compose.runs.yml"])
def test_compose_files_follow_the_compose_specification(file: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", file]
    checked = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("resource", resources(), ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_manifests_are_what_kubernetes_knows(resource: dict[str, Any]) -> None:
    kubernetes_validate.validate(resource, "1.37", strict=True)


def test_every_manifest_is_listed() -> None:
    listed = set(read("deploy/kubernetes/kustomization.yaml")["resources"])
    assert listed == {file.name for file in MANIFESTS} - {"kustomization.yaml"}


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_without_a_secret_compose_says_what_to_set(name: str) -> None:
    with pytest.raises(Unset, match=f"^Set {name} to "):
        read_compose({other: value for other, value in SECRETS.items() if other != name})


def test_no_password_stands_in_a_file() -> None:
    """Whatever is secret in the composed services comes from the environment."""
    values = [
        str(value)
        for service in read_compose(SECRETS)["services"].values()
        for name, value in service.get("environment", {}).items()
        if re.search("PASSWORD|SECRET|AUTH|_URL$", name) and "PUBLIC" not in name and name != "EVENTPULSE_DAGSTER_URL"
    ]
    assert values and all(any(secret in value for secret in SECRETS.values()) for value in values)
    for resource in resources():
        assert resource["kind"] != "Secret"


def test_every_service_tells_how_it_is_and_starts_after_what_it_needs() -> None:
    services = read_compose(SECRETS)["services"]
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"migrate"}
    assert services["redis"]["command"][-1].count("--appendonly yes --appendfsync always") == 1
    for name in ("api", "code-server"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    for name in ("daemon", "webserver"):
        assert services[name]["depends_on"]["code-server"] == {"condition": "service_healthy"}


def test_only_the_api_can_be_offered_to_other_machines() -> None:
    services = read_compose({**SECRETS, "EVENTPULSE_API_ADDRESS": "0.0.0.0"})["services"]
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {"api": ["0.0.0.0:3000:3000"], "webserver": ["127.0.0.1:3001:3001"]}


def test_only_settings_that_exist_are_set() -> None:
    services = read_compose(SECRETS)["services"]
    composed = {
        name for key, each in services.items() if key not in ("postgres", "redis") for name in each["environment"]
    }
    in_cluster = {name for each in resources() if each["kind"] == "ConfigMap" for name in each["data"]}
    launched = set(read("deploy/docker/dagster.yaml")["run_launcher"]["config"]["env_vars"])
    assert (composed | in_cluster | launched) - settings() - NOT_OURS == set()


def test_the_instance_is_the_same_wherever_dagster_runs() -> None:
    here = read("dagster.yaml")
    docker = read("deploy/docker/dagster.yaml")
    assert docker.pop("run_launcher")["class"] == "DockerRunLauncher"
    assert docker == here

    values = read("deploy/helm-values.yaml")
    assert values["additionalInstanceConfig"] == {"concurrency": here["concurrency"], "nux": here["nux"]}
    daemon = values["dagsterDaemon"]
    for name in ("sensors", "schedules"):
        assert daemon[name] == {"useThreads": here[name]["use_threads"], "numWorkers": here[name]["num_workers"]}
    for name in ("sensor", "schedule"):
        assert values["retention"][name]["purgeAfterDays"] == here["retention"][name]["purge_after_days"]
    assert f"release {dagster.__version__}," in (PROJECT_ROOT / "deploy/helm-values.yaml").read_text()


def test_the_image_is_built_from_the_lock_and_holds_what_runs() -> None:
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text()
    version = re.search(r"UV_VERSION := (\S+)", (PROJECT_ROOT / "Makefile").read_text())
    assert version and f"ARG UV_VERSION={version[1]}" in dockerfile
    assert "uv sync --frozen" in dockerfile
    assert {root for root in ROOTS if f"COPY {root} {root}" in dockerfile} == set(ROOTS)
    kept = (PROJECT_ROOT / ".dockerignore").read_text().split()
    assert {root for root in ROOTS if f"!{root}" in kept} == set(ROOTS)
    assert dockerfile.rindex("\nUSER eventpulse\n") < dockerfile.rindex("\nENTRYPOINT")
