"""Read the lines of an NDJSON file, plain or gzip, or of standard input, in constant memory."""

import gzip
import hashlib
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from eventpulse.errors import EventPulseError

STDIN = "-"
#: No request takes more than this, so a longer line can only be refused.
LONGEST_LINE = 10 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class UnreadableFile(EventPulseError):
    """A file of events cannot be opened, or breaks off in the middle."""


@dataclass(frozen=True)
class Line:
    """One line that is not blank. `text` has no line end; it is cut short where `too_long`."""

    number: int
    text: bytes
    too_long: bool = False

    @property
    def digest(self) -> str:
        """Tells this line from another one in the same place."""
        return hashlib.blake2b(self.text, digest_size=16).hexdigest()


class LineFile:
    """One file, or standard input for `-`, opened once and read from the start to the end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size: int | None = None
        try:
            self._raw: BinaryIO = sys.stdin.buffer if name == STDIN else Path(name).open("rb")  # noqa: SIM115 (close)
            self._lines = self._uncompressed()
            if name != STDIN:
                self.size = Path(name).stat().st_size
        except OSError as fault:
            raise UnreadableFile(f"Cannot open {name}: {fault.strerror or fault}.") from fault

    def _uncompressed(self) -> BinaryIO:
        peek = getattr(self._raw, "peek", None)
        start = peek(2)[:2] if peek else b""
        return gzip.GzipFile(fileobj=self._raw) if start == _GZIP_MAGIC else self._raw  # type: ignore[return-value]

    @property
    def read_bytes(self) -> int:
        """How much of the file, as it lies on the disk, has been read."""
        return self._raw.tell() if self.size is not None else 0

    def __iter__(self) -> Iterator[Line]:
        number = 0
        try:
            while text := self._lines.readline(LONGEST_LINE + 1):
                number += 1
                too_long = len(text) > LONGEST_LINE
                if too_long and not text.endswith(b"\n"):
                    self._skip_to_line_end()
                if number == 1:
                    text = text.removeprefix(_BYTE_ORDER_MARK)
                if text := text.strip():
                    yield Line(number, text, too_long)
        except (OSError, EOFError, zlib.error) as fault:
            raise UnreadableFile(f"{self.name} breaks off after line {number}: {fault}.") from fault

    def _skip_to_line_end(self) -> None:
        while (rest := self._lines.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass

    def close(self) -> None:
        """Give the file back; standard input stays open."""
        if self.name != STDIN:
            self._lines.close()
            self._raw.close()


def first_line(name: str) -> Line | None:
    """The first line of a file that is not blank. It identifies the file, compressed or not, also while it grows."""
    file = LineFile(name)
    try:
        return next(iter(file), None)
    finally:
        file.close()
