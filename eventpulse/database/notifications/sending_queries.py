"""How far telling people has got: what waits to be sent, for how long, and which channels fail."""

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True)
class FailingChannel:
    """An enabled channel whose last messages failed, so many in a row."""

    name: str
    failures: int
    last_error: str


@dataclass(frozen=True)
class Sending:
    """What is still to be sent; ages in seconds, None of nothing. A message is overdue when nothing holds it up any
    more: no group, no retry, no rest of its channel. `unrouted` counts news of alerts that no sender has looked at.
    Reminders count from when they are due: until then there is nothing to be told."""

    waiting: int
    oldest_seconds: float | None
    overdue: int
    overdue_seconds: float | None
    unrouted: int
    unrouted_seconds: float | None
    #: How many channels are enabled.
    channels: int
    failing: tuple[FailingChannel, ...] = ()

    @property
    def late_seconds(self) -> float:
        """For how long something has waited that the sender could have seen to."""
        return max(self.overdue_seconds or 0.0, self.unrouted_seconds or 0.0)


# The two states of messages apart, each by an index of its own: of those that were sent there are many.
_WAITING = text(
    """
    with messages as (
        select case when d.reminder then d.due_at else d.created_at end as since,
            greatest(d.due_at, c.waits_until) as due_at
        from eventpulse.deliveries d left join eventpulse.channels c using (channel_id)
        where d.state = 'waiting' and (not d.reminder or d.due_at <= now())
        union all
        select created_at, null from eventpulse.deliveries where state = 'sending'
    )
    select count(*) as waiting,
        extract(epoch from now() - min(since))::float8 as oldest_seconds,
        count(*) filter (where due_at <= now()) as overdue,
        extract(epoch from now() - min(due_at) filter (where due_at <= now()))::float8 as overdue_seconds
    from messages
    """
)
_UNROUTED = text(
    "select count(*) as unrouted, extract(epoch from now() - min(created_at))::float8 as unrouted_seconds"
    " from eventpulse.outbox where routed_at is null"
)
_CHANNELS = text(
    "select name, failures, coalesce(last_error, '') as last_error from eventpulse.channels where enabled order by name"
)


def sending_now(connection: Connection) -> Sending:
    """What waits at this moment."""
    channels = [FailingChannel(**row) for row in connection.execute(_CHANNELS).mappings()]
    return Sending(
        **connection.execute(_WAITING).mappings().one(),
        **connection.execute(_UNROUTED).mappings().one(),
        channels=len(channels),
        failing=tuple(channel for channel in channels if channel.failures),
    )
