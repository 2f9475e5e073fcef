"""Tell Dagster what a sender does: sentences in the run's log, and materialisations of `notifications` by day."""

import dagster as dg

from pipelines.notifying.send_notifications import SendingTally
from pipelines.run_log import RunLog


class DagsterSendingReporter(RunLog):
    """Reports to the run of an op."""

    def report(self, tally: SendingTally) -> None:
        """One line in the log, and a materialisation for each day on which something was done."""
        for day, counts in sorted(tally.by_day.items()):
            said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
            self.say(f"Notifications on {day}: {said}.")
            metadata = {"dagster/row_count": counts.get("sent", 0)}
            metadata |= {what.replace(" ", "_"): count for what, count in counts.items()}
            self.show([dg.AssetMaterialization("notifications", partition=day, metadata=metadata)])
