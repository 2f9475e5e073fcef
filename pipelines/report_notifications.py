"""Tell Dagster what a sender does: sentences in the run's log, and materialisations of `notifications` by day."""

import logging

import dagster as dg

from pipelines.send_notifications import SendingTally

_log = logging.getLogger(__name__)


class DagsterSendingReporter:
    """Reports to the run of an op. Dagster being out of reach is no reason to stop sending; it is logged."""

    def __init__(self, context: dg.OpExecutionContext) -> None:
        self._context = context

    def say(self, sentence: str) -> None:
        """One line in the run's log."""
        try:
            self._context.log.info(sentence)
        except Exception as fault:  # Dagster's storage has many ways to be away
            _log.warning("Dagster did not take a line of the log (%s): %s", type(fault).__name__, sentence)

    def report(self, tally: SendingTally) -> None:
        """One line in the log, and a materialisation for each day on which something was done."""
        for day, counts in sorted(tally.by_day.items()):
            said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
            self.say(f"Notifications on {day}: {said}.")
            metadata = {"dagster/row_count": counts.get("sent", 0)}
            metadata |= {what.replace(" ", "_"): count for what, count in counts.items()}
            try:
                self._context.log_event(dg.AssetMaterialization("notifications", partition=day, metadata=metadata))
            except Exception as fault:
                _log.warning("Dagster did not take a materialisation of notifications: %s", fault)

    def has_ended(self) -> bool:
        """Whether Dagster counts this run as ended. Where Dagster cannot tell, it goes on."""
        try:
            run = self._context.instance.get_run_by_id(self._context.run_id)
        except Exception as fault:
            _log.warning("Dagster could not say how this run stands: %s", fault)
            return False
        return run is not None and run.is_finished
