"""Add an entry to the stream and count its events, in one step that Redis does wholly or not at all.

Each entry carries its running number: how many events had been accepted when it was in. So whoever reads the stream
sees whether anything before it is missing, and the day to which an event belongs is that of its own entry's id.
"""

import secrets
from hashlib import sha1

import redis
import redis.asyncio
from redis.exceptions import NoScriptError

from eventpulse.stream.keys import EVENTS_ACCEPTED, EVENTS_STREAM

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
_HASH = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


async def accept(client: "redis.asyncio.Redis", lines: bytes, count: int, *, stream: str = EVENTS_STREAM) -> None:
    """Add one entry with `count` events as JSON lines. Raises what redis-py raises; then nothing was added or counted,
    unless the answer got lost."""
    what = (2, stream, EVENTS_ACCEPTED, lines, count, _new_counter())
    try:
        await client.evalsha(_HASH, *what)
    except NoScriptError:  # a server that has just been started does not know it yet, and has done nothing
        await client.eval(_SCRIPT, *what)


def accept_now(client: "redis.Redis", lines: bytes, count: int, *, stream: str = EVENTS_STREAM) -> None:
    """The same over a blocking client."""
    what = (2, stream, EVENTS_ACCEPTED, lines, count, _new_counter())
    try:
        client.evalsha(_HASH, *what)
    except NoScriptError:
        client.eval(_SCRIPT, *what)


def _new_counter() -> str:
    """What a counter is called that has to begin with this entry; never twice the same, or it would seem to go on."""
    return secrets.token_hex(4)
