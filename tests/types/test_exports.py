"""What a user needs in an annotation is found where it is looked for, by people, by Python and by type checkers."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import sensei
import sensei._async.resources
import sensei._sync.resources
import sensei.errors
import sensei.models
import sensei.models.params
from sensei._async.resources._base import AsyncLiveObject, AsyncResource
from sensei._sync.resources._base import LiveObject, Resource
from sensei.models.base import Model

LAZY = [sensei, sensei.models, sensei.models.params]


def imported_for_type_checkers(module: ModuleType) -> set[str]:
    tree = ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))
    found: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.If) and isinstance(statement.test, ast.Name):
            for inner in statement.body:
                assert isinstance(inner, ast.ImportFrom)
                found |= {name.asname or name.name for name in inner.names}
    return found


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def classes_of(package: ModuleType, *bases: type) -> set[str]:
    """The public classes that the modules of a package define."""
    return {
        name
        for module in modules_of(package)
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and issubclass(value, bases)
        and not name.startswith("_")
        and not module.__name__.endswith("._base")
    }


@pytest.mark.parametrize("module", LAZY, ids=lambda module: module.__name__)
class TestLazyModules:
    def test_dir_and_all_are_the_same(self, module: ModuleType) -> None:
        assert dir(module) == sorted(module.__all__)
        assert len(set(module.__all__)) == len(module.__all__)

    def test_every_name_is_there(self, module: ModuleType) -> None:
        assert [name for name in module.__all__ if getattr(module, name, None) is None] == []

    def test_type_checkers_see_the_same_names(self, module: ModuleType) -> None:
        assert imported_for_type_checkers(module) | {"__version__"} == {*module.__all__, "__version__"}

    def test_a_name_that_is_not_there_is_an_attribute_error(self, module: ModuleType) -> None:
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'Clent'"):
            _ = module.Clent


# Parts of resources, which a client has under one name.
PARTS = {"BulkResource", "MigrationActions", "MigrationInsight", "MigrationRecovery", "MigrationSchedules"}


@pytest.mark.parametrize(
    ("package", "bases", "parts"),
    [
        (sensei._sync.resources, (Resource, LiveObject, Model), PARTS),
        (sensei._async.resources, (AsyncResource, AsyncLiveObject, Model), {f"Async{name}" for name in PARTS}),
    ],
    ids=["sync", "async"],
)
def test_every_resource_and_all_that_they_return_are_at_the_top(
    package: ModuleType, bases: tuple[type, ...], parts: set[str]
) -> None:
    assert classes_of(package, *bases) - parts - set(sensei.__all__) == set()


def test_every_error_is_at_the_top() -> None:
    errors = {name for name, value in vars(sensei.errors).items() if inspect.isclass(value) and name[0] != "_"}

    assert {name for name in errors if issubclass(getattr(sensei.errors, name), BaseException)} <= set(sensei.__all__)


def test_every_name_has_its_twin() -> None:
    only_once = {"AsyncPager"}  # a list that was not asked for yet has no sync form
    asynchronous = {name for name in sensei.__all__ if name.startswith("Async")} - only_once

    assert {name.removeprefix("Async") for name in asynchronous} <= set(sensei.__all__)


def test_every_model_is_in_models() -> None:
    known = set(sensei.models.__all__)
    # A page as it comes, an answer as JSON: what no method gives to anyone.
    inner = {"SecretsModel"}

    assert classes_of(sensei.models, Model) - known - inner == set()


def test_every_type_of_an_argument_is_in_params() -> None:
    """All that the signatures of resources take from the modules of arguments."""
    needed: set[str] = set()
    for module in modules_of(sensei._async.resources):
        for node in ast.walk(ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                taken = {name.name for name in node.names}
                if node.module.startswith("sensei.models.params"):
                    needed |= {name for name in taken if not name.endswith("Body")}
                elif node.module == "sensei.models.enums":
                    needed |= {name for name in taken if name.endswith(("Param", "Pattern"))}

    assert len(needed) > 40
    assert needed - set(sensei.models.params.__all__) == set()


def test_names_arrive_on_first_use() -> None:
    program = (
        "import sys, sensei; dir(sensei); sensei.models.params\n"
        "heavy = {'httpx', 'httpcore', 'pydantic', 'anyio', 'typing', 'ssl', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert shown.returncode == 0, shown.stderr
