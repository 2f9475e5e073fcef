"""A Redis-compatible server (Valkey) from its wheel, for a home folder of ours, reached over TCP on loopback only."""

import os
from pathlib import Path

from redis.exceptions import RedisError

from eventpulse.embedded.private_file import kept_password, write_private
from eventpulse.embedded.program import Program
from eventpulse.embedded.programs import redis_program
from eventpulse.stream.connect import open_redis

# An accepted event is on disk before its client hears of it, and nothing is ever evicted to make room.
_SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {data}
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
daemonize no
logfile ""
"""


def prepare_redis(folder: Path, port: int) -> Program:
    """Everything ready for the server to be started on this folder. Its password is on no command line."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = folder / "redis.conf"
    password = kept_password(folder / "password")
    write_private(settings, _SETTINGS.format(port=port, password=password, data=_quoted(data)))
    url = redis_url(folder, port)
    return Program(
        name="redis",
        command=(str(redis_program()), str(settings)),
        answers=lambda: _answers(url),
        # LC_ALL, because the server refuses to start under a locale that the machine does not have.
        environment={"LC_ALL": "C", "PATH": os.defpath},
        folder=data,
    )


def redis_url(folder: Path, port: int, database: int = 0) -> str:
    """The address of a logical database on the server of this folder, password included."""
    return f"redis://:{kept_password(folder / 'password')}@127.0.0.1:{port}/{database}"


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _answers(url: str) -> bool:
    client = open_redis(url)
    try:
        return bool(client.ping())
    except RedisError:
        return False  # not listening yet, or still loading its file
    finally:
        client.close()
