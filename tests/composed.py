"""The services of docker-compose.yml as plain processes on this machine: same commands, same environment."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eventpulse.settings import PROJECT_ROOT

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}")


class Unset(Exception):
    """A variable that has to be set and is not; the sentence says what to do."""


def read_compose(environment: Mapping[str, str], file: str = "docker-compose.yml") -> dict[str, Any]:
    """The file with its variables put in, as Compose does."""
    document = yaml.safe_load((PROJECT_ROOT / file).read_text())
    return _filled(document, environment)


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, environment) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, environment) for each in value]
    return _VARIABLE.sub(lambda found: _value(found, environment), value) if isinstance(value, str) else value


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    name, kind, words = found.groups()
    if name is None:
        return "$"
    if set_to := environment.get(name):
        return set_to
    if kind == "?":
        raise Unset(words)
    return words or ""


@dataclass(frozen=True)
class Composed:
    """Services whose names, ports and folders in their containers are others on this machine."""

    services: Mapping[str, Any]
    stands_for: Mapping[str, str]
    folder: Path

    def environment(self, service: str) -> dict[str, str]:
        """What a service finds in its environment: of ours only what the image and the file say."""
        image = {
            "EVENTPULSE_HOME": str(self.folder),
            "DAGSTER_HOME": str(self.folder / "dagster"),
            "PYTHONPATH": str(PROJECT_ROOT),
            "PYTHONUNBUFFERED": "1",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        return image | {name: self._here(value) for name, value in self.services[service]["environment"].items()}

    def start(self, service: str) -> "subprocess.Popen[bytes]":
        """A service's command in the background, in a process group of its own, as tini has it."""
        with (self.folder / f"{service}.log").open("wb") as log:
            return subprocess.Popen(
                [self._here(word) for word in self.services[service]["command"]],
                env=self.environment(service),
                cwd=PROJECT_ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def run(self, service: str, *command: str) -> "subprocess.CompletedProcess[str]":
        """`docker compose run --rm SERVICE COMMAND`; without a command the service's own."""
        words = list(command) or [self._here(word) for word in self.services[service]["command"]]
        return subprocess.run(
            words, env=self.environment(service), cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120
        )

    def is_healthy(self, service: str) -> bool:
        """What the service's health check says now."""
        check = self.services[service]["healthcheck"]["test"]
        assert check[0] == "CMD"
        words = [self._here(word) for word in check[1:]]
        done = subprocess.run(
            words, env=self.environment(service), cwd=PROJECT_ROOT, capture_output=True, timeout=60, check=False
        )
        return done.returncode == 0

    def _here(self, text: str) -> str:
        for there, here in self.stands_for.items():
            text = text.replace(there, here)
        return text
