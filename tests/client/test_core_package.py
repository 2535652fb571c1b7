"""The package: its names, what importing it loads, and that the sync half follows from the async one."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sensei
from sensei._name_clash import ShadowedPackageWarning, has_unrelated_package, warn_about_name_clash
from sensei.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]


def loaded(program: str) -> set[str]:
    """The modules that are loaded after `program` ran in a fresh interpreter, beyond those of a bare one."""
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys; bare = set(sys.modules)\n{program}\nprint(*set(sys.modules) - bare)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(shown.stdout.split())


class TestImporting:
    def test_the_package_alone_loads_next_to_nothing(self) -> None:
        assert loaded("import sensei; sensei.__version__; dir(sensei)") <= {
            "sensei",
            "sensei._version",
            "__future__",
        }

    def test_a_client_and_its_first_call_load_neither_httpx_nor_the_loop_of_retries(self) -> None:
        # A port that is surely closed: the call fails, which is all that is wanted.
        program = (
            "import sensei\n"
            "client = sensei.Client('sk_test_1', base_url='http://127.0.0.1:1', max_retries=0)\n"
            "try: client.connections.get('conn_1')\n"
            "except sensei.APIConnectionError: pass\n"
            "client.close()"
        )
        modules = loaded(program)
        assert "httpcore" in modules
        assert modules.isdisjoint({"httpx", "tenacity", "httpx_sse", "yaml", "fastapi", "sqlalchemy", "sensei.server"})
        assert not any(name.startswith(("sensei._async", "sensei.server", "sensei.cli")) for name in modules)

    def test_webhooks_work_with_nothing_configured(self) -> None:
        modules = loaded("from sensei.webhooks import verify_signature; verify_signature(b'x', 'sha256=0', 's')")
        assert modules.isdisjoint({"httpcore", "httpx", "pydantic"})


class TestNames:
    def test_every_promised_name_arrives(self) -> None:
        assert len(sensei.__all__) == len(set(sensei.__all__))
        for name in sensei.__all__:
            assert getattr(sensei, name) is not None
            assert name in dir(sensei)
        assert sensei.Sensei is sensei.Client
        assert sensei.AsyncSensei is sensei.AsyncClient

    def test_a_misspelt_name_is_an_error(self) -> None:
        with pytest.raises(AttributeError, match="Clent"):
            _ = sensei.Clent  # type: ignore[attr-defined]

    def test_type_checkers_see_the_same_names(self) -> None:
        tree = ast.parse(Path(sensei.__file__).read_text("utf-8"))
        guarded = next(node for node in tree.body if isinstance(node, ast.If))
        seen = {
            alias.asname or alias.name
            for node in guarded.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert seen == set(sensei.__all__) - {"__version__"}

    def test_every_error_is_at_the_top(self) -> None:
        from sensei import errors

        classes = {
            name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)
        }
        assert classes <= set(sensei.__all__)

    def test_the_unrelated_package_is_noticed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "sensei_sdk-1.0.dist-info").mkdir()
        assert not has_unrelated_package(tmp_path)
        (tmp_path / "sensei-0.3.dist-info").mkdir()
        assert has_unrelated_package(tmp_path)
        monkeypatch.setattr("sensei._name_clash.has_unrelated_package", lambda folder: True)
        warn_about_name_clash.cache_clear()
        with pytest.warns(ShadowedPackageWarning, match="pip uninstall sensei"):
            warn_about_name_clash()
        warn_about_name_clash.cache_clear()

    def test_a_missing_extra_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from sensei._config import read_profile

        monkeypatch.setitem(sys.modules, "yaml", None)
        with pytest.raises(ConfigurationError, match=r"sensei-sdk\[cli\]"):
            read_profile("profiles: {}", None, tmp_path / "config.yaml", {})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one async module, one async test, and what is made of them."""
    source = tmp_path / "sensei" / "_async"
    source.mkdir(parents=True)
    (source / "one.py").write_text(SOURCE)
    tests = tmp_path / "tests" / "client" / "async_core"
    tests.mkdir(parents=True)
    (tests / "test_one.py").write_text(TEST)
    assert run(tmp_path).returncode == 0
    return tmp_path


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "generate_sync.py"
    return subprocess.run(
        [sys.executable, str(script), "--root", str(root), *arguments], capture_output=True, text=True, check=False
    )


SOURCE = '''"""One."""

from collections.abc import Awaitable, Callable

from sensei._async.two import AsyncThing, async_sleep


async def work(fetch: Callable[[], Awaitable[list[int]]]) -> AsyncThing:
    """Use `async with AsyncThing() as thing`, and `await thing.get()`."""
    async with AsyncThing() as thing:
        async for item in thing:
            await async_sleep(item)
        await thing.aclose()
    marker = 1  # sync: marker = 2
    checkpoint = 1  # sync: drop
    return thing


# async only: begin
def awaitable() -> None: ...


# async only: end
'''

TEST = """import pytest

from sensei._async.one import work


@pytest.mark.anyio
async def test_work() -> None:
    await work()


@pytest.mark.parametrize("a", [1])
def test_other(a: int) -> None: ...
"""

EXPECTED = '''# Generated from sensei/_async/one.py by scripts/generate_sync.py: change that file and run the script.
"""One."""

from collections.abc import Callable

from sensei._sync.two import Thing, sleep


def work(fetch: Callable[[], list[int]]) -> Thing:
    """Use `with Thing() as thing`, and `thing.get()`."""
    with Thing() as thing:
        for item in thing:
            sleep(item)
        thing.close()
    marker = 2
    return thing
'''


class TestGenerating:
    def test_the_sync_half_of_this_project_is_up_to_date(self) -> None:
        shown = run(ROOT, "--check")
        assert (shown.stdout, shown.returncode) == ("", 0)

    def test_code_and_docstrings_lose_what_is_async(self, project: Path) -> None:
        assert (project / "sensei" / "_sync" / "one.py").read_text() == EXPECTED
        test = (project / "tests" / "client" / "sync_core" / "test_one.py").read_text()
        assert "anyio" not in test
        assert "def test_work() -> None:\n    work()" in test

    def test_what_is_right_passes(self, project: Path) -> None:
        shown = run(project, "--check")
        assert (shown.stdout, shown.returncode) == ("", 0)

    @pytest.mark.parametrize(
        ("damage", "complaint"),
        [
            (lambda made: made.write_text(made.read_text().replace("marker = 2", "marker = 3")), "differs: {}"),
            (lambda made: made.write_text(made.read_text()[:-20]), "differs: {}"),
            (lambda made: made.write_text(made.read_text() + "\n"), "differs: {}"),
            (lambda made: made.write_text(""), "differs: {}"),
            (lambda made: made.unlink(), "missing: {}"),
            (lambda made: shutil.copy(made, made.with_name("extra.py")), "extra: sensei/_sync/extra.py"),
            (lambda made: shutil.copytree(made.parent, made.parent / "deep"), "extra: sensei/_sync/deep/one.py"),
        ],
        ids=["changed", "truncated", "longer", "emptied", "missing", "extra", "extra below"],
    )  # fmt: skip
    def test_every_kind_of_difference_fails_the_check_and_is_mended(
        self, project: Path, damage: object, complaint: str
    ) -> None:
        made = project / "sensei" / "_sync" / "one.py"
        damage(made)  # type: ignore[operator]
        shown = run(project, "--check")
        assert shown.returncode == 1
        assert complaint.format("sensei/_sync/one.py") in shown.stdout.splitlines()
        assert run(project).returncode == 0
        assert run(project, "--check").returncode == 0

    def test_a_source_that_is_gone_takes_its_sync_half_along(self, project: Path) -> None:
        (project / "sensei" / "_async" / "one.py").unlink()
        assert "extra: sensei/_sync/one.py" in run(project, "--check").stdout
