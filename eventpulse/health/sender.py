"""Who sends notifications now, and whether channels take them."""

from collections.abc import Sequence

from eventpulse.database.leadership import Contender
from eventpulse.database.notifications.sending_queries import Sending
from eventpulse.health.drain import AsksForRun
from eventpulse.health.part import Part, State

SENDER, CHANNELS = "Sender", "Channels"
#: A sender looks around within seconds; what it could have sent for longer than this is worth a look.
LATE_SECONDS = 60.0


def sender_parts(
    contenders: Sequence[Contender], sending: Sending, *, dead_after: int, dagster_status: AsksForRun
) -> list[Part]:
    """The process that sends, and the channels. A channel is dead after so many failures in a row."""
    return [_sender(contenders, sending, dagster_status), _channels(sending, dead_after)]


def _sender(contenders: Sequence[Contender], sending: Sending, dagster_status: AsksForRun) -> Part:
    leader = next((each.run_id for each in contenders if each.leads), None)
    if leader is None:
        starts = next((each.run_id for each in contenders), None)
        if starts is not None:
            return Part(SENDER, State.WARNING, f"run {starts} is about to begin", {"run_id": None})
        return Part(SENDER, State.DOWN, "nobody sends. What is to be told waits in PostgreSQL", {"run_id": None})
    status = dagster_status(leader)
    sentence = f"run {leader}" + (f" ({status.lower()} in Dagster)" if status else "")
    details = {"run_id": leader, "dagster_status": status}
    if sending.late_seconds > LATE_SECONDS:
        return Part(SENDER, State.WARNING, f"{sentence} is late by {sending.late_seconds:.0f} s", details)
    return Part(SENDER, State.UP, sentence, details)


def _channels(sending: Sending, dead_after: int) -> Part:
    dead = [channel for channel in sending.failing if channel.failures >= dead_after]
    failing = [channel for channel in sending.failing if channel.failures < dead_after]
    details = {"enabled": sending.channels, "dead": [channel.name for channel in dead]}
    if not sending.channels:
        return Part(CHANNELS, State.UP, "none is enabled, so nobody is told of alerts", details)
    if dead:
        said = [
            f'"{channel.name}" is dead ({channel.failures} failures in a row: {channel.last_error})' for channel in dead
        ]
        return Part(CHANNELS, State.WARNING, "; ".join(said), details)
    sentence = f"{sending.channels} enabled"
    if failing:
        sentence += ", of which " + ", ".join(f'"{channel.name}" failed last' for channel in failing)
    return Part(CHANNELS, State.UP, sentence, details)
