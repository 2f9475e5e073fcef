"""What Dagster is told of the audit of a day: a materialisation, a check, and what to do where it fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

import dagster as dg

# Dagster counts a check for its partition only if it names its materialisation, and exports no class for that.
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from assets.pages import links
from eventpulse.database.anomalies.audits import DayAudit

AGREES = "agrees_with_events"
COUNTS = ("computed", "standing", "missing", "extra", "changed")
_MOST_ROWS = 100


@dataclass(frozen=True)
class AuditInShort:
    """One audited day, in numbers: of events, and of anomalies that follow, stand, are missing, extra, changed."""

    day: date
    rules: int
    events: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, audit: DayAudit) -> Self:
        """The sums over the rules."""
        return cls(audit.day, len(audit.findings), audit.events, {name: audit.total(name) for name in COUNTS})

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing, extra or changed."""
        return not any(self.counts[name] for name in ("missing", "extra", "changed"))

    @property
    def sentence(self) -> str:
        """What the audit says, and where the day differs, what to do about it."""
        if self.agrees:
            standing = self.counts["standing"]
            return (
                f"{self.day}: the {standing:,} anomalies that stand are those that follow from {self.events:,} events."
            )
        counts = ", ".join(f"{self.counts[name]:,} {name}" for name in ("missing", "extra", "changed"))
        return (
            f"{self.day}: the anomalies that stand are not those that follow from the events: {counts}. `eventpulse "
            f"audit --from {self.day} --to {self.day} --repair`, or the job `repair` on this day, makes them agree."
        )

    def materialization(self, by_rule: dg.MetadataValue | None = None) -> dg.AssetMaterialization:
        """The day has been audited."""
        table = {} if by_rule is None else {"rules": by_rule}
        numbers = {"dagster/row_count": self.rules, "events": self.events, **self.counts}
        return dg.AssetMaterialization("rule_audit", partition=self.day.isoformat(), metadata={**numbers, **table})

    def evaluation(self, instance: dg.DagsterInstance) -> dg.AssetCheckEvaluation:
        """The check of the day, on what was materialised of it last."""
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("rule_audit"), asset_partitions=[self.day.isoformat()])
        [materialized] = instance.fetch_materializations(wanted, limit=1).records
        return dg.AssetCheckEvaluation(
            dg.AssetKey("rule_audit"),
            AGREES,
            passed=self.agrees,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={**self.counts, **links(audits="audits")},
            target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
                storage_id=materialized.storage_id, run_id=materialized.run_id, timestamp=materialized.timestamp
            ),
            description=self.sentence,
            partition=self.day.isoformat(),
        )


def told_by_rule(audit: DayAudit) -> Sequence[dg.TableRecord]:
    """The findings, those first that ask for something."""
    told = sorted(audit.findings, key=lambda finding: (not finding.differs, not finding.remarks, finding.rule_name))
    return [
        dg.TableRecord(
            {
                "rule": finding.rule_name,
                **{name: getattr(finding, name) for name in COUNTS},
                "remarks": " ".join(finding.remarks),
            }
        )
        for finding in told[:_MOST_ROWS]
    ]
