"""The job that sends notifications."""

import dagster as dg

from eventpulse.settings import load_settings
from pipelines.jobs import told_to_end
from pipelines.notifying.report_notifications import DagsterSendingReporter
from pipelines.notifying.sender_run import SenderRun

SEND_JOB = "send_notifications"


@dg.op(
    name="send",
    description="Sends notifications for the length of a lease: takes intents from the outbox as they are committed, "
    "routes and gathers them, and sends messages to channels.",
)
def send_op(context: dg.OpExecutionContext) -> None:
    """One run of the sender."""
    SenderRun(load_settings(), context.run_id, DagsterSendingReporter(context), shall_stop=told_to_end()).run()


@dg.job(
    name=SEND_JOB,
    executor_def=dg.in_process_executor,
    description="Tells people and programs of alerts, over channels. One run sends; the sensor `sender_keeper` sees to "
    "it that there is one, and starts its successor before it ends.",
    tags={"eventpulse/role": "sender"},
)
def send_notifications() -> None:
    """What people are told."""
    send_op()
