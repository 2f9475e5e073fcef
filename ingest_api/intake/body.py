"""Read a request's body, up to a limit; only routes that want one read it."""

from fastapi import HTTPException
from starlette.requests import ClientDisconnect, Request

from ingest_api.intake.decompress import decompress


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The whole body, unpacked. Raises HTTPException 413 as soon as it is known to be over the limit."""
    declared = encoding = b""
    for name, value in request.scope["headers"]:
        if name == b"content-length":
            declared = value
        elif name == b"content-encoding":
            encoding = encoding + b"," + value if encoding else value
    if declared.isdigit() and int(declared) > most_bytes:
        raise _too_large(most_bytes)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most_bytes:
            raise _too_large(most_bytes)
        if not message.get("more_body"):
            body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            return decompress(body, encoding, most_bytes) if encoding else body


def _too_large(most_bytes: int) -> HTTPException:
    return HTTPException(413, f"The body is larger than {most_bytes} bytes")
