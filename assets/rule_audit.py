"""Audits of closed days: are the anomalies that stand those that follow from the events?"""

import warnings
from collections.abc import Iterator
from datetime import date

import dagster as dg

# Dagster counts a check for its partition only if it names its materialisation, and exports no class for that.
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from pydantic import Field

from assets.anomalies import anomalies
from assets.history import history_connection
from assets.history_checks import NO_DIFFERENCES, differences, look
from assets.pages import links
from assets.partitions import daily
from eventpulse.database.audits import DayAudit
from eventpulse.settings import load_settings
from pipelines.audit import Auditor
from pipelines.read_rules import named_rules

AGREES = "agrees_with_events"
_MOST_ROWS = 100


# Checks by partition are in preview and `backfill_policy` in beta; Dagster is pinned to the very release, and would say
# so in every process's log.
warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning)
warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)


class AuditOptions(dg.Config):
    """What a person can choose when a day is audited."""

    repair: bool = Field(False, description="Where anomalies differ, make those that follow stand, and audit again.")


@dg.asset(
    deps=[anomalies],
    partitions_def=daily,
    backfill_policy=dg.BackfillPolicy.single_run(),
    # What is materialised is told day by day, as each has been audited: what an interrupted run has done is done.
    output_required=False,
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
        ),
        NO_DIFFERENCES,
    ],
    description="Each closed day evaluated afresh and compared with the anomalies that stand, rule by rule, in tables "
    "`eventpulse.audits` and `eventpulse.audit_findings`. What differs is repaired by the job `repair`.",
)
def rule_audit(
    context: dg.AssetExecutionContext, config: AuditOptions
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation | dg.Output[None]]:
    """Audit the chosen days, one after the other, and repair them where that is asked for."""
    settings = load_settings()
    with history_connection(settings, context.run.run_id) as connection:
        auditor = Auditor(connection, settings, named_rules(connection, None), context.run.run_id)
        for key in sorted(context.partition_keys):
            if config.repair:
                found, audit = auditor.audit_and_repair(date.fromisoformat(key), context.log.info)
                if not found.agrees:
                    yield _repaired(found)
            else:
                audit = auditor.audit(date.fromisoformat(key))
            context.log.info(verdict(audit))
            yield dg.AssetMaterialization("rule_audit", partition=key, metadata=_metadata(audit))
            yield _evaluation(audit, _materialised(context.instance, key))
    yield differences(look(settings))
    for check in (AGREES, NO_DIFFERENCES.name):
        yield dg.Output(None, output_name=f"rule_audit_{check}")  # so Dagster knows that the check has been made


def verdict(audit: DayAudit) -> str:
    """What an audit says of its day, and where it differs, what to do about it."""
    if audit.agrees:
        standing = audit.total("standing")
        return f"{audit.day}: the {standing:,} anomalies that stand are those that follow from {audit.events:,} events."
    counts = ", ".join(f"{audit.total(name):,} {name}" for name in ("missing", "extra", "changed"))
    return (
        f"{audit.day}: the anomalies that stand are not those that follow from the events: {counts}. `eventpulse audit "
        f"--from {audit.day} --to {audit.day} --repair`, or the job `repair` on this day, makes them agree."
    )


def _repaired(found: DayAudit) -> dg.AssetMaterialization:
    changes: dict[str, int | str] = {
        "found": found.total("missing"),
        "retracted": found.total("extra"),
        "origin": "repair",
    }
    return dg.AssetMaterialization("anomalies", partition=found.day.isoformat(), metadata=changes)


def _counts(audit: DayAudit) -> dict[str, int]:
    return {name: audit.total(name) for name in ("computed", "standing", "missing", "extra", "changed")}


def _metadata(audit: DayAudit) -> dict[str, int | dg.MetadataValue]:
    return {"dagster/row_count": len(audit.findings), "events": audit.events, **_counts(audit), "rules": _table(audit)}


def _materialised(instance: dg.DagsterInstance, day: str) -> AssetCheckEvaluationTargetMaterializationData | None:
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("rule_audit"), asset_partitions=[day])
    found = instance.fetch_materializations(wanted, limit=1).records
    return (
        AssetCheckEvaluationTargetMaterializationData(
            storage_id=found[0].storage_id, run_id=found[0].run_id, timestamp=found[0].timestamp
        )
        if found
        else None
    )


def _evaluation(audit: DayAudit, of: AssetCheckEvaluationTargetMaterializationData | None) -> dg.AssetCheckEvaluation:
    where = {} if audit.agrees else {"rules": _table(audit), **links(audits="audits")}
    return dg.AssetCheckEvaluation(
        dg.AssetKey("rule_audit"),
        AGREES,
        passed=audit.agrees,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={**_counts(audit), **where},
        target_materialization_data=of,
        description=verdict(audit),
        partition=audit.day.isoformat(),
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
