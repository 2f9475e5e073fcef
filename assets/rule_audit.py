"""Audits of closed days: are the anomalies that stand those that follow from the events?"""

import warnings
from datetime import date

import dagster as dg
from pydantic import Field

from assets.anomalies import anomalies
from assets.history import history_connection
from assets.pages import links
from assets.partitions import daily
from eventpulse.database.audits import DayAudit
from eventpulse.settings import load_settings
from pipelines.audit import Auditor
from pipelines.read_rules import named_rules

AGREES = "agrees_with_events"
_MOST_ROWS = 100


# Checks by partition are in preview; Dagster is pinned to the very release, and would say so in every process's log.
warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning)


class AuditOptions(dg.Config):
    """What a person can choose when a day is audited."""

    repair: bool = Field(False, description="Where anomalies differ, make those that follow stand, and audit again.")


@dg.asset(
    deps=[anomalies],
    partitions_def=daily,
    pool="history",
    group_name="audit",
    kinds={"polars", "postgres"},
    owners=["team:eventpulse"],
    metadata={**links(audits="audits"), "table": "eventpulse.audits"},
    check_specs=[
        dg.AssetCheckSpec(
            AGREES,
            asset="rule_audit",
            partitions_def=daily,
            description="No anomaly of the day is missing, extra or changed.",
        )
    ],
    description="Each closed day evaluated afresh and compared with the anomalies that stand, rule by rule, in tables "
    "`eventpulse.audits` and `eventpulse.audit_findings`. What differs is repaired by the job `repair`.",
)
def rule_audit(context: dg.AssetExecutionContext, config: AuditOptions) -> dg.MaterializeResult:
    """Audit the day of the partition, and repair it where that is asked for."""
    day = date.fromisoformat(context.partition_key)
    settings = load_settings()
    with history_connection(settings, context.run.run_id) as connection:
        auditor = Auditor(connection, settings, named_rules(connection, None), context.run.run_id)
        if config.repair:
            found, audit = auditor.audit_and_repair(day, context.log.info)
            if not found.agrees:
                changes: dict[str, int | str] = {
                    "found": found.total("missing"),
                    "retracted": found.total("extra"),
                    "origin": "repair",
                }
                context.log_event(dg.AssetMaterialization("anomalies", partition=day.isoformat(), metadata=changes))
        else:
            audit = auditor.audit(day)
    counts: dict[str, int] = {
        name: audit.total(name) for name in ("computed", "standing", "missing", "extra", "changed")
    }
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(audit.findings),
            "events": audit.events,
            **counts,
            "rules": _table(audit),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=AGREES,
                passed=audit.agrees,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata=counts,
                description=None if audit.agrees else "`eventpulse audit --repair` or the job `repair` makes it agree.",
            )
        ],
    )


def _table(audit: DayAudit) -> dg.MetadataValue:
    told = sorted(audit.findings, key=lambda finding: (not finding.differs, not finding.remarks, finding.rule_name))
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "rule": finding.rule_name,
                    "computed": finding.computed,
                    "standing": finding.standing,
                    "missing": finding.missing,
                    "extra": finding.extra,
                    "changed": finding.changed,
                    "remarks": " ".join(finding.remarks),
                }
            )
            for finding in told[:_MOST_ROWS]
        ]
    )
