"""Another client, generated from the contract, does the main job against the reference server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from sensei.testing import LocalServer
from tests.proof.second_client import SecondClient, generate, importable
from tests.proof.shop import make_shop, postgres_place, sqlite_place, what_differs


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the generated client."""
    folder = tmp_path_factory.mktemp("generated")
    generate(folder)
    return folder


@pytest.mark.parametrize("type", ["sqlite", "postgresql"])
def test_a_generated_client_moves_a_database_and_gets_its_certificate(
    generated: Path, tmp_path: Path, make_database: Callable[[], str], type: str
) -> None:
    source = sqlite_place(tmp_path / "source.db")
    make_shop(tmp_path / "source.db", 1_000)
    target = sqlite_place(tmp_path / "target.db") if type == "sqlite" else postgres_place(make_database())

    with (
        importable(generated),
        LocalServer() as server,
        SecondClient(server.url, server.api_key) as client,
    ):
        migration, certificate, story = client.move(source, target)

    assert what_differs(source, target) == []
    assert migration.metrics.records_processed == 1_000
    assert (certificate.migration_id, certificate.status) == (migration.id, "valid")
    assert story.count("event: end\n") == 1


def test_the_comparison_notices_a_changed_row(tmp_path: Path) -> None:
    for name in ("source", "target"):
        make_shop(tmp_path / f"{name}.db", 100)
    with sqlite3.connect(tmp_path / "target.db") as database:
        database.execute("UPDATE visits SET seconds = seconds + 1 WHERE rowid = 7")
    database.close()

    assert len(what_differs(sqlite_place(tmp_path / "source.db"), sqlite_place(tmp_path / "target.db"))) == 1
