"""Every public name says what it is, in the form of the house.

What the methods of clients and resources say is held against the contract in `test_documentation`, and all examples are
run: those of the clients there, the others by `tests/docs/test_doctests.py`.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest
from pydantic import BaseModel
from typing_extensions import is_typeddict

import sensei

MODULES = [
    "sensei",
    "sensei.auth",
    "sensei.certificates",
    "sensei.errors",
    "sensei.models",
    "sensei.models.params",
    "sensei.otel",
    "sensei.testing",
    "sensei.webhooks",
    "sensei.webhooks.django",
    "sensei.webhooks.flask",
    "sensei.webhooks.starlette",
]
# Called by the client alone, on objects that a user only makes.
INNER = {
    *(f"Hooks.notify_{what}" for what in ("failure", "request", "response", "retry")),
    *(f"RateLimiter.{name}" for name in ("admit", "forget", "leave", "observe")),
    "RetryPolicy.delay",
    "RetryPolicy.wants",
    "OAuth2Token.refreshed",
    "errors.error_class",
}


def objects() -> Iterator[tuple[str, Any]]:
    """Every public class and function, once."""
    seen: set[int] = set()
    for name in MODULES:
        module = importlib.import_module(name)
        public = getattr(module, "__all__", None) or [one for one in vars(module) if not one.startswith("_")]
        for one in public:
            value = getattr(module, one)
            ours = getattr(value, "__module__", "").startswith("sensei")
            if ours and (inspect.isclass(value) or inspect.isfunction(value)) and id(value) not in seen:
                seen.add(id(value))
                yield (value.__name__ if one in sensei.__all__ else f"{name}.{one}").removeprefix("sensei."), value


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Its own and inherited public members that are ours."""
    for name, value in inspect.getmembers_static(cls):
        made = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if isinstance(made, property):
            made = made.fget
        elif isinstance(made, cached_property):
            made = made.func
        if issubclass(cls, BaseModel) and hasattr(BaseModel, name):
            continue  # is explained by pydantic
        if not name.startswith("_") and inspect.isfunction(made) and made.__module__.startswith("sensei"):
            yield name, value if isinstance(value, property | cached_property) else made


OBJECTS = dict(objects())
CLASSES = {name: value for name, value in OBJECTS.items() if inspect.isclass(value)}
FUNCTIONS = {name: value for name, value in OBJECTS.items() if inspect.isfunction(value)} | {
    f"{name}.{member}": value for name, cls in CLASSES.items() for member, value in members(cls)
}
CALLABLES = {name: value for name, value in FUNCTIONS.items() if inspect.isfunction(value)}


def constants() -> Iterator[tuple[str, str]]:
    """Every public name that is neither class, function nor module: in which module, and its name."""
    for name in MODULES:
        module = importlib.import_module(name)
        for one in getattr(module, "__all__", []):
            value = getattr(module, one)
            if not (inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value) or one[0] == "_"):
                yield name, one


CONSTANTS = sorted(set(constants()))


def test_all_that_is_public_is_looked_at() -> None:
    assert {
        "Client",
        "AsyncClient",
        "Page",
        "models.MigrationData",
        "webhooks.unwrap",
        "testing.LocalServer",
    } <= OBJECTS.keys()
    assert {
        "Client.request",
        "Page.has_more",
        "Migration.start",
        "Client.migrations",
        "certificates.verify",
    } <= FUNCTIONS.keys()
    assert ("sensei.models.params", "ConnectionConfig") in CONSTANTS
    assert len(OBJECTS) > 300
    assert len(FUNCTIONS) > 600


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for(name: str) -> None:
    assert len(inspect.getdoc(importlib.import_module(name)) or "") > 20


def text_of(name: str) -> str:
    return inspect.getdoc(FUNCTIONS[name]) or ""


def test_every_class_says_what_it_is() -> None:
    assert [name for name, cls in CLASSES.items() if not (cls.__doc__ or "").strip()] == []


def test_the_members_of_data_are_explained() -> None:
    """By the class itself, or by the one that it has them from."""
    missing: list[str] = []
    for name, cls in CLASSES.items():
        # How a database is reached is told by the database's own words.
        if not (issubclass(cls, BaseModel) or is_typeddict(cls)) or name.endswith(("Config", "ConfigUpdate")):
            continue
        fields = cls.model_fields if issubclass(cls, BaseModel) else cls.__annotations__
        told = " ".join(inspect.getdoc(base) or "" for base in cls.__mro__ if base.__module__.startswith("sensei"))
        missing += [f"{name}.{one}" for one in fields if not re.search(rf"\b{one.rstrip('_')}\b", told)]

    assert missing == []


def test_every_function_says_what_it_does() -> None:
    assert [name for name in FUNCTIONS if not text_of(name)] == []


def test_the_parameters_of_every_function_are_explained() -> None:
    missing: list[str] = []
    for name, function in CALLABLES.items():
        form = r"`{}`" if name in INNER and "Args:" not in text_of(name) else r"^    \*{{0,2}}{}: "
        missing += [
            f"{name}({one})"
            for one in inspect.signature(function).parameters
            if one not in {"self", "cls"} and not re.search(form.format(one), text_of(name), re.MULTILINE)
        ]

    assert missing == []


def test_every_function_has_an_example() -> None:
    protocols = {name for name, cls in CLASSES.items() if getattr(cls, "_is_protocol", False)}  # users write these

    silent = [name for name in CALLABLES.keys() - INNER if "Examples:" not in text_of(name)]
    assert sorted(name for name in silent if name.rpartition(".")[0] not in protocols) == []


def test_every_function_says_what_it_returns() -> None:
    silent = [
        name
        for name in CALLABLES.keys() - INNER
        if inspect.signature(CALLABLES[name]).return_annotation not in {None, "None", "NoReturn"}
        and "Returns:" not in text_of(name)
    ]

    assert sorted(silent) == []


MADE_BY_USERS = [
    "Client",
    "AsyncClient",
    "RetryPolicy",
    "RateLimiter",
    "Hooks",
    "webhooks.RecentEvents",
    "testing.LocalServer",
]
MADE_BY_USERS += ["OAuth2ClientCredentials", "OAuth2Token", "ServiceAccount"]


@pytest.mark.parametrize("name", MADE_BY_USERS)
def test_what_a_user_makes_explains_its_arguments_and_has_an_example(name: str) -> None:
    text = inspect.getdoc(CLASSES[name]) or ""

    assert "Examples:" in text
    assert [one for one in inspect.signature(CLASSES[name]).parameters if f"    {one}: " not in text] == []


@pytest.mark.parametrize("cls", [sensei.Client, sensei.AsyncClient])
def test_help_of_a_client_is_of_use(cls: type) -> None:
    assert inspect.getdoc(cls.__init__) == inspect.getdoc(cls)  # type: ignore[misc]
    assert "api_key: the key, or a function" in (inspect.getdoc(cls) or "")


@pytest.mark.parametrize(("module", "name"), CONSTANTS, ids=str)
def test_a_constant_is_explained_where_it_is_defined(module: str, name: str) -> None:
    """By a text after it."""
    if name == "__version__" or isinstance(getattr(importlib.import_module(module), name), enum.Enum):
        return
    sources = [
        inspect.getsource(one)
        for one in (importlib.import_module(module), *_homes(module, name))
        if re.search(rf"^{name}\b[^\n]* = ", inspect.getsource(one), re.MULTILINE)
    ]
    assert sources, f"{name} is defined nowhere"
    assert any(re.search(rf'^{name}\b[^=]*= .*?\n"""', source, re.MULTILINE | re.DOTALL) for source in sources), name


def _homes(module: str, name: str) -> list[Any]:
    homes: dict[str, Any] = getattr(importlib.import_module(module), "_HOME", {})
    if name not in homes:
        return []
    home = homes[name]
    return [importlib.import_module(home if home.startswith("sensei") else f"{module}.{home}")]
