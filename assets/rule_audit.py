"""Audits of closed days: are the anomalies that stand those that follow from the events?"""

import warnings
from collections.abc import Iterator
from datetime import date

import dagster as dg
from pydantic import Field

from assets.anomalies import anomalies
from assets.audits import AGREES, AuditInShort, told_by_rule
from assets.history import history_connection
from assets.history_checks import NO_DIFFERENCES, differences, look
from assets.pages import links
from assets.partitions import daily
from eventpulse.database.anomalies.audits import DayAudit
from eventpulse.settings import load_settings
from pipelines.history.audit import Auditor
from pipelines.read_rules import named_rules

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
            told = AuditInShort.of(audit)
            context.log.info(told.sentence)
            yield told.materialization(dg.MetadataValue.table(told_by_rule(audit)))
            yield told.evaluation(context.instance)
    yield differences(look(settings))
    for check in (AGREES, NO_DIFFERENCES.name):
        yield dg.Output(None, output_name=f"rule_audit_{check}")  # so Dagster knows that the check has been made


def _repaired(found: DayAudit) -> dg.AssetMaterialization:
    changes: dict[str, int | str] = {
        "found": found.total("missing"),
        "retracted": found.total("extra"),
        "origin": "repair",
    }
    return dg.AssetMaterialization("anomalies", partition=found.day.isoformat(), metadata=changes)
