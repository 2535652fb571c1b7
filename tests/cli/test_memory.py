"""An unfinished errand is found again by the same command line, and by no other."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from sensei.cli._endpoint import parse_endpoint
from sensei.cli._memory import Memory, errand_for, home


def _errand(
    source: str = "sqlite:///a.db", target: str = "postgresql://ada:s3cret@db/shop", scope: tuple[str, ...] = ()
):
    folder = Path("/work")
    return errand_for(
        "embedded", parse_endpoint(source, folder, role="target"), parse_endpoint(target, folder, role="target"), scope
    )


def test_the_same_errand_is_recalled(tmp_path: Path) -> None:
    Memory(_errand(), tmp_path).keep("mig_1")

    assert Memory(_errand(), tmp_path).recall() == "mig_1"


@pytest.mark.parametrize(
    "other",
    [
        _errand(source="sqlite:///b.db"),
        _errand(target="postgresql://ada@db/other"),
        _errand(target="postgresql://bob@db/shop"),
        _errand(scope=("sales",)),
    ],
)
def test_another_errand_is_not_taken_for_it(tmp_path: Path, other) -> None:
    Memory(_errand(), tmp_path).keep("mig_1")

    assert Memory(other, tmp_path).recall() is None


def test_a_changed_password_makes_no_difference(tmp_path: Path) -> None:
    Memory(_errand(), tmp_path).keep("mig_1")

    assert Memory(_errand(target="postgresql://ada:new@db/shop"), tmp_path).recall() == "mig_1"


def test_nothing_secret_is_kept_and_only_the_owner_can_read_it(tmp_path: Path) -> None:
    Memory(_errand(), tmp_path / "new").keep("mig_1")

    (file,) = (tmp_path / "new").iterdir()
    assert "s3cret" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", ["", "{", "[]", "null", json.dumps({"migration_id": 7}), "\0\0"])
def test_a_damaged_note_counts_as_none(tmp_path: Path, content: str) -> None:
    Memory(_errand(), tmp_path).keep("mig_1")
    (file,) = tmp_path.iterdir()
    file.write_text(content)

    assert Memory(_errand(), tmp_path).recall() is None


def test_a_done_errand_is_forgotten(tmp_path: Path) -> None:
    memory = Memory(_errand(), tmp_path)
    memory.keep("mig_1")
    memory.forget()
    memory.forget()

    assert memory.recall() is None
    assert list(tmp_path.iterdir()) == []


def test_the_home_is_for_its_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert stat.S_IMODE(home().stat().st_mode) == 0o700
