"""Errors: what they say, what they keep to themselves, and that any answer makes one."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import from_json

from sensei import _parse, errors
from sensei._call import Call, ClientOptions
from sensei._config import parse_url
from sensei._parse import decompress, status_error
from sensei._redact import LONGEST_BODY, LONGEST_LOOKED_AT, mask, mask_text, safe_body
from sensei._request import (
    UNSET,
    RequestExtras,
)
from sensei._response import Headers
from sensei.errors import (
    APITimeoutError,
    ConfigurationError,
    IdempotencyInProgressError,
    InvalidArgumentError,
    OutcomeUnknownTimeoutError,
    RateLimitError,
    RequestSummary,
    SenseiError,
)
from sensei.models.response import ResponseInfo

steady = settings(derandomize=True, deadline=None)


ALL = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, SenseiError)]


class TestErrors:
    def made(self, cls: type[SenseiError]) -> SenseiError:
        request = RequestSummary("POST", "https://h/v1/x", {"Authorization": "Bearer $SENSEI_API_KEY"}, '{"a":1}')
        given = {
            "status_code": 418,
            "code": "x",
            "idempotency_key": "key-1",
            "verdict": "expired",
            "new_key": "what create gave",
            "migration_id": "mig_1",
            "validation_id": "val_1",
            "status": "failed",
            "request": request,
            "last_event_id": "7",
        }
        wanted = inspect.signature(cls).parameters
        return cls("No luck.", **{name: value for name, value in given.items() if name in wanted})

    @pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
    def test_each_pickles_and_copies_with_all_it_knows(self, cls: type[SenseiError]) -> None:
        try:
            error = self.made(cls)
        except TypeError:
            pytest.fail(f"{cls.__name__} needs an argument that this test does not know")
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert type(twin) is cls
            assert str(twin) == str(error)
            assert vars(twin) == vars(error)
            assert twin.args == error.args

    def test_the_tree_is_as_promised(self) -> None:
        assert issubclass(ConfigurationError, ValueError)
        assert issubclass(InvalidArgumentError, ValueError)
        assert issubclass(APITimeoutError, TimeoutError)
        assert issubclass(errors.WaitTimeoutError, TimeoutError)
        assert issubclass(OutcomeUnknownTimeoutError, errors.OutcomeUnknownError)
        assert issubclass(OutcomeUnknownTimeoutError, APITimeoutError)
        assert issubclass(errors.InternalServerError, errors.ServerError)
        assert issubclass(IdempotencyInProgressError, errors.ConflictError)

    def test_a_request_can_be_asked_again_in_a_shell(self) -> None:
        options = ClientOptions()
        call = Call(
            options, parse_url("https://user.example.com"), "POST", "/connections", "/v1/connections?a=it's",
            {"name": "it's", "config": {"password": "SECRET", "uri": "postgresql://u:SECRET@h/db"}},
            UNSET, None, "key-1", RequestExtras(),
        )  # fmt: skip
        command = call.summary().as_curl()
        assert "SECRET" not in command
        assert '-H "Authorization: Bearer $SENSEI_API_KEY"' in command
        assert "-H 'X-Idempotency-Key: key-1'" in command
        words = shlex.split(command)
        assert words[:4] == ["curl", "-X", "POST", "https://user.example.com/v1/connections?a=it's"]
        assert json.loads(words[-1]) == {"name": "it's", "config": {"password": "***", "uri": "***"}}

    def test_as_curl_of_a_form_keeps_all_but_the_secrets(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": "it's me", "client_secret": "hunter2"}
        extras = RequestExtras(server="auth", authorization="Basic aHVudGVyMg==", form=form, repeatable=False)
        server = parse_url("https://example.com")
        call = Call(ClientOptions(), server, "POST", "/oauth/token", "/oauth/token", UNSET, UNSET, None, None, extras)
        words = shlex.split(call.summary().as_curl())
        assert "Authorization: Basic ***" in words
        assert "Content-Type: application/x-www-form-urlencoded" in words
        assert words[-1] == "grant_type=client_credentials&client_id=it%27s+me&client_secret=***"

    def test_as_curl_asks_for_the_same_kind_of_answer(self) -> None:
        extras = RequestExtras(accept="application/pdf")
        server = parse_url("https://example.com")
        call = Call(ClientOptions(), server, "GET", "/report", "/v1/report", UNSET, UNSET, None, None, extras)
        assert "Accept: application/pdf" in shlex.split(call.summary().as_curl())

    @pytest.mark.parametrize("shell", ["sh", "bash"])
    def test_as_curl_says_the_same_to_a_real_shell(self, shell: str, tmp_path: Path) -> None:
        """Whatever is in it: the shell hands curl the very words, and does nothing else."""
        curl = tmp_path / "curl"
        curl.write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
        curl.chmod(0o755)
        hostile = 'it\'s "q" $HOME `id` $(touch pwned) \\ \n\t !! {a,b} [c] * ? ~ & ; | < > # % ünï 🎉 @file'
        asked = RequestSummary(
            "POST",
            "https://example.com/v1/x?a=it's",
            {"Authorization": "Bearer $SENSEI_API_KEY", "X-Idempotency-Key": "k'`$\"1"},
            json.dumps({"reason": hostile}, ensure_ascii=False),
        )
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SENSEI_API_KEY": "sk_test_$1`'\""}
        done = subprocess.run(
            [shell, "-c", asked.as_curl()], env=environment, cwd=tmp_path, capture_output=True, check=True
        )
        assert done.stdout.decode().split("\0")[:-1] == [
            *("-X", "POST", asked.url),
            *("-H", "Authorization: Bearer sk_test_$1`'\""),
            *("-H", "X-Idempotency-Key: k'`$\"1"),
            *("--data", asked.body),
        ]
        assert [one.name for one in tmp_path.iterdir()] == ["curl"]

    @pytest.mark.parametrize(
        "said", [{"code": "c" * 900_000}, {"request_id": "r" * 900_000}, {"message": "m" * 900_000}], ids=list
    )
    def test_nothing_that_a_server_says_makes_an_error_long(self, said: dict[str, str]) -> None:
        self.check(json.dumps({"error": {"code": "c", "message": "m"} | said}).encode(), 400)
        self.check(json.dumps({"error": next(iter(said.values()))}).encode(), 400)
        info = ResponseInfo(404, Headers([(b"X-Request-Id", b"r" * 60_000)]), "r" * 60_000)
        assert len(str(status_error(info, b"", RequestSummary("GET", "https://h/v1/x")))) < 2_000

    @steady
    @given(st.binary(max_size=300) | st.text().map(str.encode), st.integers(300, 599))
    def test_any_body_makes_an_error(self, body: bytes, code: int) -> None:
        self.check(body, code)

    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)
        | st.dictionaries(st.sampled_from(["error", "code", "message", "details", "retry_after", "request_id"]), inner),
        max_leaves=12,
    )  # fmt: skip

    @steady
    @given(st.dictionaries(st.just("error"), json_values), st.integers(300, 599))
    def test_any_json_makes_an_error(self, body: object, code: int) -> None:
        self.check(json.dumps(body).encode(), code)

    def check(self, body: bytes, code: int) -> None:
        info = ResponseInfo(code, Headers([(b"Content-Type", b"application/json")]), "req_1")
        error = status_error(info, body, RequestSummary("GET", "https://h/v1/x"))
        assert error.status_code == code
        assert isinstance(error.message, str)
        assert len(str(error)) < 2_000
        assert len(error.body) <= LONGEST_BODY + 40
        pickle.loads(pickle.dumps(error))

    def test_rate_limits_are_told(self) -> None:
        headers = Headers(
            [(b"X-RateLimit-Limit", b"50"), (b"X-RateLimit-Remaining", b"0"), (b"X-RateLimit-Reset", b"1900000000")]
        )
        error = status_error(ResponseInfo(429, headers), b"", RequestSummary("GET", "https://h/v1/x"))
        assert isinstance(error, RateLimitError)
        assert (error.limit, error.remaining) == (50, 0)
        assert error.reset_at == datetime.fromtimestamp(1900000000, UTC)


class TestRedaction:
    def test_members_that_hold_secrets_are_masked_at_any_depth(self) -> None:
        shown = mask(
            {
                "name": "n",
                "config": {"host": "h", "password": "s", "secret_key": "s", "service_account_json": "{}"},
                "list": [{"client_secret": "s", "access_token": "s", "token": "s", "key": "s"}],
                "primary_key": "id",
                "password": None,
            }
        )
        assert shown == {
            "name": "n",
            "config": {"host": "h", "password": "***", "secret_key": "***", "service_account_json": "***"},
            "list": [{"client_secret": "***", "access_token": "***", "token": "***", "key": "***"}],
            "primary_key": "id",
            "password": None,
        }

    @pytest.mark.parametrize(
        "text",
        [
            "the key sk_live_SECRET123 is bad",
            "Authorization: Bearer SECRET",
            "postgresql://user:SECRET@host/db",
            "token eyJhbGciOiJI.SECRET.x",
            "whsec_SECRETSECRET",
            "GET https://host/v1/x?token=SECRET&limit=3",
            "https://host/v1/x?limit=3&api%5Fkey=SECRET",
            "grant_type=x&client_secret=SECRET",
            "host=db user=me password=SECRET",
        ],
    )
    def test_texts_that_look_like_secrets_are_masked(self, text: str) -> None:
        assert "SECRET" not in mask_text(text)

    def test_what_is_no_secret_stays_readable(self) -> None:
        text = "exit code=3, see https://host/v1/x?limit=3&status=running#key=1"
        assert mask_text(text) == text

    @pytest.mark.parametrize(
        "body",
        [
            b'{"id": "conn_1", "config": {"password": "SECRET", "user": "me"',
            b'{"id": "conn_1", "config": {"password": "SECR\\"ET',
            b'{"id": "conn_1", "api_key": SECRET}',
            b'{"id": "conn_1", "credentials": {"pw": "SECRET"',
            b'{"id": "conn_1", "client_secret": ["SECRET", "SECRET"]]]',
            b"<p>conn_1</p>?access_token=SECRET&x=1",
        ],
    )
    def test_secrets_are_masked_in_damaged_bodies_too(self, body: bytes) -> None:
        assert "SECR" not in safe_body(body)
        assert "conn_1" in safe_body(body)

    @steady
    @given(st.binary(max_size=60), st.sampled_from([b'"password":"x', b'{"a":', b'"\\', b"a=b&", b'"secret":']))
    def test_any_damage_makes_text(self, piece: bytes, again: bytes) -> None:
        assert len(safe_body(piece + again * 5000 + piece)) < LONGEST_BODY + 40

    def test_what_a_server_says_is_one_line_that_cannot_rewrite_a_terminal(self) -> None:
        said = {"code": "bad\nnews", "message": "one\r\ntwo\x1b[2J\u202e three", "documentation_url": "https://a\x1b/"}
        error = status_error(
            ResponseInfo(400, Headers([])),
            json.dumps({"error": said}).encode(),
            RequestSummary("GET", "https://h/v1/x"),
        )
        assert error.message == "one two [2J three"
        assert str(error).isprintable()

    def test_a_hostile_error_body_is_looked_at_only_so_far(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[int] = []

        def watched(body: bytes) -> object:
            seen.append(len(body))
            return from_json(body)

        monkeypatch.setattr(_parse, "from_json", watched)
        body = b"[" + b"{}," * 1_000_000 + b"{}]"
        error = status_error(ResponseInfo(503, Headers([])), body, RequestSummary("GET", "https://h/v1/x"))
        assert len(error.body) < LONGEST_BODY + 40
        assert max(seen) <= LONGEST_LOOKED_AT

    def test_a_body_is_bounded(self) -> None:
        assert len(safe_body(json.dumps({"a": "x" * 100_000}).encode())) < LONGEST_BODY + 40
        assert len(safe_body(b"\xff" * 1_000_000)) < LONGEST_BODY + 40
        assert safe_body(b"[" * 100_000)


class TestDecompression:
    def test_the_codings_that_are_asked_for(self) -> None:
        import gzip
        import zlib

        assert decompress(gzip.compress(b"{}"), b"gzip") == b"{}"
        assert decompress(zlib.compress(b"{}"), b" Deflate") == b"{}"
        assert decompress(b"{}", b"identity") == b"{}"
        bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        assert decompress(bare.compress(b"{}") + bare.flush(), b"deflate") == b"{}"
        for data, coding in ((gzip.compress(b"{}")[:-9], b"gzip"), (b"{}", b"gzip"), (b"{}", b"br")):
            with pytest.raises(ValueError, match=r"coding|compressed"):
                decompress(data, coding)

    @steady
    @given(st.lists(st.binary(max_size=200), min_size=1, max_size=5), st.integers(1, 3000))
    def test_a_body_of_several_parts_is_whole(self, parts: list[bytes], times: int) -> None:
        import gzip

        body = b"".join(gzip.compress(part * times) for part in parts)
        assert decompress(body, b"gzip") == b"".join(part * times for part in parts)
        assert decompress(body, b"gzip", longest=50)[:50] == b"".join(part * times for part in parts)[:50]
        with pytest.raises(ValueError, match="compressed"):
            decompress(body + b"garbage", b"gzip")

    @pytest.mark.parametrize("size", [4 * 1024 * 1024 - 1, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1, 20_000_000])
    def test_a_body_that_is_unpacked_in_steps_is_whole(self, size: int) -> None:
        import gzip

        assert decompress(gzip.compress(bytes(size)), b"gzip") == bytes(size)

    def test_a_deadline_is_noticed_while_a_bomb_is_unpacked(self) -> None:
        import gzip

        with pytest.raises(TimeoutError):
            decompress(gzip.compress(bytes(10_000_000)), b"gzip", deadline=0.0)

    def test_a_bomb_is_not_unpacked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import gzip

        from sensei import _parse

        monkeypatch.setattr(_parse, "LONGEST_ANSWER", 1000)
        assert decompress(gzip.compress(b"a" * 1000), b"gzip") == b"a" * 1000
        for size in (1001, 10_000_000):
            with pytest.raises(ValueError, match="longer"):
                decompress(gzip.compress(b"a" * size), b"gzip")


def test_a_list_of_nothing_but_bad_items_is_given_up_at_the_first() -> None:
    """Of four million, all reported, the errors took 3 GB."""
    from sensei._paging import page_type
    from sensei._sync.resources.connections import Connection
    from sensei._sync.resources.validations import ValidationReport

    for shape, member in ((page_type(Connection), "data"), (ValidationReport, "issues")):
        with pytest.raises(ValidationError) as caught:
            shape.model_validate_json(json.dumps({member: [1] * 10_000}))
        assert caught.value.error_count() < 20
