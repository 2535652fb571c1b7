"""Where settings come from, and to whom a key may go."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from sensei._config import parse_url, read_profile, resolve, user_agent
from sensei.errors import (
    ConfigurationError,
)


class TestConfig:
    @pytest.mark.parametrize(
        ("url", "base"),
        [
            ("https://api.sensei.ai", "https://api.sensei.ai/v1"),
            ("https://api.sensei.ai/", "https://api.sensei.ai/v1"),
            ("https://api.sensei.ai/v1", "https://api.sensei.ai/v1"),
            ("https://API.Sensei.AI:443/v1/", "https://api.sensei.ai/v1"),
            ("http://localhost:8080", "http://localhost:8080/v1"),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
            ("http://[::1%25lo]:8080", "http://[::1%25lo]:8080/v1"),
            ("https://under_score.example.", "https://under_score.example./v1"),
            ("http://[::1]:8080", "http://[::1]:8080/v1"),
            ("https://host/sensei", "https://host/sensei/v1"),
            ("https://bücher.example", "https://xn--bcher-kva.example/v1"),
        ],
    )
    def test_urls_with_and_without_the_version_mean_the_same(self, url: str, base: str) -> None:
        assert parse_url(url).url == base

    @pytest.mark.parametrize(
        "url",
        ["", "api.sensei.ai", "ftp://h", "https://", "https://h:port", "https://user:SECRET@h", "https://h?x=1",
         "https://h/#f", "http://example.com", "https://h/a b", "https://[::1", "https://h:99999",
         "https://h:0", "https://h ost", "https://h\nost", "https://h%00ost", "https://a..b", "https://" + "a" * 64],
    )  # fmt: skip
    def test_bad_urls_are_refused_without_showing_a_password(self, url: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            parse_url(url)
        assert "SECRET" not in str(caught.value)

    def test_plain_http_needs_to_be_allowed(self) -> None:
        assert parse_url("http://example.com", allow_insecure=True).url == "http://example.com/v1"

    def test_the_oauth_endpoints_are_outside_the_api(self) -> None:
        assert parse_url("https://api.sensei.ai").auth_server().url == "https://auth.sensei.ai/oauth"
        assert parse_url("https://own.example.com/v1").auth_server().url == "https://own.example.com/oauth"

    def settled(self, tmp_path: Path, *, file: str | None = None, env: dict[str, str] | None = None, **given: object):  # type: ignore[no-untyped-def]
        if file is not None:
            (tmp_path / ".sensei").mkdir()
            (tmp_path / ".sensei" / "config.yaml").write_text(file)
        arguments = {"api_key": None, "credentials": None, "base_url": None, "profile": None, "allow_insecure": False}
        key = arguments | given
        found = resolve(key.pop("api_key"), **key, environ={"HOME": str(tmp_path), **(env or {})})  # type: ignore[arg-type]
        return found.server.url, found.api_key

    FILE = """
current_profile: work
profiles:
  work: {api_key: sk_work, api_url: "https://work.example.com"}
  home: {api_key: "${HOME_KEY}"}
"""

    @pytest.mark.parametrize(
        ("given", "env", "url", "key"),
        [
            ({"api_key": "k"}, {}, "https://api.sensei.ai/v1", "k"),
            ({}, {"SENSEI_API_KEY": "k"}, "https://work.example.com/v1", "k"),
            ({}, {"SENSEI_API_KEY": "k", "SENSEI_API_URL": "https://e.example.com"}, "https://e.example.com/v1", "k"),
            ({"api_key": "k"}, {"SENSEI_API_KEY": "no", "SENSEI_API_URL": "https://e.io"}, "https://e.io/v1", "k"),
            ({"api_key": "k", "base_url": "https://c.io"}, {"SENSEI_API_KEY": "no"}, "https://c.io/v1", "k"),
            ({"base_url": "https://e.io/v1"}, {"SENSEI_API_KEY": "k", "SENSEI_API_URL": "https://e.io"},
             "https://e.io/v1", "k"),
            ({}, {}, "https://work.example.com/v1", "sk_work"),
            ({"profile": "home"}, {"HOME_KEY": "sk_home"}, "https://api.sensei.ai/v1", "sk_home"),
            ({}, {"SENSEI_PROFILE": "home", "HOME_KEY": "sk_home"}, "https://api.sensei.ai/v1", "sk_home"),
            ({"profile": "work"}, {"SENSEI_API_KEY": "k"}, "https://work.example.com/v1", "k"),
        ],
    )  # fmt: skip
    def test_arguments_before_environment_before_profile(
        self, tmp_path: Path, given: dict[str, object], env: dict[str, str], url: str, key: str
    ) -> None:
        expected_url = "https://work.example.com/v1" if given == {"api_key": "k"} and not env else url
        assert self.settled(tmp_path, file=self.FILE, env=env, **given) == (expected_url, key)

    @pytest.mark.parametrize(
        ("given", "env", "message"),
        [
            ({}, {}, "no API key"),
            ({"base_url": "https://evil.example.com"}, {"SENSEI_API_KEY": "sk_SECRET"}, "not sent to"),
            (
                {"base_url": "https://e.io:8443"},
                {"SENSEI_API_KEY": "k", "SENSEI_API_URL": "https://e.io"},
                "not sent to",
            ),
            ({"profile": "none"}, {}, "no profile 'none'"),
            ({"api_key": " "}, {}, "empty"),
            ({"api_key": "sk_test_é"}, {}, "characters"),
            ({"api_key": "sk test"}, {}, "blanks"),
            ({"api_key": "k\n"}, {}, "blanks"),
            ({"api_key": 5}, {}, "must be a str"),
            ({"api_key": "k", "base_url": "http://example.com"}, {}, "plain http"),
        ],
    )
    def test_what_cannot_be_settled_is_said(
        self, tmp_path: Path, given: dict[str, object], env: dict[str, str], message: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=message) as caught:
            self.settled(tmp_path, env=env, **given)
        assert "SECRET" not in str(caught.value)

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("${KEY}", "abc"),
            ("sk_test_${KEY}", "sk_test_abc"),
            ("${KEY}_${KEY}", "abc_abc"),
            ("$${KEY}", "${KEY}"),
            ("$KEY", "$KEY"),
        ],
    )
    def test_variables_stand_anywhere_in_a_text_of_the_file(self, tmp_path: Path, written: str, read: str) -> None:
        file = f"profiles: {{default: {{api_key: '{written}', api_url: 'https://${{HOST}}/v1'}}}}"
        found = self.settled(tmp_path, file=file, env={"KEY": "abc", "HOST": "work.example.com"})
        assert found == ("https://work.example.com/v1", read)

    def test_a_user_without_a_home_needs_no_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", unknown)
        found = resolve("k", credentials=None, base_url=None, profile=None, allow_insecure=False, environ={})
        assert found.server.url == "https://api.sensei.ai/v1"
        with pytest.raises(ConfigurationError, match="no profile 'work'"):
            resolve("k", credentials=None, base_url=None, profile="work", allow_insecure=False, environ={})

    @pytest.mark.parametrize("seen", [False, True])
    def test_a_home_of_somebody_else_holds_no_file_but_one_that_is_seen_must_be_readable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: bool
    ) -> None:
        def forbidden(path: Path, **options: object) -> NoReturn:
            raise PermissionError(13, "Permission denied", str(path))

        def settled(**given: object) -> tuple[str, object]:
            with monkeypatch.context() as patch:
                patch.setattr(Path, "read_text", forbidden)
                if not seen:
                    patch.setattr(Path, "stat", forbidden)
                return self.settled(tmp_path, **given)

        if seen:
            (tmp_path / ".sensei").mkdir()
            (tmp_path / ".sensei" / "config.yaml").write_text(self.FILE)
            with pytest.raises(ConfigurationError, match="cannot be read"):
                settled(api_key="k")
        else:
            assert settled(api_key="k") == ("https://api.sensei.ai/v1", "k")
            with pytest.raises(ConfigurationError, match="cannot be read"):
                settled(profile="work")

    def test_a_key_of_a_profile_stays_with_its_server(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"is for https://work\.example\.com"):
            self.settled(tmp_path, file=self.FILE, env={"SENSEI_API_URL": "https://other.example.com"})

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[", "valid YAML"),
            ("- a", "mapping"),
            ("profiles: 5", "profiles must be a mapping"),
            ("profiles: {p: 5}", "must be a mapping"),
            ("profiles: {p: {api_key: 5}}", "must be text"),
            ("profiles: {p: {api_key: '${NOT_SET}'}}", "NOT_SET"),
            ("profiles: {q: {}}", "it has: q"),
            ("profiles: {q: {}, 1: {}}", "it has: 1, q"),
            ("x: 2024-13-45", "valid YAML"),
            ("x: " + "9" * 5000, "valid YAML"),
            ("x: !!timestamp z", "valid YAML"),
            ("x: !!bool z", "valid YAML"),
            ("[" * 5000, "valid YAML"),
            ("!!python/object/apply:os.getcwd []", "valid YAML"),
        ],
    )
    def test_a_bad_file_is_named(self, text: str, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            read_profile(text, "p", Path("config.yaml"), {})

    @pytest.mark.parametrize("before", ["", "\ufeff", "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_files_of_any_editor_are_read(self, before: str, end: str) -> None:
        text = (before + "profiles:\n  p:\n    api_key: k\n").replace("\n", end)
        assert read_profile(text, "p", Path("config.yaml"), {}).api_key == "k"

    def test_the_program_is_named_in_the_user_agent(self) -> None:
        assert user_agent(("tool", "1.0")).startswith("tool/1.0 sensei-python/")
        with pytest.raises(ConfigurationError):
            user_agent(("tool\n", "1"))
