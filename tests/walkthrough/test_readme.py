"""The README's commands, as they stand there, on an installation of their own."""

import json
import re
import subprocess
from typing import Any

from benchmarks.product import Product, product, wait_for
from eventpulse.settings import PROJECT_ROOT

README = (PROJECT_ROOT / "README.md").read_text()
CURLS = [block for block in re.findall(r"```\n(.*?)```", README, re.DOTALL) if block.startswith("curl")]


def test_the_first_event_the_first_rule_and_the_first_anomaly() -> None:
    send_event, read_events, make_rule, read_anomalies = CURLS
    with product() as running:
        assert run(send_event, running)["status"] == "accepted"
        [event] = wait_for("the event to be stored", lambda: run(read_events, running)["data"], within=30)
        assert run(make_rule, running)["name"] == "failed logins"
        for _ in range(6):
            run(send_event, running)
        [anomaly] = wait_for("an anomaly", lambda: run(read_anomalies, running)["data"], within=30)
    assert event["event_type"] == "login_failed"
    assert (anomaly["rule_name"], anomaly["group"], anomaly["value"]) == (
        "failed logins",
        {"payload.ip": "10.0.0.1"},
        6,
    )


def run(command: str, running: Product) -> Any:
    there = command.replace("http://127.0.0.1:3000", running.url)
    assert there != command
    done = subprocess.run(["bash", "-c", there.replace("curl ", "curl -sS ", 1)], capture_output=True, check=True)
    return json.loads(done.stdout)
