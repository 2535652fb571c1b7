"""From an answer to an object or an error."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping
from inspect import isroutine
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from sensei._arguments import kind_of
from sensei._model_slots import set_response
from sensei._redact import LONGEST_LOOKED_AT, mask, mask_text, one_line, safe_body
from sensei._response import Headers, RawResponse, instant, retry_after, whole
from sensei.errors import (
    APIResponseValidationError,
    APIStatusError,
    InvalidArgumentError,
    RateLimitError,
    RequestSummary,
    error_class,
)
from sensei.models.base import Model

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from sensei.models.response import ResponseInfo

T = TypeVar("T")

LONGEST_ANSWER = 256 * 1024 * 1024
"""Bytes up to which an answer is read and unpacked: one that never ends could otherwise fill the memory."""

_PIECE = 64 * 1024
"""Bytes that are unpacked at a time, so that a deadline is noticed in between."""

_PDF_BEGINS = 1024
"""Bytes in which a PDF must say that it is one, as its readers look there."""

_OUTSIDE = (
    rb"(?i)<form\b|http-equiv\s*=\s*[\"']?refresh"
    rb"|<(?:script|iframe|img|link|base)\b[^>]*\s(?:src|href)\s*=\s*(?![\"']?(?:data:|#))"
)
"""What refers to something outside of a page."""

LONGEST_MESSAGE = 500
"""Characters of a server's sentence that an error shows."""

LONGEST_NAME = 200
"""Characters of a code or a request id that an error shows."""


class JsonFile(bytes):
    """What to ask `parse` for to have a JSON object as the bytes that came, once it is sure that it is one."""


def check_length(body: bytes) -> None:
    """Refuse a body that was given up on because it did not end.

    Raises:
        ValueError: it is longer than `LONGEST_ANSWER`.
    """
    if len(body) > LONGEST_ANSWER:
        raise ValueError(f"the answer is longer than {LONGEST_ANSWER} bytes")


def check_file(accept: str, body: bytes, info: ResponseInfo) -> None:
    """See to it that a file is the PDF or the page that was asked for, and no page of a proxy.

    Every answer of the API carries a request id, and its pages refer to nothing outside. Where both are broken,
    somebody else has answered.

    Args:
        accept: the type that was asked for.
        body: the file.
        info: what is known about the answer.

    Raises:
        ValueError: it is not.
    """
    if accept == "text/html" and "x-request-id" not in info.headers:
        if re.search(_OUTSIDE, body[:LONGEST_LOOKED_AT]):
            raise ValueError("it is a page, but not of Sensei: does a proxy stand between that wants a sign-in?")
    elif accept == "application/pdf" and b"%PDF-" not in body[:_PDF_BEGINS]:
        kind = one_line(info.headers.get("content-type", "").split(";")[0]) or "of no type"
        raise ValueError(f"it is no PDF ({kind}): does a proxy stand between that wants a sign-in?")


def decompress(body: bytes, encoding: bytes, deadline: float | None = None, longest: int | None = None) -> bytes:
    """The body without its content coding.

    Args:
        body: as it came.
        encoding: the value of `Content-Encoding`.
        deadline: when it must be done, on the monotonic clock.
        longest: bytes after which the rest is left alone; None to refuse what is longer than `LONGEST_ANSWER`.

    Raises:
        ValueError: the coding is not one that was asked for, or the body is damaged or too long.
        TimeoutError: the deadline has passed.
    """
    name = encoding.strip().lower()
    if name == b"identity":
        return body
    if name not in {b"gzip", b"x-gzip", b"deflate"}:
        raise ValueError(f"the content coding {name.decode('latin-1')!r} was not asked for")
    # Some servers take the word deflate literally and leave out the two bytes of zlib before it.
    bare = name == b"deflate" and (len(body) < 2 or body[0] & 15 != 8 or int.from_bytes(body[:2]) % 31 != 0)
    window = -zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32
    most = LONGEST_ANSWER if longest is None else longest
    plain: list[bytes] = []
    size, unpacker = 0, zlib.decompressobj(window)
    for place in range(0, len(body), _PIECE):
        packed, more = body[place : place + _PIECE], False
        while (packed or more) and size <= most:
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError("the deadline has passed")
            if unpacker.eof:  # a body may be several ones, one after the other
                unpacker = zlib.decompressobj(window)
            room = min(_PIECE * 64, most + 1 - size)
            try:
                part = unpacker.decompress(packed, room)
            except zlib.error as error:
                raise ValueError(f"the compressed body is damaged ({error})") from None
            packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            more = len(part) == room and not unpacker.eof  # it may hold back what found no room
            plain.append(part)
            size += len(part)
    if size > most:
        if longest is None:
            raise ValueError(f"the compressed body is longer than {LONGEST_ANSWER} bytes when it is unpacked")
    elif not unpacker.eof:
        raise ValueError("the compressed body is incomplete")
    return b"".join(plain)


def parse(cast_to: type[T] | TypeAdapter[T], body: bytes, info: ResponseInfo, client: object) -> T:
    """The object for a successful answer.

    Args:
        cast_to: a model, a pydantic adapter, `NoneType` to ignore the body, `bytes` or `str` for the body itself.
        body: of the answer.
        info: what is known about the answer; the object carries it.
        client: live objects get it, nested ones too.

    Raises:
        pydantic.ValidationError: the body is not what the contract says.
        UnicodeDecodeError: text was asked for and the body is none.
    """
    try:
        if not isinstance(cast_to, type):  # an adapter, or a type with brackets, which is no class
            return _adapter(cast_to).validate_json(body, context=client)
        if issubclass(cast_to, BaseModel):
            made: Any = cast_to.model_validate_json(body, context=client)
            if isinstance(made, Model):
                set_response(made, info)
            return cast("T", made)
        if cast_to is NoneType:
            if body and info.headers.get("content-type", "").lower().startswith("text/html"):
                raise ValueError("a page of HTML came, as from a proxy that wants a sign-in: nothing was done")
            return cast("T", None)
        if cast_to is RawResponse:
            return cast("T", RawResponse(info, body))
        if cast_to is JsonFile:
            if not isinstance(from_json(body), dict):
                raise ValueError("it is JSON, but no object")
            return cast("T", body)
        if cast_to is bytes:
            return cast("T", body)
        if cast_to is str:
            return cast("T", body.decode("utf-8"))
        return _adapter(cast_to).validate_json(body, context=client)
    except BaseException:  # also what a type of the user's raises
        body = b""  # reports of crashes print the variables of this frame
        raise


def readable(cast_to: type[T] | TypeAdapter[T]) -> type[T] | TypeAdapter[T]:
    """`cast_to`, when `parse` can make something of an answer with it.

    Raises:
        InvalidArgumentError: it is neither a type nor an adapter, or pydantic cannot read it.
    """
    from pydantic import PydanticUndefinedAnnotation, PydanticUserError

    try:
        if isinstance(cast_to, type):
            if cast_to in {NoneType, RawResponse, JsonFile, bytes, str}:
                return cast_to
            if issubclass(cast_to, BaseModel):
                if not cast_to.__pydantic_complete__:
                    cast_to.model_rebuild()
                return cast_to
        if not isroutine(cast_to):
            adapter = _adapter(cast_to)
            if not adapter.pydantic_complete:
                adapter.rebuild()
            return adapter
    except (PydanticUserError, PydanticUndefinedAnnotation, LookupError, TypeError):
        pass
    raise InvalidArgumentError(
        f"cast_to must be a model, another type that pydantic reads, or an adapter, not {kind_of(cast_to)}"
    )


def _adapter(cast_to: type[T] | TypeAdapter[T]) -> TypeAdapter[T]:
    from pydantic import TypeAdapter

    return cast_to if isinstance(cast_to, TypeAdapter) else TypeAdapter(cast_to)


def invalid_answer(
    error: ValueError, body: bytes, info: ResponseInfo, request: RequestSummary
) -> APIResponseValidationError:
    """The error for a successful answer whose body is not what the contract says.

    Its cause is `error`, unless that one shows what it could not read, which may be a key that is shown once.
    """
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        more = error.error_count() - 1
        reason = f"{reason} (and {more} more)" if more else reason
    else:
        reason = str(error)
    failure = APIResponseValidationError(
        f"the answer is not what the contract says: {one_line(mask_text(reason))[:LONGEST_MESSAGE]}. "
        "Is base_url that of a Sensei server, and the SDK up to date?",
        status_code=info.status_code,
        request_id=_name(info.request_id),
        body=safe_body(body),
        attempts=info.attempts,
        request=request,
    )
    if isinstance(error, ValidationError) and "input_value=" not in str(error):
        failure.__cause__ = error.with_traceback(None)
    return failure


def status_error(info: ResponseInfo, body: bytes, request: RequestSummary) -> APIStatusError:
    """The error for an answer with an error status, whatever its body is.

    Three forms are known: `{"error": {...}}` of the API, `{"error": "..."}` of OAuth; anything else, such as the
    HTML of a proxy or nothing at all, goes by the status alone.
    """
    status, headers = info.status_code, info.headers
    said = _error_member(body)
    members = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    code: str | None = None
    message: str | None = None
    page = members.get("documentation_url")
    if isinstance(said, str):
        outer = _json(body)
        code, page = _name(said), outer.get("error_uri")
        message = _text(outer.get("error_description")) or said
    elif members:
        code = _name(members.get("code"))
        message = _text(members.get("message"))
    wait = retry_after(headers, members, time.time())
    details = members.get("details")
    cls = error_class(status, code)
    error = cls(
        one_line(mask_text(message or _by_status(status, headers)))[:LONGEST_MESSAGE],
        status_code=status,
        code=code,
        documentation_url=_link(page),
        request_id=_name(headers.get("x-request-id")) or _name(members.get("request_id")) or _name(info.request_id),
        details=cast("dict[str, object]", mask(cast("object", details))) if isinstance(details, dict) else None,
        retry_after=wait,
        attempts=info.attempts,
        headers=headers.masked() if isinstance(headers, Headers) else headers,
        body=safe_body(body),
        request=request,
    )
    if isinstance(error, RateLimitError):
        error.limit = whole(headers.get("x-ratelimit-limit"))
        error.remaining = whole(headers.get("x-ratelimit-remaining"))
        error.reset_at = instant(whole(headers.get("x-ratelimit-reset")))
    return error


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = from_json(body[:LONGEST_LOOKED_AT])
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _error_member(body: bytes) -> object:
    return _json(body).get("error")


def _text(value: object) -> str | None:
    return (one_line(value) or None) if isinstance(value, str) else None


def _name(value: object) -> str | None:
    text = _text(value)
    return text and text[:LONGEST_NAME]


def _link(value: object) -> str | None:
    """An address of a page, fit to be printed; None for anything else."""
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        return None
    return one_line(mask_text(value))[:LONGEST_MESSAGE]


def _by_status(status: int, headers: Mapping[str, str]) -> str:
    """What to say when the body says nothing."""
    if 300 <= status < 400:
        place = headers.get("location", "nowhere")
        return f"the server points to {place[:200]}, and redirects are not followed: is base_url right?"
    kind = headers.get("content-type", "no content type").split(";")[0]
    return f"the server answered with status {status} and no error of the API ({kind}): does a proxy stand between?"
