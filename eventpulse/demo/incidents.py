"""What goes wrong in the demonstration, and when: one thing after the other, in a cycle of six minutes."""

from dataclasses import dataclass

CYCLE_SECONDS = 360


@dataclass(frozen=True)
class Incident:
    """Something that goes wrong from `start` to before `end`, in seconds of the cycle."""

    name: str
    start: int
    end: int
    sentence: str


ERRORS = Incident("errors", 60, 120, "web-2 answers slowly, and every third request with an error.")
GUESSING = Incident("guessing", 150, 185, "Somebody guesses passwords from 203.0.113.7.")
SILENCE = Incident("silence", 210, 270, "db-2 falls silent: no heartbeats.")
UNPAID = Incident("unpaid", 290, 330, "The payment provider is away: orders are not paid.")
INCIDENTS = (ERRORS, GUESSING, SILENCE, UNPAID)


def incident_at(second: int) -> Incident | None:
    """What goes wrong in a second, counted from the start of the demonstration."""
    place = second % CYCLE_SECONDS
    return next((incident for incident in INCIDENTS if incident.start <= place < incident.end), None)
