"""Every error EventPulse raises on purpose, as a sentence for someone who is worried."""


class EventPulseError(Exception):
    """Something EventPulse noticed and can name. Its text is shown to people as it stands."""


class SettingsError(EventPulseError):
    """A setting does not make sense; raised while settings are read, before anything starts."""


class StreamUnavailable(EventPulseError):
    """Redis cannot be reached or refuses writes; nothing of the request was taken."""


class BacklogFull(EventPulseError):
    """More events wait than may; nothing of the request was taken. `retry_after` is when there should be room again."""

    def __init__(self, sentence: str, *, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class DatabaseUnavailable(EventPulseError):
    """PostgreSQL cannot be reached; what was being written will be written again."""


class LeadershipLost(EventPulseError):
    """Another drain leads this shard; this process must not write any more."""


class EmbeddedServerError(EventPulseError):
    """A server that comes along, or a process beside it, cannot be started here; the text says what to do about it."""
