"""Add events to their streams and count them, in one step that Redis does wholly or not at all.

Each entry carries its running number: how many events had been accepted when it was in. So whoever reads the stream
sees whether anything before it is missing, and the day to which an event belongs is that of its own entry's id.
"""

import secrets
from dataclasses import dataclass
from hashlib import sha1

import redis
import redis.asyncio
from redis.exceptions import NoScriptError

from eventpulse.stream.keys import EVENTS_ORDER
from eventpulse.stream.shards import ONLY
from eventpulse.stream.split import pack_places, split

# Redis refuses the first write of a script where it refuses writes (memory, disk, replicas), and none after it. So the
# only failure half-way is a stream that is none, and its count is taken back.
_SCRIPT = """\
local counter = redis.call('HGET', KEYS[2], 'counter')
if not counter then
  counter = ARGV[3]
  redis.call('HSET', KEYS[2], 'counter', counter, 'accepted', 0, 'settled', 0)
end
local accepted = redis.call('HINCRBY', KEYS[2], 'accepted', ARGV[2])
local added = redis.pcall('XADD', KEYS[1], '*',
  'events', ARGV[1], 'count', ARGV[2], 'counter', counter, 'accepted', accepted)
if type(added) == 'table' and added.err then
  redis.call('HINCRBY', KEYS[2], 'accepted', -ARGV[2])
end
return added
"""

# The same for several shards: looking comes first and tells all that can fail, then everything is written. Ids are
# given here, behind that of the last shared entry and of whatever stands in the streams, so that they have one order.
_SHARED_SCRIPT = """\
local now = redis.call('TIME')
local ms, seq = now[1] * 1000 + math.floor(now[2] / 1000), 0
local function behind(id)
  local its_ms, its_seq = string.match(id, '(%d+)-(%d+)')
  its_ms, its_seq = tonumber(its_ms), tonumber(its_seq)
  if its_ms > ms or (its_ms == ms and its_seq >= seq) then ms, seq = its_ms, its_seq + 1 end
end
behind(redis.call('GET', KEYS[1]) or '0-0')
local counters = {}
for i = 2, #KEYS, 2 do
  local info = redis.pcall('XINFO', 'STREAM', KEYS[i])
  if info.err then
    if not string.find(info.err, 'no such key') then return info end
  else
    for j = 1, #info, 2 do
      if info[j] == 'last-generated-id' then behind(info[j + 1]) end
    end
  end
  counters[i] = redis.call('HGET', KEYS[i + 1], 'counter')
end
local id = string.format('%.0f-%.0f', ms, seq)
redis.call('SET', KEYS[1], id)
for i = 2, #KEYS, 2 do
  local lines, count, places = unpack(ARGV, (i - 2) / 2 * 3 + 2, (i - 2) / 2 * 3 + 4)
  local counter = counters[i]
  if not counter then
    counter = ARGV[1] .. i
    redis.call('HSET', KEYS[i + 1], 'counter', counter, 'accepted', 0, 'settled', 0)
  end
  local accepted = redis.call('HINCRBY', KEYS[i + 1], 'accepted', count)
  local entry = {'events', lines, 'count', count, 'counter', counter, 'accepted', accepted}
  if places ~= '' then
    table.insert(entry, 'places')
    table.insert(entry, places)
  end
  redis.call('XADD', KEYS[i], id, unpack(entry))
end
return id
"""


@dataclass(frozen=True)
class _Command:
    script: str
    keys: list[str]
    arguments: list[bytes | int | str]

    @property
    def hash(self) -> str:
        return _HASHES[self.script]


_HASHES = {script: sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (_SCRIPT, _SHARED_SCRIPT)}


async def accept(client: "redis.asyncio.Redis", lines: bytes, count: int, *, shards: int = 1) -> None:
    """Add `count` events as JSON lines, one entry for each shard they go to, all of them or none. Raises what redis-py
    raises; then nothing was added or counted, unless the answer got lost."""
    command = _command(lines, count, shards)
    try:
        await client.evalsha(command.hash, len(command.keys), *command.keys, *command.arguments)
    except NoScriptError:  # a server that has just been started does not know it yet, and has done nothing
        await client.eval(command.script, len(command.keys), *command.keys, *command.arguments)


def accept_now(client: "redis.Redis", lines: bytes, count: int, *, shards: int = 1) -> None:
    """The same over a blocking client."""
    command = _command(lines, count, shards)
    try:
        client.evalsha(command.hash, len(command.keys), *command.keys, *command.arguments)
    except NoScriptError:
        client.eval(command.script, len(command.keys), *command.keys, *command.arguments)


def _command(lines: bytes, count: int, shards: int) -> _Command:
    if shards == 1:
        return _Command(_SCRIPT, [ONLY.stream, ONLY.counter], [lines, count, _new_counter()])
    parts = split(lines, shards)
    keys = [key for part in parts for key in (part.shard.stream, part.shard.counter)]
    arguments: list[bytes | int | str] = [_new_counter()]
    for part in parts:
        arguments += [b"\n".join(part.lines), len(part.lines), pack_places(part.places)]
    return _Command(_SHARED_SCRIPT, [EVENTS_ORDER, *keys], arguments)


def _new_counter() -> str:
    """What a counter is called that has to begin with this entry; never twice the same, or it would seem to go on."""
    return secrets.token_hex(4)
