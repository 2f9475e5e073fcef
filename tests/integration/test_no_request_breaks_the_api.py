"""Requests that follow the OpenAPI document, and requests that break it, get what the document promises; never a 5xx.

`make fuzz` runs many more of them, others each time, and walks every edge of the rule language too.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from eventpulse.settings import PROJECT_ROOT, Settings
from tests.at_the_door import a_key, bearer
from tests.serving_over_http import over_http

CONFIG = PROJECT_ROOT / "tests" / "schemathesis.toml"
THOROUGH = "FUZZ_EXAMPLES" in os.environ
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "5")
SEED = os.environ.get("FUZZ_SEED", "1")
#: Walking every edge of every kind of condition makes seven thousand requests.
BRIEFLY = () if THOROUGH else ("--exclude-path-regex", "^/api/v1/rules")


@pytest.mark.parametrize(
    ("phase", "more"),
    [("coverage", BRIEFLY), ("fuzzing", ()), ("stateful", ())],
    ids=["coverage", "fuzzing", "stateful"],
)
def test_every_answer_is_as_documented(
    settings: Settings, engine: Engine, tmp_path: Path, phase: str, more: tuple[str, ...]
) -> None:
    key = a_key(engine, "admin")
    with over_http(settings.model_copy(update={"require_keys": True, "max_body_bytes": 10 << 20})) as url:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "--no-color", "run"),
            *(f"{url}/openapi.json", "--header", f"Authorization: {bearer(key)['authorization']}"),
            *("--phases", phase, "--max-examples", EXAMPLES, "--seed", SEED, "--continue-on-failure", *more),
        ]
        done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert key not in done.stdout
