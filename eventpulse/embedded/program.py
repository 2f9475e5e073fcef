"""A program that we start and look after: how to run it, how to tell that it answers, how to ask it to end."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_BECOME_CHILD = Path(__file__).with_name("become_child.py")


@dataclass(frozen=True)
class Program:
    """One program. `answers` is asked again and again while it starts, and says whether it really serves."""

    name: str
    command: tuple[str, ...]
    answers: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    #: The user it runs as; None for the present one.
    user: str | None = None
    ready_within_seconds: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_seconds: float = 10.0
    #: Whether the stop signal also goes to the processes that the program started.
    stops_as_group: bool = False
    #: How long it may take after those have ended; None for as long as it likes within its limit.
    lingers_seconds: float | None = None

    def child_command(self) -> list[str]:
        """The command line for a child of this process that ends with this process."""
        return [
            *(sys.executable, "-I", str(_BECOME_CHILD)),
            *(str(os.getpid()), str(int(self.stop_signal)), self.user or "-"),
            *self.command,
        ]
