"""Read and write through an engine; a database that does not answer is DatabaseUnavailable, and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError as NoConnectionFree

from eventpulse.errors import DatabaseUnavailable


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for single statements, each of which sees its own moment."""
    with _translated(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction, committed at the end of the block and rolled back where it raises."""
    with _translated(), engine.begin() as connection:
        yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, NoConnectionFree) as fault:
        raise DatabaseUnavailable("PostgreSQL does not answer now; try again later.") from fault
