"""Open a file that may be packed, or standard input, and read it in pieces that end where a row ends."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from eventpulse.importing.rows import UnreadableImport

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STDIN = "-"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

#: Where to cut bytes so that whole rows stand before the cut; 0 where there is no such place.
Cut = Callable[[bytes], int]


class PackedFile:
    """One file, or standard input for `-`, read once from its start: plain, gzip or zstd, whichever it is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._size = 0
        try:
            if name == STDIN:
                self._raw = cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer)))
            else:
                self._raw = Path(name).open("rb")  # noqa: SIM115 (close)
                self._size = Path(name).stat().st_size
        except OSError as fault:
            raise UnreadableImport(f"Cannot open {name}: {fault.strerror or fault}.") from fault
        start = self._raw.peek(4)[:4]  # type: ignore[attr-defined]
        self._stream: BinaryIO = self._raw
        if start.startswith(_GZIP):
            self._stream = cast(BinaryIO, gzip.GzipFile(fileobj=self._raw))
        elif start == _ZSTD:
            self._stream = cast(BinaryIO, zstd.ZstdFile(self._raw))

    @property
    def progress(self) -> float | None:
        """How much of the file, as it lies on the disk, has been read; None where nobody can know."""
        return self._raw.tell() / self._size if self._size else None

    def pieces(self, cut: Cut, *, most_bytes: int, longest: int) -> Iterator[bytes]:
        """The bytes of the file in pieces of whole rows. A row longer than `longest` comes cut off, yet longer than
        that, so that no row needs more memory than it may have. Raises UnreadableImport where the file breaks off."""
        rest, first = b"", True
        try:
            while chunk := self._stream.read(most_bytes):
                if first:
                    chunk, first = chunk.removeprefix(_BYTE_ORDER_MARK), False
                together = rest + chunk
                at = cut(together)
                if at:
                    yield together[:at]
                rest = together[at : at + longest + 1]
        except (OSError, EOFError, zlib.error, zstd.ZstdError) as fault:
            raise UnreadableImport(f"{self.name} breaks off: {fault}.") from fault
        if rest:
            yield rest

    def close(self) -> None:
        """Give the file back; standard input stays open."""
        if self.name != STDIN:
            self._stream.close()
            self._raw.close()


@contextmanager
def opened(name: str) -> Iterator[PackedFile]:
    """The file for the length of a block."""
    file = PackedFile(name)
    try:
        yield file
    finally:
        file.close()


def after_last_line(data: bytes) -> int:
    """Behind the last line end."""
    return data.rfind(b"\n") + 1
