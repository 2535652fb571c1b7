"""What type checkers make of programs that use the SDK: the right one passes, and every mistake is found.

mypy with `--strict` and pyright in strict mode each read all programs at once. What they must say stands in the
programs of `mistakes`, above the statement that is wrong: `# error: <codes of mypy> | <rules of pyright>`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import BaseModel

import sensei
from sensei import _async, _sync

# Run once, by whichever process takes the group.
pytestmark = pytest.mark.xdist_group("types")

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
PROGRAMS = {mode: FOLDER / f"{mode}_program" / "every_method.py" for mode in ("async", "sync")}
DOCUMENTED = FOLDER / "documented.py"
MISTAKES = sorted((FOLDER / "mistakes").glob("*.py"))
EXPECTED = re.compile(r"\s*# error: (.+) \| (.+)")
# What follows from a name that is not there; the rule that says so is the one that counts.
CONSEQUENCES = re.compile(r"reportUnknown\w+|reportUnusedImport")


class Found(NamedTuple):
    """An error: where, what, and in which words."""

    file: str
    line: int
    code: str
    message: str


def output_of(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr or done.stdout
    return done.stdout


def files() -> list[str]:
    return [str(path) for path in (*PROGRAMS.values(), DOCUMENTED, *MISTAKES)]


@functools.cache
def mypy() -> list[Found]:
    # A user's project has no configuration of this one; the folders have modules of the same name.
    options = ["--config-file=", "--strict", "--no-incremental", "--explicit-package-bases", "--no-error-summary"]
    said = output_of("mypy", *options, "--show-absolute-path", "--hide-error-context", *files())
    matches = re.finditer(r"^(.+?):(\d+): error: (.*?)  \[([\w-]+)\]$", said, re.MULTILINE)
    return [Found(one[1], int(one[2]), one[4], one[3]) for one in matches]


@functools.cache
def pyright() -> list[Found]:
    said = json.loads(output_of("pyright", "--outputjson", "--pythonpath", sys.executable, *files()))
    return [
        Found(one["file"], one["range"]["start"]["line"] + 1, one.get("rule", "?"), one["message"])
        for one in said["generalDiagnostics"]
        if not CONSEQUENCES.fullmatch(one.get("rule", "?"))
    ]


CHECKERS = {"mypy": mypy, "pyright": pyright}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("program", [*PROGRAMS.values(), DOCUMENTED], ids=lambda path: str(path.relative_to(FOLDER)))
def test_what_is_right_passes(checker: str, program: Path) -> None:
    assert [one for one in CHECKERS[checker]() if one.file == str(program)] == []


def test_the_programs_of_the_documentation_pass(tmp_path: Path) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for number, page in enumerate(pages):
        if programs := re.findall(
            r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            (tmp_path / f"page_{number}_{page.stem.replace('-', '_')}.py").write_text("\n".join(programs), "utf-8")

    options = ["--config-file=", "--check-untyped-defs", "--no-incremental", "--no-error-summary"]
    assert output_of("mypy", *options, str(tmp_path)) == ""
    assert len(list(tmp_path.iterdir())) > 12


class Mistake(NamedTuple):
    """A statement that is wrong, and what the checkers are to say of it."""

    file: Path
    first: int
    last: int
    codes: dict[str, set[str]]


def mistakes() -> Iterator[Mistake]:
    for path in MISTAKES:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        statements = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
        for number, line in enumerate(lines, start=1):
            if found := EXPECTED.fullmatch(line):
                (wrong,) = (node for node in statements if node.lineno == number + 1)
                body: list[ast.stmt] = getattr(wrong, "body", [])
                last = body[0].lineno - 1 if body else wrong.end_lineno
                assert last is not None
                codes = {name: set(found[at].split(", ")) for at, name in enumerate(CHECKERS, start=1)}
                yield Mistake(path, number + 1, last, codes)


ALL_MISTAKES = list(mistakes())


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("mistake", ALL_MISTAKES, ids=lambda one: f"{one.file.stem}-{one.first}")
def test_a_mistake_is_found(checker: str, mistake: Mistake) -> None:
    said = {
        one.code
        for one in CHECKERS[checker]()
        if one.file == str(mistake.file) and mistake.first <= one.line <= mistake.last
    }

    assert said == mistake.codes[checker]


@pytest.mark.parametrize("checker", CHECKERS)
def test_nothing_else_is_found(checker: str) -> None:
    expected = {(str(one.file), line) for one in ALL_MISTAKES for line in range(one.first, one.last + 1)}

    assert [one for one in CHECKERS[checker]() if (one.file, one.line) not in expected] == []
    assert len(ALL_MISTAKES) > 100


# Classes with methods that a program cannot miss: all that is named at the top and made by a client.
def subjects(package: object) -> dict[str, type]:
    prefix = "Async" if package is _async else ""
    name = "sensei._async" if package is _async else "sensei._sync"
    found = {one: getattr(sensei, one) for one in sensei.__all__ if one not in {"Sensei", "AsyncSensei"}}
    return {
        one: value
        for one, value in found.items()
        if inspect.isclass(value) and value.__module__.startswith(name) and one.startswith(prefix)
    }


def members(cls: type) -> dict[str, object]:
    """Public methods and properties; of models without those of pydantic, which are not ours to prove."""
    pydantic = set(dir(BaseModel)) if issubclass(cls, BaseModel) else set[str]()
    return {
        name: value
        for name, value in inspect.getmembers_static(cls)
        if not name.startswith("_")
        and name not in pydantic
        and (inspect.isfunction(value) or hasattr(value, "__get__"))
        and not inspect.ismemberdescriptor(value)
    }


class Used(NamedTuple):
    """What the program does with an object of a class."""

    names: set[str]
    arguments: dict[str, set[str]]


def used(program: Path) -> dict[str, Used]:
    """By class: of the function whose argument `it` has that class, the members that it takes and their arguments."""
    found: dict[str, Used] = {}
    for function in ast.parse(program.read_text(encoding="utf-8")).body:
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        it = next((one for one in function.args.args if one.arg == "it"), None)
        if it is None or it.annotation is None:
            continue
        uses = Used(set(), defaultdict(set))
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "it":
                uses.names.add(node.attr)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                given = {word.arg for word in node.keywords if word.arg}
                uses.arguments[node.func.attr] |= given | {str(at) for at in range(len(node.args))}
        annotation = it.annotation.value if isinstance(it.annotation, ast.Subscript) else it.annotation
        found[ast.unparse(annotation)] = uses
    return found


# Every method that calls takes these; they are tried here and there.
EVERYWHERE = {"self", "timeout", "headers", "idempotency_key", "limit", "offset", "token", "prefetch"}


@pytest.mark.parametrize(("package", "mode"), [(_async, "async"), (_sync, "sync")], ids=["async", "sync"])
def test_the_program_uses_every_method_with_every_argument(package: object, mode: str) -> None:
    uses = used(PROGRAMS[mode])
    missing: list[str] = []
    for name, cls in subjects(package).items():
        if name not in uses:
            missing.append(name)
            continue
        for member, value in members(cls).items():
            if member not in uses[name].names:
                missing.append(f"{name}.{member}")
            elif inspect.isfunction(value):
                parameters = list(inspect.signature(value).parameters)[1:]
                given = uses[name].arguments[member]
                missing += [
                    f"{name}.{member}({parameter}=)"
                    for at, parameter in enumerate(parameters)
                    if parameter not in given | EVERYWHERE and str(at) not in given
                ]

    assert missing == []


def test_what_is_used_everywhere_is_used_somewhere() -> None:
    calls = ast.walk(ast.parse(PROGRAMS["sync"].read_text(encoding="utf-8")))
    given = {word.arg for node in calls if isinstance(node, ast.Call) for word in node.keywords}

    assert EVERYWHERE - {"self"} <= given


def test_the_subjects_are_all_that_a_client_gives() -> None:
    for package, prefix in ((_async, "Async"), (_sync, "")):
        found = subjects(package)
        assert {f"{prefix}Client", f"{prefix}Migrations", f"{prefix}Migration", f"{prefix}EventStream"} <= set(found)
        assert len(found) >= 39
    assert importlib.import_module("sensei._sync") is _sync
