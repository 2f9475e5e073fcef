"""Tell Dagster of what was done outside of its runs, through its webserver, where that answers."""

import logging
from collections.abc import Mapping

import httpx2

from eventpulse.settings import Settings

_log = logging.getLogger(__name__)


class DagsterReports:
    """Reports are for people who look at Dagster: that it cannot be reached is no reason to fail."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.dagster_webserver

    def materialised(self, asset: str, told_by_day: Mapping[str, Mapping[str, int | str]]) -> None:
        """The days of an asset that were worked on, and what there is to say of each."""
        try:
            with httpx2.Client(timeout=5.0, trust_env=False) as client:
                for day, told in sorted(told_by_day.items()):
                    report = {"partition": day, "metadata": dict(told)}
                    client.post(f"{self._url}/report_asset_materialization/{asset}", json=report).raise_for_status()
        except httpx2.HTTPError as fault:
            _log.info("Dagster was not told of %d days of %s: %s", len(told_by_day), asset, fault)
