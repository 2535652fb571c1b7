"""Bodies of requests: bounded in size and in time, and not taken from strangers."""

from __future__ import annotations

from contextlib import aclosing

import anyio
from starlette.requests import ClientDisconnect, Request

SMALL_BYTES = 16 * 1024
"""What is read before it is known who calls: it comes with the request, and one turn in a thread is enough then."""

_LEAST_BYTES_PER_SECOND = 32 * 1024


class SlowBodyError(Exception):
    """The body does not arrive in time."""


def is_small(request: Request) -> bool:
    """Whether the request says that its body is small or that there is none."""
    if "transfer-encoding" in request.headers:
        return False
    length = request.headers.get("content-length", "0")
    return length.isdecimal() and int(length) <= SMALL_BYTES


async def read(request: Request, limit: int, patience_seconds: float) -> bytes | None:
    """The body, or None when it is over the limit (the rest is then not kept); empty when the client has gone.

    Parameters:
        limit: Bytes.
        patience_seconds: How long it may take, besides a second for each 32 KiB.

    Raises:
        SlowBodyError: It takes longer.
    """
    chunks: list[bytes] = []
    size = 0
    began = anyio.current_time()
    try:
        async with aclosing(request.stream()) as stream:
            while size <= 4 * limit:
                left = began + patience_seconds + size / _LEAST_BYTES_PER_SECOND - anyio.current_time()
                with anyio.fail_after(left):
                    chunk = await anext(stream, None)
                if chunk is None:
                    break
                size += len(chunk)
                if size <= limit:
                    chunks.append(chunk)
                else:
                    chunks.clear()
    except ClientDisconnect:
        return b""
    except TimeoutError:
        raise SlowBodyError from None
    return b"".join(chunks) if size <= limit else None
