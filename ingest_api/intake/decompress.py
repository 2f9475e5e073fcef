"""Unpack a body that was sent with Content-Encoding, up to a limit: a few bytes can stand for gigabytes."""

import sys
import zlib
from collections.abc import Mapping

from fastapi import HTTPException

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: Packed data may be many pieces, one behind the other, each of which costs a fresh start.
MOST_PIECES = 64
_ANY_GZIP = 31
_LARGEST_ZSTD_WINDOW: Mapping[int, int] = {
    zstd.DecompressionParameter.window_log_max: 23
}  # 8 MiB, as RFC 9659 allows over HTTP
_UNDERSTOOD = "gzip, zstd"


def decompress(body: bytes, encoding: bytes, most_bytes: int) -> bytes:
    """What was packed. Raises HTTPException: 415 where we cannot unpack it, 413 over the limit, 400 where broken."""
    match encoding.strip().lower():
        case b"gzip" | b"x-gzip":
            kind, unpack = "gzip", _unpack_gzip
        case b"zstd":
            kind, unpack = "zstd", _unpack_zstd
        case b"identity":
            return body
        case _:
            headers = {"Accept-Encoding": _UNDERSTOOD}
            raise HTTPException(415, f"Content-Encoding must be one of: {_UNDERSTOOD}", headers)
    parts: list[bytes] = []
    left = most_bytes
    for _ in range(MOST_PIECES):
        try:
            part, complete, body = unpack(body, left + 1)
        except (zlib.error, zstd.ZstdError):
            raise HTTPException(400, f"The body is no valid {kind} data") from None
        left -= len(part)
        if left < 0:
            raise HTTPException(413, f"The body is larger than {most_bytes} bytes")
        if not complete:
            raise HTTPException(400, f"The {kind} data of the body is cut off")
        parts.append(part)
        if not body:
            return b"".join(parts)
    raise HTTPException(400, f"The body is made of more than {MOST_PIECES} pieces of {kind} data")


def _unpack_gzip(body: bytes, most_bytes: int) -> tuple[bytes, bool, bytes]:
    """The first piece, whether it is all there, and what stands behind it."""
    piece = zlib.decompressobj(_ANY_GZIP)
    return piece.decompress(body, most_bytes), piece.eof, piece.unused_data


def _unpack_zstd(body: bytes, most_bytes: int) -> tuple[bytes, bool, bytes]:
    piece = zstd.ZstdDecompressor(options=_LARGEST_ZSTD_WINDOW)
    return piece.decompress(body, most_bytes), piece.eof, piece.unused_data
