"""A database URL is understood, or refused with a line that says what to write and shows no password."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei.cli._endpoint import Endpoint, check_is_there, parse_endpoint
from sensei.cli._errors import USAGE, CommandError


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///shop.db", "/home/ada/shop.db"),
        ("sqlite:///data/shop.db", "/home/ada/data/shop.db"),
        ("sqlite:////data/shop.db", "/data/shop.db"),
        ("SQLite:///shop.db", "/home/ada/shop.db"),
        ("sqlite:///shop with blank.db", "/home/ada/shop with blank.db"),
        ("sqlite:///100%.db", "/home/ada/100%.db"),
    ],
)
def test_a_sqlite_path_is_taken_from_the_current_folder_and_sent_absolute(url: str, path: str) -> None:
    end = parse_endpoint(url, Path("/home/ada"), role="target")

    assert (end.type, end.config, end.shown) == ("sqlite", {"path": path}, f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("url", "type", "shown"),
    [
        ("postgresql://ada:s3cret@db:5433/shop", "postgresql", "postgresql://ada@db:5433/shop"),
        ("postgres://db/shop", "postgresql", "postgres://db/shop"),
        ("postgresql://ada:s3cret@[::1]/shop?password=s3cret", "postgresql", "postgresql://ada@[::1]/shop"),
        ("mariadb://ada:s3cret@db/shop", "mysql", "mariadb://ada@db/shop"),
        ("mssql://ada:s3cret@db/shop", "sqlserver", "mssql://ada@db/shop"),
    ],
)
def test_a_network_url_is_sent_whole_and_shown_without_its_password(url: str, type: str, shown: str) -> None:
    end = parse_endpoint(url, Path("/home/ada"), role="target")

    assert (end.type, end.config, end.shown) == (type, {"connection_string": url}, shown)
    assert "s3cret" not in repr(end)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("shop.db", "write sqlite:///shop.db"),
        ("", "it is no URL"),
        ("sqlite://shop.db", "three slashes"),
        ("sqlite:///", "needs the path of a file"),
        ("sqlite:///:memory:", "needs the path of a file"),
        ("sqlite:///shop.db?mode=ro", "no options after the path"),
        ("postgresql+psycopg://ada:s3cret@db/shop", "leave out the driver and write postgresql://"),
        ("postgreql://ada:s3cret@db/shop", "'postgreql' is no kind of database that Sensei knows"),
        ("postgresql://ada:s3/cret@db/shop", "in a password, write %40 for @"),
        ("postgresql://ada:12/s3cret@db/shop", "in a password, write %40 for @"),
        ("postgresql://ada:s3@cret@db/shop", "in a password, write %40 for @"),
        ("postgresql://ada:s3#cret@db/shop", "in a password, write %40 for @"),
        ("postgresql://ada:s3cret@db:port/shop", "it cannot be read"),
        ("postgresql://ada:s3cret@[db/shop", "it cannot be read"),
        ("postgresql:///", "names no host"),
    ],
)
def test_a_bad_url_is_refused_with_advice_and_without_its_password(url: str, says: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse_endpoint(url, Path("/home/ada"), role="target")

    assert says in refused.value.message
    assert refused.value.message.startswith("Target database: ")
    assert refused.value.exit_code == USAGE
    assert "cret" not in refused.value.message
    assert "\n" not in refused.value.message


def test_a_source_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"there is no file .*/shop\.db"):
        check_is_there(parse_endpoint("sqlite:///shop.db", tmp_path, role="source"), tmp_path)


def test_an_absolute_path_with_too_few_slashes_gets_advice(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    file.touch()

    elsewhere = tmp_path / "elsewhere"
    end = parse_endpoint(f"sqlite:///{str(file)[1:]}", elsewhere, role="source")

    with pytest.raises(CommandError) as refused:
        check_is_there(end, elsewhere)

    assert f"for {file} write sqlite:///{file}" in refused.value.message


def test_a_file_that_is_there_and_a_server_are_let_through(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()

    check_is_there(parse_endpoint("sqlite:///shop.db", tmp_path, role="source"), tmp_path)
    check_is_there(parse_endpoint("postgresql://db/shop", tmp_path, role="source"), tmp_path)


def test_a_path_without_scheme_gets_advice_when_it_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()

    with pytest.raises(CommandError, match=r"it is a path; write sqlite:///shop\.db"):
        parse_endpoint("shop.db", tmp_path, role="source")


@settings(derandomize=True, max_examples=500)
@given(
    password=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1).map(
        lambda text: f"pw{text}wp"
    ),
    scheme=st.sampled_from(["postgresql", "mysql", "foo", "postgresql+x", ""]),
    tail=st.sampled_from(["@db/shop", "@db:5432/shop", "@db:x/shop", "", "@"]),
)
def test_no_password_is_ever_shown_whatever_it_is_made_of(password: str, scheme: str, tail: str) -> None:
    try:
        end: Endpoint | CommandError = parse_endpoint(
            f"{scheme}://ada:{password}{tail}", Path("/home/ada"), role="target"
        )
    except CommandError as refused:
        end = refused

    shown = f"{end!r} {end.shown if isinstance(end, Endpoint) else end.message}"
    assert password not in shown
