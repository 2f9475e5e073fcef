"""Trim the stream behind what is done with, and never anything that somebody still holds or nobody has taken yet."""

from hashlib import sha1

import redis

from eventpulse.stream.entry import Entry
from eventpulse.stream.keys import EVENTS_GROUP
from eventpulse.stream.shards import Shard

# The trimming comes first: a Redis without free memory lets a script go on that has begun to write.
_SCRIPT = """\
local upto = ARGV[2]
local held = redis.call('XPENDING', KEYS[1], ARGV[1])
if held[1] > 0 then
  local ms, seq = string.match(held[2], '(%d+)-(%d+)')
  local upto_ms, upto_seq = string.match(upto, '(%d+)-(%d+)')
  ms, seq, upto_ms, upto_seq = tonumber(ms), tonumber(seq), tonumber(upto_ms), tonumber(upto_seq)
  if ms < upto_ms or (ms == upto_ms and seq < upto_seq) then upto = held[2] end
end
local trimmed = redis.call('XTRIM', KEYS[1], 'MINID', upto)
if redis.call('HGET', KEYS[2], 'counter') == ARGV[3] then
  redis.call('HSET', KEYS[2], 'settled', ARGV[4])
end
return trimmed
"""
_HASH = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


def trim_behind(pipe: "redis.client.Pipeline", shard: Shard, last: Entry, *, in_full: bool = False) -> None:
    """Trim up to and including `last`, and note its running number as done with.

    A server that has not met the script raises NoScriptError, and wants it in full once.
    """
    behind = f"{last.milliseconds}-{last.sequence + 1}"
    what = (2, shard.stream, shard.counter, EVENTS_GROUP, behind, last.counter or "", last.accepted or 0)
    if in_full:
        pipe.eval(_SCRIPT, *what)
    else:
        pipe.evalsha(_HASH, *what)
