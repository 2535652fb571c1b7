"""The examples in docstrings give what they say."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import sensei

# Their examples are fragments that stand on a client and on ids; `test_documentation` of either client runs them.
FRAGMENTS = ("sensei._async.", "sensei._sync.")


def source_of(name: str) -> Path:
    path = Path(sensei.__path__[0]).parent / Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def modules_with_examples() -> list[str]:
    names = [found.name for found in pkgutil.walk_packages(sensei.__path__, "sensei.")]
    return [
        name
        for name in names
        if not name.startswith(FRAGMENTS)
        and source_of(name).is_file()
        and ">>> " in source_of(name).read_text(encoding="utf-8")
    ]


def examples_in(source: Path, names: dict[str, object]) -> Iterator[doctest.DocTest]:
    """Those that are written there, whatever the objects say of the module they are of."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text and ">>> " in text:
                where = getattr(node, "name", source.stem)
                yield doctest.DocTestParser().get_doctest(text, dict(names), where, str(source), node.body[0].lineno)


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_hold(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)

    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)

    for example in examples_in(source_of(name), vars(module)):
        runner.run(example)

    assert runner.tries > 0
    assert runner.failures == 0


def test_the_examples_of_the_public_modules_are_among_them() -> None:
    assert {"sensei.certificates", "sensei.testing", "sensei.auth"} <= set(modules_with_examples())
