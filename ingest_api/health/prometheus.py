"""Everything EventPulse tells Prometheus, in a registry of its own."""

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from eventpulse.clock import Clock, utc_now
from eventpulse.database.notifications.sending_queries import Sending
from eventpulse.stream.backlog import together
from eventpulse.stream.backlog_limit import BacklogLimit
from ingest_api.health.http_meter import HttpMeter
from ingest_api.health.observations import Observed
from rules.routing.retry import state_of

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SEVERITIES = ("critical", "warning", "info")


class Instruments:
    """The registry of one app, and what is noted in it as it happens. `observed` is set by whoever has looked last."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self.registry = CollectorRegistry()
        self.http = HttpMeter(self.registry)
        self.micro_batch_seconds = Histogram(
            "eventpulse_micro_batch_seconds",
            "From taking a micro-batch to its commit, for those committed since this process began to look.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.observed = Observed()
        self.backlog: BacklogLimit | None = None
        self._clock = clock
        self.registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are known when they are collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """What was last seen of the pipeline; what is not known is left out."""
        seen = self.observed
        yield _gauge("postgres_up", "Whether PostgreSQL answers.", seen.postgres_up)
        yield _gauge("redis_up", "Whether Redis answers.", seen.redis_up)
        if seen.totals is not None:
            totals = seen.totals
            yield _counter("events_stored", "Events stored.", totals.stored)
            yield _counter("events_duplicate", "Events that had been stored before.", totals.duplicates)
            yield _counter("events_dead_lettered", "Events set aside.", totals.dead_lettered)
            yield _counter("events_too_late", "Events stored that came too late to correct.", totals.too_late)
            yield _counter("micro_batches", "Micro-batches committed.", totals.batches)
            yield _counter("anomalies_retracted", "Anomalies that later events disproved.", totals.retracted)
            found = CounterMetricFamily("eventpulse_anomalies", "Anomalies found.", labels=["severity"])
            for severity in _SEVERITIES:
                found.add_metric([severity], getattr(totals, f"anomalies_{severity}"))
            yield found
        if seen.balance is not None:
            balance = seen.balance
            yield _counter("events_accepted", "Events accepted.", balance.accepted)
            yield _gauge("events_pending", "Events accepted that nothing has become of yet.", balance.pending)
            yield _gauge("events_missing", "Events accepted that are nowhere; 0 if all is well.", balance.missing)
            yield _gauge("events_uncounted", "Events taken that nobody accepted; 0 if well.", balance.uncounted)
            yield _gauge("ledger_balances", "Whether every accepted event is accounted for.", balance.holds)
        if seen.backlogs is not None:
            backlog = together(seen.backlogs)
            yield _gauge("backlog_entries", "Stream entries that wait.", backlog.entries)
            yield _gauge("lag_seconds", "How long the oldest of them has waited.", backlog.oldest_seconds or 0.0)
        if self.backlog is not None and self.backlog.waiting is not None:
            yield _gauge("backlog_bytes", "Memory the stream takes in Redis.", self.backlog.waiting.bytes)
            yield _gauge("backlog_full", "Whether events are refused for the backlog.", self.backlog.is_full)
        if seen.leases:
            leads = max(self._age(lease.leads_since) for lease in seen.leases.values())
            silent = max(self._age(lease.heartbeat_at) for lease in seen.leases.values())
            yield _gauge("drain_leader_age_seconds", "How long this drain leads.", leads)
            yield _gauge("drain_heartbeat_age_seconds", "Since its last beat.", silent)
        if len(seen.backlogs or ()) > 1 or len(seen.leases) > 1:
            yield from self._of_shards(seen)
        if seen.alerts is not None:
            alerts = GaugeMetricFamily(
                "eventpulse_alerts", "Alerts that have not been resolved.", labels=["state", "severity"]
            )
            for state in ("open", "acknowledged"):
                for severity in _SEVERITIES:
                    alerts.add_metric([state, severity], seen.alerts.get((state, severity), 0))
            yield alerts
        if seen.sending is not None:
            yield from self._of_sending(seen, seen.sending)
        if seen.dead_letters:
            letters = GaugeMetricFamily("eventpulse_dead_letters", "Dead letters that are kept.", labels=["state"])
            for state, count in sorted(seen.dead_letters.items()):
                letters.add_metric([state], count)
            yield letters
        if seen.troubled_rules:
            rules = GaugeMetricFamily(
                "eventpulse_rules_troubled", "Rules that rest, or fail just now; 0 if all is well.", labels=["trouble"]
            )
            for trouble, count in sorted(seen.troubled_rules.items()):
                rules.add_metric([trouble], count)
            yield rules

    def _of_sending(self, seen: Observed, sending: Sending) -> Iterable[Metric]:
        yield _gauge("sender_up", "Whether somebody sends notifications.", seen.sender_leads)
        yield _gauge("notifications_waiting", "Messages that are not sent yet.", sending.waiting)
        yield _gauge("notifications_late_seconds", "How long what could be sent has waited.", sending.late_seconds)
        yield _gauge("channels_enabled", "Channels that alerts are told on.", sending.channels)
        states = [state_of(enabled=True, failures=channel.failures) for channel in sending.failing]
        failing = GaugeMetricFamily("eventpulse_channels_failing", "Channels that fail; 0 if well.", labels=["state"])
        for state in ("failing", "dead"):
            failing.add_metric([state], states.count(state))
        yield failing

    def _of_shards(self, seen: Observed) -> Iterable[Metric]:
        entries = _by_shard("backlog_entries", "Stream entries that wait.")
        lag = _by_shard("lag_seconds", "How long the oldest of them has waited.")
        for shard, backlog in sorted((seen.backlogs or {}).items()):
            entries.add_metric([str(shard)], backlog.entries)
            lag.add_metric([str(shard)], backlog.oldest_seconds or 0.0)
        silent = _by_shard("drain_heartbeat_age_seconds", "Since the last beat of its drain.")
        for shard, lease in sorted(seen.leases.items()):
            silent.add_metric([str(shard)], self._age(lease.heartbeat_at))
        yield from (entries, lag, silent)

    def _age(self, instant: datetime) -> float:
        return max((self._clock() - instant).total_seconds(), 0.0)


def _by_shard(name: str, meaning: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"eventpulse_shard_{name}", meaning, labels=["shard"])


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"eventpulse_{name}", meaning, value=float(value))


def _counter(name: str, meaning: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"eventpulse_{name}", meaning, value=float(value))
