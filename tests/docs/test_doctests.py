"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import sensei

# Their examples are fragments that stand on a client and on ids; `test_documentation` of either client runs them.
FRAGMENTS = ("sensei._async.", "sensei._sync.")


def modules_with_examples() -> list[str]:
    names = [found.name for found in pkgutil.walk_packages(sensei.__path__, "sensei.")]
    paths = {name: Path(sensei.__path__[0]).parent / Path(*name.split(".")) for name in names}
    return [
        name
        for name, path in paths.items()
        if not name.startswith(FRAGMENTS)
        and any(
            source.is_file() and ">>> " in source.read_text(encoding="utf-8")
            for source in (path.with_suffix(".py"), path / "__init__.py")
        )
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_hold(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)

    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)

    assert result.attempted > 0
    assert result.failed == 0


def test_the_examples_of_the_public_modules_are_among_them() -> None:
    assert {"sensei.certificates", "sensei.testing", "sensei.auth"} <= set(modules_with_examples())
