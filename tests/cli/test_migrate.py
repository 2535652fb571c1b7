"""`sensei migrate` moves a database, or says in one line what to do."""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from sensei import Client
from sensei.certificates import Verdict, check
from sensei.testing import LocalServer
from tests.cli.conftest import SHOP, User
from tests.support import mysql
from tests.support.postgres import PostgresServer

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


def test_a_database_is_moved_compared_and_certified(user: User) -> None:
    user.database("shop.db", *SHOP)

    said = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes", "--output", "json")

    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert result["status"] == "completed"
    assert (result["tables"], result["records_processed"]) == (2, 5)
    assert result["validation"]["result"] in {"passed", "passed_with_warnings"}
    assert user.rows("copy.db", "SELECT * FROM orders ORDER BY id") == [(1, 1, ""), (2, 1, None), (3, 2, "x")]
    assert user.rows("copy.db", "SELECT * FROM customers ORDER BY id") == [(1, "Ada"), (2, "Zoë")]
    certificate = result["certificate"]
    keys = json.loads(Path(certificate["keys_path"]).read_bytes())
    assert check(Path(certificate["path"]).read_bytes(), keys) is Verdict.VALID
    assert "<html" in Path(result["validation"]["report"]).read_text(encoding="utf-8")


def test_rows_that_had_to_stay_behind_fail_the_job_after_its_result(user: User, postgres_url: str) -> None:
    user.database(
        "notes.db",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)",
        "INSERT INTO notes VALUES " + ", ".join(f"({i}, '')" for i in range(1, 21)),
        "UPDATE notes SET text = 'cut' || char(0) || 'here' WHERE id = 7",
    )

    said = user.run("migrate", "sqlite:///notes.db", postgres_url, "--yes", "--output", "json")

    assert said.code == 1
    result = json.loads(said.out)
    assert (result["status"], result["records_processed"], result["records_left_out"]) == ("completed", 20, 1)
    assert said.err.splitlines()[-1].startswith("Error: 1 row could not be carried and is not on the target")
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*), count(*) FILTER (WHERE id = 7) FROM notes").fetchone() == (19, 0)


def test_it_says_which_server_does_the_work(user: User) -> None:
    user.database("shop.db", *SHOP)

    assert "Server: embedded" in user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes").err


def test_a_configured_server_does_the_work(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.database("shop.db", *SHOP)
    with LocalServer() as server:
        monkeypatch.setenv("SENSEI_API_URL", server.url)
        monkeypatch.setenv("SENSEI_API_KEY", server.api_key)
        url = server.url
        said = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes", "--output", "json")

    assert said.code == 0, said.err
    assert f"Server: {url}" in said.err
    assert user.rows("copy.db", "SELECT count(*) FROM orders") == [(3,)]
    assert not (user.home / ".sensei" / "server").exists()


def test_tables_can_be_left_out(user: User) -> None:
    user.database("shop.db", *SHOP)

    said = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes", "--exclude", "ord*")

    assert said.code == 0, said.err
    assert user.rows("copy.db", TABLES) == [("customers",)]


def test_a_table_that_is_to_be_left_out_must_be_there(user: User) -> None:
    """A slip of the finger would otherwise carry what should have stayed."""
    user.database("shop.db", *SHOP)
    said = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes", "--exclude", "custmers")
    assert said.code == 2
    assert "--exclude 'custmers' fits no table of the source; did you mean 'customers'?" in said.err
    assert not (user.folder / "copy.db").exists()


def test_a_lesser_validation_earns_no_certificate_and_says_so(user: User) -> None:
    user.database("shop.db", *SHOP)

    said = user.run(
        "migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes", "--validation", "quick", "--output", "json"
    )

    assert said.code == 0, said.err
    assert json.loads(said.out)["certificate"] is None
    assert "only a full validation earns one" in said.err


def test_results_go_where_they_are_told(user: User) -> None:
    user.database("shop.db", *SHOP)

    said = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes", "--results", "proof")

    assert said.code == 0, said.err
    assert {path.name for path in (user.folder / "proof").iterdir()} == {
        "certificate.json",
        "certificate-keys.json",
        "report.html",
    }


def test_nothing_is_written_without_a_yes(user: User) -> None:
    user.database("shop.db", *SHOP)

    said = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db")

    assert said.code == 1
    assert "--yes" in said.err.splitlines()[-1]
    assert not (user.folder / "copy.db").exists()


def test_quiet_prints_the_id_only(user: User) -> None:
    user.database("shop.db", *SHOP)

    said = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes", "--quiet")

    assert said.code == 0
    assert said.out.startswith("mig_")
    assert len(said.out.split()) == 1


@pytest.mark.parametrize(("existing", "rows"), [("append", 4), ("truncate", 3), ("drop", 3)])
def test_tables_that_are_there_are_treated_as_told(user: User, existing: str, rows: int) -> None:
    user.database("shop.db", *SHOP)
    user.database("used.db", *SHOP[:2], "INSERT INTO orders VALUES (77, 1, 'old')")

    said = user.run("migrate", "sqlite:///shop.db", "sqlite:///used.db", "--yes", "--existing", existing)

    assert said.code == 0, said.err
    assert user.rows("used.db", "SELECT count(*) FROM orders") == [(rows,)]


def closed_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def bad_inputs(user: User) -> User:
    user.database("shop.db", *SHOP)
    user.database("empty.db")
    user.database("used.db", "CREATE TABLE orders (id INTEGER)", "INSERT INTO orders VALUES (7)")
    (user.folder / "text.db").write_text("this is no database, but it is long enough to be looked at\n" * 40)
    (user.folder / "folder.db").mkdir()
    return user


@pytest.mark.parametrize(
    ("source", "target", "code", "says"),
    [
        ("sqlite:///missing.db", "sqlite:///copy.db", 2, "there is no file"),
        ("shop.db", "sqlite:///copy.db", 2, "write sqlite:///shop.db"),
        ("sqlite:///shop.db", "postgre://db/shop", 2, "'postgre' is no kind of database"),
        ("sqlite:///shop.db", "sqlite:///shop.db", 2, "the same database"),
        ("sqlite:///text.db", "sqlite:///copy.db", 1, "no SQLite database"),
        ("sqlite:///folder.db", "sqlite:///copy.db", 1, "is a folder"),
        ("sqlite:///empty.db", "sqlite:///copy.db", 1, "no tables"),
        ("sqlite:///shop.db", "sqlite:///nowhere/copy.db", 1, "does not exist"),
        ("sqlite:///shop.db", "sqlite:///text.db", 1, "no SQLite database"),
        ("sqlite:///shop.db", "sqlite:////proc/copy.db", 1, "files cannot be made in the folder /proc"),
        ("sqlite:///shop.db", "sqlite:///used.db", 1, "orders"),
        ("sqlite:///shop.db", "postgresql://ada:s3cret@127.0.0.1:{port}/shop", 1, "127.0.0.1"),
        ("postgresql://ada:s3cret@127.0.0.1:{port}/shop", "sqlite:///copy.db", 1, "127.0.0.1"),
        ("sqlite:///shop.db", "postgresql://ada:s3cret@nowhere.invalid/shop", 1, "nowhere.invalid"),
        ("sqlite:///shop.db", "oracle://ada:s3cret@db/shop", 1, "oracle"),
    ],
)
def test_bad_input_is_one_clear_line(bad_inputs: User, source: str, target: str, code: int, says: str) -> None:
    port = closed_port()
    before = (bad_inputs.folder / "used.db").read_bytes()

    said = bad_inputs.run("migrate", source.format(port=port), target.format(port=port), "--yes")

    line = said.err.splitlines()[-1]
    assert said.code == code, said.err
    assert line.startswith("Error: ")
    assert says in line
    assert "Traceback" not in said.err
    assert "s3cret" not in said.err + said.out
    assert said.out == ""
    assert not (bad_inputs.folder / "copy.db").exists()
    assert not (bad_inputs.folder / "sensei-results").exists()
    assert (bad_inputs.folder / "used.db").read_bytes() == before


def test_after_a_failed_start_the_same_command_works(bad_inputs: User) -> None:
    (bad_inputs.folder / "shop.db").rename(bad_inputs.folder / "hidden.db")
    (bad_inputs.folder / "shop.db").write_text("not yet\n" * 100)
    assert bad_inputs.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes").code == 1

    (bad_inputs.folder / "hidden.db").replace(bad_inputs.folder / "shop.db")
    said = bad_inputs.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes")

    assert said.code == 0, said.err


@pytest.mark.parametrize(
    ("variables", "code", "says"),
    [
        ({"SENSEI_API_URL": "http://127.0.0.1:{port}"}, 3, "no API key"),
        ({"SENSEI_API_KEY": "sk_test_0123456789abcdef", "SENSEI_API_URL": "http://127.0.0.1:{port}"}, 5, "127.0.0.1"),
        ({"SENSEI_API_KEY": "sk_test_0123456789abcdef", "SENSEI_API_URL": "no url"}, 2, "SENSEI_API_URL 'no url'"),
        ({"SENSEI_PROFILE": "work"}, 2, "'work'"),
    ],
)
def test_a_bad_configuration_is_not_passed_over(
    user: User, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], code: int, says: str
) -> None:
    user.database("shop.db", *SHOP)
    port = closed_port()
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(port=port))

    said = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes")

    assert said.code == code, said.err
    assert says in said.err.splitlines()[-1]
    assert not (user.folder / "copy.db").exists()


def test_a_refused_key_exits_with_3(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.database("shop.db", *SHOP)
    with LocalServer() as server:
        monkeypatch.setenv("SENSEI_API_URL", server.url)
        monkeypatch.setenv("SENSEI_API_KEY", "sk_test_0123456789abcdef")
        said = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes")

    assert said.code == 3
    assert re.search(r"unauthorized, 401, [0-9a-f-]{36}", said.err.splitlines()[-1])
    assert "sk_test_0123456789abcdef" not in said.err


@pytest.fixture
def reader_url(postgres_server: PostgresServer, postgres_url: str) -> Iterator[str]:
    """The URL of somebody who may connect and create nothing."""
    name, password = f"reader_{secrets.token_hex(4)}", secrets.token_hex(8)
    postgres_server.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    try:
        yield urlunsplit(
            urlsplit(postgres_url)._replace(netloc=f"{name}:{password}@{urlsplit(postgres_url).netloc.split('@')[1]}")
        )
    finally:
        postgres_server.execute(f"DROP ROLE {name}")


def test_a_wrong_password_is_one_clear_line(user: User, postgres_url: str) -> None:
    user.database("shop.db", *SHOP)
    wrong = re.sub(r":[^:@]+@", ":n0tThePassw0rd@", postgres_url)

    said = user.run("migrate", "sqlite:///shop.db", wrong, "--yes")

    line = said.err.splitlines()[-1]
    assert said.code == 1
    assert "E1002" in line
    assert "n0tThePassw0rd" not in said.err
    assert "Traceback" not in said.err


def test_a_database_that_does_not_exist_is_one_clear_line(user: User, postgres_url: str) -> None:
    user.database("shop.db", *SHOP)

    said = user.run("migrate", "sqlite:///shop.db", postgres_url + "_not", "--yes")

    assert said.code == 1
    assert "E1005" in said.err.splitlines()[-1]


def test_a_missing_permission_is_one_clear_line(user: User, reader_url: str) -> None:
    user.database("shop.db", *SHOP)

    said = user.run("migrate", "sqlite:///shop.db", reader_url, "--yes")

    line = said.err.splitlines()[-1]
    assert said.code == 1
    assert "E1006" in line
    assert urlsplit(reader_url).password not in said.err
    assert "Traceback" not in said.err


def test_a_disk_that_takes_no_more_is_one_clear_line_that_tells_what_is_there(user: User) -> None:
    user.database(
        "shop.db",
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, content BLOB)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
        "INSERT INTO pages SELECT i, zeroblob(4000) FROM n",
    )
    program = (
        "import resource, sys; from sensei.cli import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, 6_000_000)); "
        "sys.exit(main(sys.argv[1:]))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, "migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes"],
        cwd=user.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    line = said.stderr.splitlines()[-1]
    assert said.returncode == 1, said.stderr
    assert line.startswith("Error: ")
    assert "copy.db" in line
    assert "pages" in line
    assert "Traceback" not in said.stderr
    again = user.run("migrate", "sqlite:///shop.db", "sqlite:///copy.db", "--yes")
    assert again.code == 0, again.err
    assert user.rows("copy.db", "SELECT count(*), sum(length(content)) FROM pages") == [(3000, 12_000_000)]


def test_two_at_the_same_time_do_not_get_in_each_others_way(user: User) -> None:
    user.database("shop.db", *SHOP)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "sensei", "migrate", "sqlite:///shop.db", f"sqlite:///{name}.db", "--yes"],
            cwd=user.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    said = [process.communicate() for process in processes]

    assert [process.returncode for process in processes] == [0, 0], said
    for name in ("one.db", "two.db"):
        assert user.rows(name, "SELECT count(*) FROM orders") == [(3,)]
    assert len(list((user.folder / "sensei-results").glob("*/certificate.json"))) == 2


def test_mysql_is_moved_compared_and_certified(user: User, mysql_url: str, postgres_url: str) -> None:
    mysql.run(
        mysql_url,
        [
            "CREATE TABLE customers (id int unsigned PRIMARY KEY AUTO_INCREMENT, name varchar(40), active tinyint(1))",
            """CREATE TABLE orders (id int PRIMARY KEY, customer_id int unsigned NOT NULL, total decimal(9,2),
                FOREIGN KEY (customer_id) REFERENCES customers (id))""",
            "INSERT INTO customers (name, active) VALUES ('Ada', 1), ('Zoë', 0)",
            "INSERT INTO orders VALUES (1, 1, 1.10), (2, 1, NULL), (3, 2, 2)",
        ],
    )

    for target in (postgres_url, "sqlite:///copy.db"):
        said = user.run("migrate", mysql_url, target, "--yes", "--output", "json")

        assert said.code == 0, said.err
        assert str(urlsplit(mysql_url).password) not in said.err + said.out
        result = json.loads(said.out)
        assert (result["status"], result["tables"], result["records_processed"]) == ("completed", 2, 5)
        assert result["validation"]["result"] in {"passed", "passed_with_warnings"}
        certificate = result["certificate"]
        keys = json.loads(Path(certificate["keys_path"]).read_bytes())
        assert check(Path(certificate["path"]).read_bytes(), keys) is Verdict.VALID
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT * FROM customers ORDER BY id").fetchall() == [
            (1, "Ada", True),
            (2, "Zoë", False),
        ]
    assert user.rows("copy.db", "SELECT * FROM orders ORDER BY id") == [(1, 1, "1.10"), (2, 1, None), (3, 2, "2.00")]


def test_mysql_as_a_target_is_refused_in_one_line(user: User, mysql_url: str) -> None:
    user.database("shop.db", *SHOP)

    said = user.run("migrate", "sqlite:///shop.db", mysql_url, "--yes")

    assert said.code != 0
    assert (
        "can read mysql databases, not write them" in said.err or "can be read by this server, not written" in said.err
    )
    assert "Traceback" not in said.err


def test_a_password_is_kept_only_when_it_is_good(connected: User, client: Client) -> None:
    connected.database("shop.db", *SHOP)
    wrong = f"postgresql://nobody:hunter2@127.0.0.1:{closed_port()}/shop"

    said = connected.run("migrate", "sqlite:///shop.db", wrong, "--yes")

    assert said.code == 1, said.err
    assert "hunter2" not in said.out + said.err
    assert not [one for one in client.connections.list(limit=100) if "nobody@" in one.name]
