"""Remember on disk how far a file has been sent, so that an interrupted sending goes on where it stopped."""

import contextlib
import hashlib
import os
from datetime import timedelta
from pathlib import Path

import msgspec

from eventpulse.errors import EventPulseError
from eventpulse.sending.settled import Settled


class Sending(msgspec.Struct, frozen=True):
    """One file on its way to one server, and what is done to its events on the way."""

    file: str
    target: str
    shift_microseconds: int = 0
    replace_ids: str | None = None
    settled: Settled = Settled()

    @property
    def shift(self) -> timedelta:
        """By how much the timestamps are moved."""
        return timedelta(microseconds=self.shift_microseconds)


class ProgressFile:
    """One small JSON file under the home of EventPulse, replaced whole, so that a kill leaves the old or the new."""

    def __init__(self, home: Path, *, path: str, fingerprint: str, target: str) -> None:
        key = hashlib.blake2b(f"{os.path.abspath(path)}\n{fingerprint}\n{target}".encode(), digest_size=16)
        self._place = home / "sending" / f"{key.hexdigest()}.json"

    def read(self) -> Sending | None:
        """What an earlier sending noted; None where there was none, or where its note cannot be read."""
        try:
            return msgspec.json.decode(self._place.read_bytes(), type=Sending)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def write(self, sending: Sending) -> None:
        """Replace the note. Raises EventPulseError where the disk does not take it."""
        draft = self._place.with_suffix(".new")
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(sending))
            os.replace(draft, self._place)
        except OSError as fault:
            raise EventPulseError(f"Cannot note the progress in {self._place}: {fault.strerror}.") from fault

    def forget(self) -> None:
        """Start over next time."""
        with contextlib.suppress(FileNotFoundError):
            self._place.unlink()
