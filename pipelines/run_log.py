"""What a run that lives for long tells Dagster; Dagster being out of reach is no reason to stop working."""

import logging
from collections.abc import Sequence

import dagster as dg

_log = logging.getLogger(__name__)


class RunLog:
    """The run of an op. What Dagster does not take is logged."""

    def __init__(self, context: dg.OpExecutionContext) -> None:
        self._context = context

    def say(self, sentence: str) -> None:
        """One line in the run's log."""
        try:
            self._context.log.info(sentence)
        except Exception as fault:  # Dagster's storage has many ways to be away
            _log.warning("Dagster did not take a line of the log (%s): %s", type(fault).__name__, sentence)

    def show(self, events: Sequence[dg.AssetMaterialization]) -> None:
        """What was materialised."""
        try:
            for event in events:
                self._context.log_event(event)
        except Exception as fault:
            _log.warning("Dagster did not take %d materialisations: %s", len(events), fault)

    def has_ended(self) -> bool:
        """Whether Dagster counts this run as ended. Where Dagster cannot tell, it goes on."""
        try:
            run = self._context.instance.get_run_by_id(self._context.run_id)
        except Exception as fault:
            _log.warning("Dagster could not say how this run stands: %s", fault)
            return False
        return run is not None and run.is_finished
