"""See what waits in the stream behind an entry, by number and by day, without reading it all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import redis

from eventpulse.stream.counter import Counter, as_counter
from eventpulse.stream.shards import ONLY, Shard

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Only ids and numbers leave Redis: the first entry behind the given one, the first one of each later day, the last one.
_SCRIPT = """\
local function numbers(found)
  if #found == 0 then return false end
  local named = {}
  for i = 1, #found[1][2], 2 do named[found[1][2][i]] = found[1][2][i + 1] end
  return {found[1][1], named['counter'] or '', named['accepted'] or '', named['count'] or '0'}
end
local counter = redis.call('HMGET', KEYS[2], 'counter', 'accepted', 'settled')
local first = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', 1)
local waiting = {}
if #first > 0 then
  local day = 86400000
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
  local last_ms = tonumber(string.match(last[1][1], '(%d+)-'))
  local at = first
  while #at > 0 and #waiting < 1000 do
    table.insert(waiting, numbers(at))
    local ms = tonumber(string.match(at[1][1], '(%d+)-'))
    local midnight = (math.floor(ms / day) + 1) * day
    if midnight > last_ms then break end
    at = redis.call('XRANGE', KEYS[1], string.format('%.0f', midnight), '+', 'COUNT', 1)
  end
  table.insert(waiting, numbers(last))
end
return {counter, waiting}
"""


@dataclass(frozen=True)
class Numbered:
    """A waiting entry: the running number before its first event and that of its last, and the day it came in."""

    counter: str
    before: int
    accepted: int
    day: date


@dataclass(frozen=True)
class Waiting:
    """The counter, and the waiting entries that matter: the first one of each day, oldest first, then the last one."""

    counter: Counter | None
    first_of_days: Sequence[Numbered]
    last: Numbered | None

    @property
    def events(self) -> int:
        """Events in the waiting entries, by their numbers."""
        return sum(self.by_day().values())

    def by_day(self) -> dict[date, int]:
        """How many events wait by UTC day of acceptance."""
        if self.last is None:
            return {}
        ends = [later.before for later in self.first_of_days[1:]] + [self.last.accepted]
        pairs = zip(self.first_of_days, ends, strict=True)
        return {first.day: max(end - first.before, 0) for first, end in pairs}


def read_waiting(client: "redis.Redis", after: str | None, shard: Shard = ONLY) -> Waiting:
    """What waits behind the entry `after`, all at one moment."""
    start = "-" if after is None else f"({after}"
    answer: Any = client.eval(_SCRIPT, 2, shard.stream, shard.counter, start)
    counter, found = answer
    numbered = [_numbered(*entry) for entry in found]
    return Waiting(as_counter(counter), numbered[:-1], numbered[-1] if numbered else None)


def _numbered(entry_id: bytes, counter: bytes, accepted: bytes, count: bytes) -> Numbered:
    day = (_EPOCH + timedelta(milliseconds=int(entry_id.partition(b"-")[0]))).date()
    number = int(accepted) if accepted.isdigit() else 0
    before = max(number - int(count), 0) if count.isdigit() else number
    return Numbered(counter.decode("ascii", "replace"), before, number, day)
