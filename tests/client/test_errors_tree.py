"""The tree of errors, row by row: what each is, also is, holds and says, and which answer makes it."""

from __future__ import annotations

import inspect
import json
import pickle
from typing import Any, NamedTuple

import pytest

import sensei
import sensei.errors
from sensei import errors
from sensei._parse import status_error
from sensei._response import Headers
from sensei.errors import APIStatusError, RequestSummary, SenseiError
from sensei.models.response import ResponseInfo
from sensei.webhooks import DuplicateEventError
from tests.support.contract import document


class Row(NamedTuple):
    """An error: its parents in the tree, what it is caught as besides, and its attributes beside those it inherits."""

    parents: str
    also: type[BaseException] | None = None
    attributes: str = ""


TREE = {
    "ConfigurationError": Row("SenseiError", ValueError),
    "InvalidArgumentError": Row("SenseiError", ValueError),
    "APIConnectionError": Row("SenseiError", None, "request attempts"),
    "APITimeoutError": Row("APIConnectionError", TimeoutError),
    "OutcomeUnknownError": Row("APIConnectionError", None, "idempotency_key"),
    "OutcomeUnknownTimeoutError": Row("OutcomeUnknownError APITimeoutError", TimeoutError),
    "APIStatusError": Row(
        "SenseiError",
        None,
        "status_code documentation_url request_id details retry_after attempts headers body request",
    ),
    "BadRequestError": Row("APIStatusError"),
    "AuthenticationError": Row("APIStatusError"),
    "PermissionDeniedError": Row("APIStatusError"),
    "NotFoundError": Row("APIStatusError"),
    "ConflictError": Row("APIStatusError"),
    "InvalidStateError": Row("ConflictError"),
    "PlanNotReadyError": Row("ConflictError"),
    "ApprovalRequiredError": Row("ConflictError"),
    "IdempotencyInProgressError": Row("ConflictError"),
    "UnprocessableEntityError": Row("APIStatusError"),
    "IdempotencyKeyReuseError": Row("UnprocessableEntityError"),
    "RateLimitError": Row("APIStatusError", None, "limit remaining reset_at"),
    "ServerError": Row("APIStatusError"),
    "InternalServerError": Row("ServerError"),
    "ServiceUnavailableError": Row("ServerError"),
    "APIResponseValidationError": Row("SenseiError", None, "status_code request_id body attempts request"),
    "StreamInterruptedError": Row("SenseiError", None, "last_event_id"),
    "WaitTimeoutError": Row("SenseiError", TimeoutError, "waited last_status"),
    "MigrationFailedError": Row("SenseiError", None, "migration_id status"),
    "ValidationFailedError": Row("SenseiError", None, "validation_id status result"),
    "KeyNotDeletedError": Row("SenseiError", None, "new_key"),
    "WebhookVerificationError": Row("SenseiError"),
    "DuplicateEventError": Row("WebhookVerificationError", None, "event"),
    "CertificateVerificationError": Row("SenseiError", None, "verdict"),
}

NEEDED = {
    "status_code": 418,
    "idempotency_key": "key-1",
    "verdict": "expired",
    "new_key": "what create gave",
    "migration_id": "mig_1",
    "validation_id": "val_1",
    "status": "failed",
    "event": "the event",
}


def made(name: str) -> SenseiError:
    cls: type[SenseiError] = getattr(sensei, name)
    wanted = {one.name for one in inspect.signature(cls).parameters.values() if one.default is one.empty}
    return cls("No luck.", **{key: value for key, value in NEEDED.items() if key in wanted})


def test_the_table_has_every_error() -> None:
    found = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, SenseiError)}

    assert found | {"DuplicateEventError"} == {*TREE, "SenseiError"}
    assert sensei.DuplicateEventError is DuplicateEventError


def test_the_tree_in_the_docstring_has_every_error_below_its_parent() -> None:
    path: list[str] = []
    drawn: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        bare = line.lstrip(" │├└─")
        name = bare.split(" ")[0]
        if name in {*TREE, "SenseiError"}:
            depth = (len(line) - len(bare) + 1) // 4 - 1
            del path[depth:]
            drawn[name] = path[-1] if path else ""
            path.append(name)

    assert drawn.pop("SenseiError") == ""
    assert drawn == {name: row.parents.split()[0] for name, row in TREE.items()}


@pytest.mark.parametrize("name", TREE)
class TestEachError:
    def test_what_it_is(self, name: str) -> None:
        cls = getattr(sensei, name)
        also = [TREE[name].also] if TREE[name].also else []
        parents = [getattr(sensei, parent) for parent in TREE[name].parents.split()]

        assert [base for base in cls.__bases__ if issubclass(base, SenseiError)] == parents
        assert issubclass(cls, (SenseiError, *also))
        for builtin in (ValueError, TimeoutError, OSError, LookupError):
            caught = any(issubclass(base, builtin) for base in also)
            assert issubclass(cls, builtin) == caught, f"{name} is caught as {builtin.__name__}"

    def test_what_it_holds(self, name: str) -> None:
        error = made(name)
        own = set(TREE[name].attributes.split())
        inherited = {
            attribute
            for ancestor in type(error).__mro__[1:]
            if ancestor.__name__ in TREE
            for attribute in TREE[ancestor.__name__].attributes.split()
        }
        public = {attribute for attribute in vars(error) if not attribute.startswith("_")}

        assert own <= {attribute for attribute in dir(error) if getattr(error, attribute, self) is not self}
        assert public - {"message", "code"} <= own | inherited
        assert (error.message, error.code) == ("No luck.", None)

    def test_its_attributes_are_explained(self, name: str) -> None:
        text = inspect.getdoc(getattr(sensei, name)) or ""

        assert [one for one in TREE[name].attributes.split() if f"    {one}: " not in text] == []

    def test_it_is_of_the_module_that_it_is_imported_from(self, name: str) -> None:
        """Tracebacks, reports and stored pickles tell nothing of the files that the tree is written in."""
        home = "sensei.webhooks._unwrap" if name == "DuplicateEventError" else "sensei.errors"

        assert getattr(sensei, name).__module__ == home
        assert b"sensei.errors._" not in pickle.dumps(made(name))

    def test_it_survives_a_pickle(self, name: str) -> None:
        error = made(name)
        twin = pickle.loads(pickle.dumps(error))

        assert type(twin) is type(error)
        assert (str(twin), vars(twin)) == (str(error), vars(error))


def answered(status: int, body: object, **headers: str) -> APIStatusError:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    info = ResponseInfo(status, Headers(raw), "req_1", attempts=2)
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return status_error(info, text, RequestSummary("GET", "https://h/v1/x"))


def test_an_error_of_the_api_is_mapped_member_by_member() -> None:
    members = {
        "code": "quota_exceeded",
        "message": "No more webhooks.",
        "documentation_url": "https://docs.sensei.ai/errors/quota_exceeded",
        "request_id": "req_body",
        "details": {"limit": 20},
        "retry_after": 7,
    }
    error = answered(403, {"error": members})

    assert type(error) is sensei.PermissionDeniedError
    assert (error.code, error.message, error.status_code) == ("quota_exceeded", "No more webhooks.", 403)
    assert error.documentation_url == "https://docs.sensei.ai/errors/quota_exceeded"
    assert (error.request_id, error.details, error.retry_after, error.attempts) == ("req_body", {"limit": 20}, 7.0, 2)
    assert str(error) == (
        "No more webhooks. (quota_exceeded, 403, req_body). "
        "Delete what is no longer needed, or move to a larger plan. See https://docs.sensei.ai/errors/quota_exceeded"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"error": "invalid_grant", "error_description": "The code is spent", "error_uri": "https://id.example/e1"},
            ("invalid_grant", "The code is spent", "https://id.example/e1"),
        ),
        ({"error": "invalid_grant"}, ("invalid_grant", "invalid_grant", None)),
        ({"error": "invalid_grant", "error_description": 7, "error_uri": 7}, ("invalid_grant", "invalid_grant", None)),
        ({"error": "invalid_grant", "error_uri": "javascript:alert(1)"}, ("invalid_grant", "invalid_grant", None)),
        (
            {"error": "invalid_grant", "error_uri": "https://id.example/?token=rt_secretsecret1"},
            ("invalid_grant", "invalid_grant", "https://id.example/?token=***"),
        ),
    ],
    ids=["all three", "the error alone", "no texts", "no address of a page", "a secret in the address"],
)
def test_an_error_of_oauth_is_mapped(body: dict[str, Any], expected: tuple[str, str, str | None]) -> None:
    error = answered(400, body)

    assert type(error) is sensei.BadRequestError
    assert (error.code, error.message, error.documentation_url) == expected
    hint = "Sign in again: the code or refresh token is spent, expired or revoked."
    link = f" See {expected[2]}" if expected[2] else ""
    assert str(error) == f"{expected[1]} (invalid_grant, 400, req_1). {hint}{link}"


CLASS_OF_CODE = {
    "invalid_state": "InvalidStateError",
    "plan_not_ready": "PlanNotReadyError",
    "approval_required": "ApprovalRequiredError",
    "idempotency_in_progress": "IdempotencyInProgressError",
    "idempotency_key_reuse": "IdempotencyKeyReuseError",
}
CLASS_OF_STATUS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}
CODES = [(code["code"], code["status"]) for code in document()["x-error-codes"] if isinstance(code["status"], int)]


@pytest.mark.parametrize(("code", "status"), CODES)
def test_every_code_of_the_contract_has_its_class_and_says_what_to_do(code: str, status: int) -> None:
    error = answered(status, {"error": {"code": code, "message": "No luck."}})
    other = "ServerError" if status >= 500 else "APIStatusError"

    assert type(error).__name__ == (CLASS_OF_CODE.get(code) or CLASS_OF_STATUS.get(status, other))
    said, mark, hint = str(error).partition(f"({code}, {status}, req_1). ")
    assert (said, bool(mark)) == ("No luck. ", True)
    assert len(hint) > 15


@pytest.mark.parametrize("status", [*CLASS_OF_STATUS, 402, 405, 413, 415, 418, 501, 502, 504, 599])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": null}', b'{"error": {"code": "newer"}}'])
def test_an_unknown_code_goes_by_the_status(status: int, body: bytes) -> None:
    other = "ServerError" if status >= 500 else "APIStatusError"

    error = answered(status, body)

    assert type(error).__name__ == CLASS_OF_STATUS.get(status, other)
    assert error.code == ("newer" if b"newer" in body else None)
    assert error.status_code == status
