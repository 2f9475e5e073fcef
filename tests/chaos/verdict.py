"""What a fault did: compare what clients were told with what is stored, and the anomalies with what they must be."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from tests.chaos.expected import Found, expected_anomalies, found_anomalies
from tests.chaos.faults import Damage
from tests.chaos.load import Fate, Load, Request
from tests.chaos.product import Product


@dataclass(frozen=True)
class Verdict:
    """From `lost` to `extra` all must be zero, and `unbalanced` empty."""

    accepted: int  # events that were answered with 202
    unknown: int  # events of which the client never heard what became of them
    lost: int  # accepted, and not stored
    doubled: int  # stored more than once
    uninvited: int  # refused with the promise that nothing was taken, and stored nevertheless
    torn: int  # batches of which some events are stored and others not
    anomalies: int
    missing: int
    extra: int
    unbalanced: tuple[str, ...]
    examples: tuple[str, ...]  # of anomalies that are missing or extra
    seconds: float  # from the end of the fault to the commit of an event that was sent after it

    @property
    def wrongs(self) -> list[str]:
        """What is wrong, in words; empty where everything is as promised."""
        counts = {name: getattr(self, name) for name in ("lost", "doubled", "uninvited", "torn", "missing", "extra")}
        return [f"{count} {name}" for name, count in counts.items() if count] + [*self.unbalanced, *self.examples]


def judge(product: Product, load: Load, tag: str, damage: Damage) -> Verdict:
    """Everything that clients sent must be where they were told it is."""
    with product.database() as connection:
        rows = connection.execute(
            "select e.event_id::text, b.committed_at from eventpulse.events e"
            " join eventpulse.batches b using (batch_id) where e.event_type like %s",
            (f"{tag}.%",),
        ).fetchall()
        expected, found = Counter(expected_anomalies(connection, tag)), Counter(found_anomalies(connection, tag))
        unbalanced = tuple(_unbalanced(connection))
    stored = Counter(event_id for event_id, _ in rows)
    committed = {event_id: at.timestamp() for event_id, at in rows}
    unknown = [request for request in load.requests if request.fate is Fate.UNKNOWN]
    refused = [request for request in load.requests if request.fate is Fate.REFUSED]
    after = [committed[one.first_id] for one in load.accepted_after(damage.until) if one.first_id in committed]
    return Verdict(
        accepted=len(load.accepted),
        unknown=sum(len(request.events) for request in unknown),
        lost=len(load.accepted - stored.keys()),
        doubled=sum(times - 1 for times in stored.values()),
        uninvited=sum(event["event_id"] in stored for request in refused for event in request.events),
        torn=sum(_is_torn(request, stored) for request in load.requests),
        anomalies=found.total(),
        missing=(expected - found).total(),
        extra=(found - expected).total(),
        unbalanced=unbalanced,
        examples=tuple(_examples(expected, found)),
        seconds=min(after, default=float("inf")) - damage.until,
    )


def _is_torn(request: Request, stored: Counter[str]) -> bool:
    return len({event["event_id"] in stored for event in request.events}) > 1


def _examples(expected: Counter[Found], found: Counter[Found]) -> Iterator[str]:
    for word, anomalies in (("missing", expected - found), ("extra", found - expected)):
        for name, group, at, event_id, value, count in sorted(anomalies.elements())[:2]:
            yield f"{word}: {name} {group} at {at.isoformat()}, event {event_id}, value {value}, of {count}"


def _unbalanced(connection: psycopg.Connection) -> Iterator[str]:
    """Sums that must be equal over everything that ever happened to this installation."""
    row = connection.execute(
        """
        select (select sum(taken) from eventpulse.batches),
               (select sum(stored + duplicates + dead_lettered) from eventpulse.batches),
               (select sum(stored) from eventpulse.batches),
               (select count(*) from eventpulse.events),
               (select sum(count) from eventpulse.event_rollups),
               (select sum(dead_lettered) from eventpulse.batches),
               (select count(*) from eventpulse.dead_letters),
               (select sum(missing) from eventpulse.batches),
               (select sum(uncounted) from eventpulse.batches)
        """
    ).fetchone()
    assert row is not None
    taken, settled, stored, events, by_minute, dead, letters, missing, uncounted = (int(number or 0) for number in row)
    for words, one, other in (
        ("taken, and what became of them", taken, settled),
        ("stored by the ledger, and stored", stored, events),
        ("counted by minute, and stored", by_minute, events),
        ("dead-lettered by the ledger, and set aside", dead, letters),
        ("missing by the numbers of the stream, and none", missing, 0),
        ("in the stream and never accepted, and none", uncounted, 0),
    ):
        if one != other:
            yield f"events {words}, differ: {one} and {other}"
