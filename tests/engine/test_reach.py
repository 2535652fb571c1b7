"""What endpoints may lead to, on a person's own machine and on a server that is shared."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sensei.server.engine.connectors import open_connector
from sensei.server.engine.connectors.postgresql_address import read_address
from sensei.server.engine.connectors.sqlite_file import check_source, check_target, file_path
from sensei.server.engine.errors import EndpointError
from sensei.server.engine.job import Endpoint
from sensei.server.engine.reach import Reach
from sensei.server.engine.reserved import release, reserve
from sensei.server.webhooks.addresses import parse_networks

OWN = Reach()
SHARED = Reach(shared=True)


def _parameters(reach: Reach, **config: Any) -> dict[str, Any]:
    address = read_address(Endpoint(type="postgresql", config=config, reach=reach))
    try:
        return reach.resolved(address.parameters)
    finally:
        address.close()


@pytest.mark.parametrize(
    ("host", "own", "shared"),
    [
        ("127.0.0.1", True, False),
        ("127.0.0.2", True, False),
        ("127.1", True, False),
        ("2130706433", True, False),
        ("0x7f000001", True, False),
        ("localhost", True, False),
        ("::1", True, False),
        ("::ffff:127.0.0.1", True, False),
        ("/var/run/postgresql", True, False),
        ("@abstract", False, False),
        ("10.0.0.5", True, True),
        ("192.168.1.5,10.0.0.5", True, True),
        ("10.0.0.5,127.0.0.1", True, False),
        ("10.0.0.5,/tmp", True, False),
        ("169.254.169.254", False, False),
        ("169.254.1.1", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("100.100.100.200", False, False),
        ("fd00:ec2::254", False, False),
        ("0.0.0.0", False, False),
        ("0", False, False),
        ("224.0.0.1", False, False),
    ],
)
def test_which_hosts_are_within_reach(host: str, own: bool, shared: bool) -> None:
    for reach, within in ((OWN, own), (SHARED, shared)):
        if within:
            assert _parameters(reach, host=host)["hostaddr"].count(",") == host.count(",")
        else:
            with pytest.raises(EndpointError):
                _parameters(reach, host=host)


def test_networks_that_are_allowed_win() -> None:
    reach = Reach(shared=True, networks=parse_networks(["127.0.0.1", "169.254.0.0/16"]))
    assert _parameters(reach, host="127.0.0.1")["hostaddr"] == "127.0.0.1"
    assert _parameters(reach, host="169.254.169.254")["hostaddr"] == "169.254.169.254"
    with pytest.raises(EndpointError):
        _parameters(reach, host="127.0.0.2")


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: Any, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in names[host]]

    names = {"db.example": ["10.0.0.1", "10.0.0.2"], "two.example": ["10.0.0.3"], "trap.example": ["127.0.0.1"]}
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = _parameters(SHARED, connection_string="postgresql://db.example:5432,two.example:5433/x")
    assert (found["host"], found["hostaddr"], found["port"]) == (
        "db.example,db.example,two.example",
        "10.0.0.1,10.0.0.2,10.0.0.3",
        "5432,5432,5433",
    )
    with pytest.raises(EndpointError, match="loopback"):
        _parameters(SHARED, host="trap.example")


def test_a_name_that_does_not_resolve_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(EndpointError, match="does not resolve") as caught:
        _parameters(OWN, host="nowhere.example")
    assert caught.value.reason_code == "E1010"


@pytest.mark.parametrize(
    ("reach", "config"),
    [
        (SHARED, {"host": "127.0.0.1"}),
        (SHARED, {"host": "localhost"}),
        (SHARED, {"connection_string": "mysql://trap.example/shop"}),
        (SHARED, {"extra_params": {"unix_socket": "/run/mysqld/mysqld.sock"}}),
        (SHARED, {"connection_string": "mysql://u:p@10.0.0.5/x?socket=/run/mysqld/mysqld.sock"}),
        (OWN, {"host": "169.254.169.254"}),
    ],
)
def test_what_is_out_of_reach_is_so_for_mysql_too(
    reach: Reach, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pymysql")
    known = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *_, **__: known("127.0.0.1" if host == "trap.example" else host, None)
    )
    asked: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, place: asked.append(place))
    with pytest.raises(EndpointError, match="out of reach") as caught:
        open_connector(Endpoint(type="mysql", config=config, reach=reach))
    assert (caught.value.reason_code, asked) == ("E1001", [])


def test_mysql_is_asked_at_the_addresses_that_were_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pymysql")
    asked: list[Any] = []

    def refuse(place: Any, _seconds: float) -> socket.socket:
        asked.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (text, 0)) for text in ("10.0.0.1", "10.0.0.2")]
    )
    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(EndpointError, match=r"db\.example:3306"):
        open_connector(Endpoint(type="mysql", config={"host": "db.example"}, reach=SHARED))
    assert asked == [("10.0.0.1", 3306), ("10.0.0.2", 3306)]


@pytest.mark.parametrize(
    ("parameter", "value", "own", "shared"),
    [
        ("application_name", "x", True, True),
        ("options", "-c search_path=shop", True, True),
        ("target_session_attrs", "read-write", True, True),
        ("sslrootcert", "system", True, True),
        ("sslrootcert", "/etc/passwd", True, False),
        ("sslcert", "/etc/passwd", True, False),
        ("sslkey", "/etc/passwd", True, False),
        ("passfile", "/root/.pgpass", True, False),
        ("requirepeer", "root", True, False),
        ("service", "production", False, False),
        ("hostaddr", "169.254.169.254", False, False),
        ("sslkeylogfile", "/tmp/keys", False, False),
        ("replication", "database", False, False),
        ("gsslib", "gssapi", False, False),
        ("oauth_issuer", "https://x", False, False),
        ("no_such_parameter", "x", False, False),
    ],
)
@pytest.mark.parametrize("way", ["extra_params", "url"])
def test_which_parameters_the_driver_may_be_told(parameter: str, value: str, own: bool, shared: bool, way: str) -> None:
    if way == "url":
        config: dict[str, Any] = {"connection_string": f"postgresql://u:p@10.0.0.1/x?{parameter}={quote(value)}"}
    else:
        config = {"host": "10.0.0.1", "extra_params": {parameter: value}}
    for reach, within in ((OWN, own), (SHARED, shared)):
        if within:
            assert _parameters(reach, **config)[parameter] == value
        else:
            with pytest.raises(EndpointError) as caught:
                _parameters(reach, **config)
            assert caught.value.reason_code == "E1009"


def test_a_shared_server_uses_nothing_of_its_own_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "operators-own")
    found = _parameters(SHARED, host="10.0.0.1", username="u")
    assert (found["password"], found["sslcertmode"], found["gssencmode"]) == ("", "disable", "disable")
    assert not Path(found["passfile"]).exists()
    assert "password" not in _parameters(OWN, host="10.0.0.1", username="u")
    pem = "-----BEGIN CERTIFICATE-----"
    assert "sslcertmode" not in _parameters(SHARED, host="10.0.0.1", ssl_cert=pem, ssl_key=pem)


def _sqlite(reach: Reach, **config: Any) -> Path:
    return file_path(Endpoint(type="sqlite", config=config, reach=reach))


def test_files_lie_in_the_folders_of_the_server(tmp_path: Path) -> None:
    data, more, outside = (tmp_path / name for name in ("data", "more", "outside"))
    for folder in (data / "deep", more, outside):
        folder.mkdir(parents=True)
    (data / "link").symlink_to(outside)
    (data / "loop").symlink_to(data / "loop")
    reach = Reach(folders=(data, more))
    assert _sqlite(reach, path="shop.db") == data / "shop.db"
    assert _sqlite(reach, path=str(more / "shop.db")) == more / "shop.db"
    assert _sqlite(reach, connection_string=f"sqlite://{data}/deep/shop.db") == data / "deep/shop.db"
    for path in (
        str(outside / "shop.db"),
        "../outside/shop.db",
        "link/shop.db",
        "loop",
        str(data),
        ".",
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/environ",
        str(tmp_path / "database.db"),
    ):
        with pytest.raises(EndpointError) as caught:
            _sqlite(reach, path=path)
        assert (caught.value.reason_code, str(outside) in str(caught.value)) == ("E1006", False)


def test_a_uri_is_a_name_like_any_other(tmp_path: Path) -> None:
    found = _sqlite(Reach(folders=(tmp_path,)), path="file:/etc/passwd?mode=rwc")
    assert found == tmp_path / "file:/etc/passwd?mode=rwc"


def test_a_shared_server_without_folders_opens_no_file() -> None:
    with pytest.raises(EndpointError, match="--data-dir"):
        _sqlite(SHARED, path="/tmp/shop.db")


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("is_there", [True, False])
def test_the_state_and_what_lies_beside_it_are_no_databases(tmp_path: Path, suffix: str, is_there: bool) -> None:
    state = tmp_path / "state.db"
    state.touch()
    meant = tmp_path / f"state.db{suffix}"
    if is_there:
        meant.touch()
    (tmp_path / "link").symlink_to(meant)
    reserve(state)
    try:
        for path in (meant, tmp_path / "link", tmp_path / "." / "x" / ".." / meant.name):
            if is_there or not suffix:
                with pytest.raises(EndpointError):
                    check_source(path)
            with pytest.raises(EndpointError):
                check_target(path, read_only=False)
    finally:
        release(state)
    check_target(tmp_path / "other.db", read_only=False)
