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

    def anomalies(self, new_by_day: Mapping[str, int], origin: str) -> None:
        """The days on which anomalies were found, or could have been, and how many were new."""
        self._materialised("anomalies", new_by_day, origin)

    def events(self, new_by_day: Mapping[str, int], origin: str) -> None:
        """The days of which events were stored, and how many were new."""
        self._materialised("events", new_by_day, origin)

    def _materialised(self, asset: str, new_by_day: Mapping[str, int], origin: str) -> None:
        try:
            with httpx2.Client(timeout=5.0, trust_env=False) as client:
                for day, count in sorted(new_by_day.items()):
                    report = {"partition": day, "metadata": {"dagster/row_count": count, "origin": origin}}
                    client.post(f"{self._url}/report_asset_materialization/{asset}", json=report).raise_for_status()
        except httpx2.HTTPError as fault:
            _log.info("Dagster was not told of %d days of %s: %s", len(new_by_day), asset, fault)
