"""Two real logs as history in one product and live in another: do both have the same anomalies, id by id?

The reduced form of this is tests/integration/test_real_logs_as_history.py. Here it goes through two whole products, by
the commands and the API that a person uses, and is timed.
"""

import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from benchmarks.product import Product, product, wait_for
from benchmarks.results import report
from eventpulse.rule_file import read_rule_file
from eventpulse.settings import PROJECT_ROOT
from rules.rule import read_rule

LOGS = PROJECT_ROOT.parent / "shared" / "data"
#: In the order of their times: live, an event that comes years after newer ones of the same rule is too late to count.
NAMES = ("web_access.ndjson.gz", "ssh_auth.ndjson.gz")
RULES = (
    *("ssh brute force", "login after guessing", "audit log falls silent", "half the traffic of yesterday"),
    "someone looks for weaknesses",
)
DAMAGED = (date(2015, 5, 19), date(2017, 3, 28), date(2017, 4, 6))
_SAID = (
    'anomaly_id::text, rule_id::text, severity, message, "group"::text, event_id::text, occurred_at, value, threshold,'
    " expected, window_start, window_end, contributing::text[], contributing_count"
)


def main(
    logs: Annotated[Path, typer.Option(help="The folder of the two logs.")] = LOGS,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Import, backfill, damage, audit and repair in one product; send live to another; compare."""
    files = [str(logs / name) for name in NAMES]
    figures: dict[str, float | None] = {}
    with product(draining=False) as history:
        _add_rules(history)
        figures["import, s"], _ = _command(history, "import", *files)
        figures["backfill, s"], _ = _command(history, "backfill")
        found = _anomalies(history)
        removed = _damage(history)
        figures["audit, s"], said = _command(history, "audit", code=1)
        differing = [line for line in said.splitlines() if "differs" in line]
        assert len(differing) == len(DAMAGED), said
        figures["audit and repair, s"], _ = _command(history, "audit", "--repair")
        assert _anomalies(history) == found, "what was repaired is not what was there"
        audits = history.api("GET", "/api/v1/audits", params={"limit": 500})["data"]
        gaps = [day for day in history.api("GET", "/api/v1/coverage", params={"limit": 500})["data"] if day.get("gaps")]
        print(f"{len(found):,} anomalies; {removed} removed on {len(DAMAGED)} days, found missing and repaired.")
        print(f"The API shows {len(audits)} audits, {sum(audit['repaired'] for audit in audits)} of them repaired.")
        print(f"Days and rules with gaps in the coverage: {len(gaps)}.")
    with product(draining=False) as live:
        _add_rules(live)
        begun = time.monotonic()
        _command(live, "send", "--url", live.url, *files)
        wait_for("everything to be stored", lambda: _balanced(live), within=900)
        figures["sent live and judged, s"] = time.monotonic() - begun
        now = _anomalies(live)
    figures |= {"anomalies": len(found), "missing live": len(found.keys() - now.keys())}
    figures |= {"extra live": len(now.keys() - found.keys())}
    figures |= {"the same and said differently": sum(now.get(key, said) != said for key, said in found.items())}
    report("Real logs as history and live", {"": [figures]}, unit="as said", json_file=json_file)
    if now != found:
        for word, one, other in (("missing live", found, now), ("extra live", now, found)):
            for key in sorted(one.keys() - other.keys(), key=lambda key: str(one[key][5]))[:5]:
                print(f"{word}: {one[key]}")
        raise SystemExit("History and live differ.")
    print("History and live have the same anomalies, id by id and word for word.")


def _add_rules(running: Product) -> None:
    """The same rules everywhere: under the ids that `eventpulse rules apply` gives them by their names."""
    wait_for("the API", lambda: running.health() or None, within=300)
    wait_for("the rules that come along", lambda: running.api("GET", "/api/v1/rules") or None, within=300)
    for file in sorted((PROJECT_ROOT / "rules" / "examples").glob("*.yaml")):
        for one in read_rule_file(file):
            if one.document["name"] in RULES:
                rule_id = str(read_rule(one.document).rule_id)
                running.api("POST", "/api/v1/rules", json={**one.document, "rule_id": rule_id})
    for rule in running.api("GET", "/api/v1/rules"):
        if rule["name"] not in RULES:
            running.api("DELETE", f"/api/v1/rules/{rule['rule_id']}")


def _command(running: Product, *words: str, code: int = 0) -> tuple[float, str]:
    """Run a command beside a product: how long it took, and what it said."""
    environment = {**os.environ, "EVENTPULSE_HOME": str(running.settings.home)}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "eventpulse", *words],
        cwd=PROJECT_ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != code:
        raise SystemExit(f"eventpulse {words[0]} ended with {done.returncode}:\n{done.stdout}")
    return time.monotonic() - begun, done.stdout


def _anomalies(running: Product) -> dict[str, tuple[Any, ...]]:
    with psycopg.connect(running.database_url) as connection:
        rows = connection.execute(f"select {_SAID} from eventpulse.anomalies where state = 'current'").fetchall()
    return {row[0]: row[1:] for row in rows}


def _damage(running: Product) -> int:
    with psycopg.connect(running.database_url) as connection:
        return connection.execute(
            "delete from eventpulse.anomalies where (occurred_at at time zone 'UTC')::date = any(%s)", (list(DAMAGED),)
        ).rowcount


def _balanced(running: Product) -> bool | None:
    balance = running.api("GET", "/api/v1/ledger")["balance"]
    return (balance["balances"] and balance["pending"] == 0 and balance["stored"] > 0) or None


if __name__ == "__main__":
    typer.run(main)
