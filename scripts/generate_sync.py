"""Write the sync client, and its tests, from the async ones.

    python scripts/generate_sync.py            # write
    python scripts/generate_sync.py --check    # compare whole files and the set of files; exit 1 on any difference

`sensei/_async/` becomes `sensei/_sync/`, and each folder `tests/**/async_x/` becomes `tests/**/sync_x/`. Code is
rewritten token by token: `await` goes, `AsyncThing` becomes `Thing`, `async_thing` becomes `thing`. Where that is not
enough, the async source says what the sync one reads:

    return AsyncPager(fetch)  # sync: return fetch()
    await checkpoint()  # sync: drop
    # async only: begin
    ...
    # async only: end
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NAMES = {
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "_async": "_sync",
    "aclose": "close",
    "aclosing": "closing",
    "asynccontextmanager": "contextmanager",
    "aiter": "iter",
    "aiter_bytes": "iter_bytes",
    "aiter_stream": "iter_stream",
    "anext": "next",
    "enter_async_context": "enter_context",
    "aread": "read",
    "handle_async_request": "handle_request",
    # A list that was not asked for yet has no sync form: the first page is fetched at once.
    "AsyncPager": "Page",
}

_TEXT = (
    (re.compile(r"\basync (?=(with|for|def) )"), ""),
    (re.compile(r"\bawait (?=[\w(])"), ""),
    (re.compile(r"\basyncio\.run\((.*)\)"), r"\1"),
    (re.compile(r"\bAsyncPager\b"), "Page"),
    (re.compile(r"\bAsync(?=[A-Z])"), ""),
    (re.compile(r"\b[Aa]n async client\b"), "a sync client"),
    (re.compile(r"\basync client\b"), "sync client"),
    (re.compile(r"\baclose\b"), "close"),
    (re.compile(r"\btasks\b"), "threads"),
    (re.compile(r"\ba task\b"), "a thread"),
    (re.compile(r"\bsensei\._async\b"), "sensei._sync"),
)

_REPLACED = re.compile(r"^(?P<indent>\s*)\S.*?\s+# sync: (?P<instead>.*)$")
_STRINGS = {tokenize.STRING, tokenize.COMMENT} | {
    getattr(tokenize, name) for name in ("FSTRING_MIDDLE",) if hasattr(tokenize, name)
}


def sync_source(source: str, origin: str) -> str:
    """The sync form of an async module.

    Args:
        source: its text.
        origin: its path, which the sync module names in its first line.
    """
    lines = "".join(_directed(source))
    header = f"# Generated from {origin} by scripts/generate_sync.py: change that file and run the script.\n"
    return header + _rewritten(lines)


def _directed(source: str) -> Iterator[str]:
    """Carry out the directives."""
    skipping = False
    for line in source.splitlines(keepends=True):
        bare = line.strip()
        if bare == "# async only: begin":
            skipping = True
        elif bare == "# async only: end":
            skipping = False
        elif not skipping and bare != "@pytest.mark.anyio":
            found = _REPLACED.match(line)
            if found is None:
                yield line
            elif found["instead"] != "drop":
                yield f"{found['indent']}{found['instead']}\n"


def _rewritten(source: str) -> str:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(place: tuple[int, int]) -> int:
        return starts[place[0] - 1] + place[1]

    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    ]
    pieces: list[str] = []
    done = 0
    closing: list[int] = []  # brackets to leave out, since what was before them is gone
    depth = 0
    for number, token in enumerate(tokens):
        begin, end = offset(token.start), offset(token.end)
        following = tokens[number + 1] if number + 1 < len(tokens) else token
        # Not token.string, which from Python 3.12 on lacks the second of two braces in an f-string.
        text = source[begin:end]
        if token.type == tokenize.OP and text in "([{":
            depth += 1
        elif token.type == tokenize.OP and text in ")]}":
            if closing and closing[-1] == depth:
                closing.pop()
                text = ""
            depth -= 1
        elif token.type == tokenize.NAME:
            if text in {"async", "await"}:
                text, end = "", offset(following.start)
            elif text == "Awaitable" and following.string == "[":
                closing.append(depth + 1)
                depth += 1
                text, end = "", offset(following.end)
            else:
                text = sync_name(text)
        elif token.type in _STRINGS:
            text = sync_text(text)
        if begin < done:  # the bracket after Awaitable, already taken
            depth -= 1
            continue
        pieces += (source[done:begin], text)
        done = end
    return "".join(pieces) + source[done:]


def sync_name(name: str) -> str:
    """The sync form of an identifier."""
    if name in NAMES:
        return NAMES[name]
    if re.match(r"_*Async[A-Z]", name):
        return name.replace("Async", "", 1)
    return re.sub(r"^(_*)async_(?=\w)", r"\1", name)


def sync_text(text: str) -> str:
    """The sync form of a docstring, a comment or a message."""
    for pattern, instead in _TEXT:
        text = pattern.sub(instead, text)
    return text


def sources(root: Path) -> dict[Path, Path]:
    """Each async module and the sync one that is made of it, relative to `root`."""
    pairs: dict[Path, Path] = {}
    folders = [root / "sensei" / "_async", *sorted((root / "tests").glob("**/async_*/"))]
    for folder in folders:
        target = folder.with_name("_sync" if folder.name == "_async" else folder.name.replace("async_", "sync_", 1))
        for file in sorted(folder.rglob("*.py")):
            pairs[file.relative_to(root)] = (target / file.relative_to(folder)).relative_to(root)
    return pairs


def generated(root: Path) -> dict[Path, str]:
    """The text of every sync module, formatted."""
    with tempfile.TemporaryDirectory() as scratch:
        made: list[Path] = []
        for source, target in sources(root).items():
            place = Path(scratch) / target
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(sync_source((root / source).read_text("utf-8"), source.as_posix()), "utf-8")
            made.append(place)
        common = ["--isolated", "--quiet", "--no-cache", "--target-version", "py311", "--line-length", "120"]
        first_party = ["--config", 'lint.isort.known-first-party=["sensei", "tests"]']
        for command in (
            ["check", "--fix", "--exit-zero", "--select", "F401,I", "--ignore", "F811", *first_party],
            ["format"],
        ):
            subprocess.run([sys.executable, "-m", "ruff", *command, *common, scratch], check=True)
        return {place.relative_to(scratch): place.read_text("utf-8") for place in made}


def present(root: Path) -> set[Path]:
    """The sync modules that are there, whether they should be or not."""
    folders = [root / "sensei" / "_sync", *(root / "tests").glob("**/sync_*/")]
    return {file.relative_to(root) for folder in folders for file in folder.rglob("*.py")}


def differences(root: Path) -> list[str]:
    """What is wrong with the sync modules that are there; empty when nothing."""
    wanted = generated(root)
    found = present(root)
    wrong = [f"missing: {path.as_posix()}" for path in sorted(wanted.keys() - found)]
    wrong += [f"extra: {path.as_posix()}" for path in sorted(found - wanted.keys())]
    for path in sorted(wanted.keys() & found):
        if (root / path).read_text("utf-8") != wanted[path]:
            wrong.append(f"differs: {path.as_posix()}")
    return wrong


def write(root: Path) -> list[Path]:
    """Write what differs, remove what is too much, and give what was touched."""
    wanted = generated(root)
    touched: list[Path] = []
    for path, text in wanted.items():
        place = root / path
        if not place.exists() or place.read_text("utf-8") != text:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8")
            touched.append(path)
    for path in present(root) - wanted.keys():
        (root / path).unlink()
        touched.append(path)
    return touched


def main(arguments: list[str] | None = None) -> int:
    """Run the script and give its exit code."""
    parser = argparse.ArgumentParser(description="Write the sync client, and its tests, from the async ones.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on any difference")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of the project")
    chosen = parser.parse_args(arguments)
    if not chosen.check:
        for path in write(chosen.root):
            print(path.as_posix())
        return 0
    wrong = differences(chosen.root)
    for line in wrong:
        print(line)
    if wrong:
        print("run: python scripts/generate_sync.py")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
