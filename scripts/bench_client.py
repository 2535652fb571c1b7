"""Measure what the client costs above the HTTP library, as ratios to raw httpx in one run.

    python scripts/bench_client.py                    # every case, 5 rounds
    python scripts/bench_client.py get async --rounds 9

Each case runs in a process of its own, interleaved with its base; the client is pinned to one core and the server,
which sends fixed bytes, to another. Ratios are of medians; below 1 is quicker than raw httpx. All code runs from
bytecode, as installed packages do. What is installed beside the SDK counts: httpx loads click and rich where it finds
them, and httpcore loads trio.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

ITEM = {
    "id": "conn_abc123def456",
    "name": "Oracle Production",
    "description": "Main Oracle database - HR and Finance schemas",
    "type": "oracle",
    "role": "source",
    "status": "connected",
    "config": {
        "host": "oracle-prod.company.internal",
        "port": 1521,
        "service_name": "ORCLPDB1",
        "username": "sensei_reader",
        "schemas": ["HR", "FINANCE"],
    },
    "options": {"ssl_mode": "verify-full", "connection_timeout_seconds": 30, "max_connections": 10},
    "tags": ["production", "oracle", "hr-data"],
    "created_at": "2026-02-02T15:00:00Z",
    "updated_at": "2026-02-02T15:00:00Z",
    "last_test": None,
}
EVENTS = 20_000
HEADERS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req_abc123\r\nX-RateLimit-Limit: 100000\r\n"
    b"X-RateLimit-Remaining: 99999\r\nX-RateLimit-Reset: 1900000000\r\n"
)


# The server


def _answer(body: bytes) -> bytes:
    return HEADERS + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _pages() -> dict[bytes, bytes]:
    made: dict[bytes, bytes] = {}
    for offset in range(0, 1000, 100):
        data = [ITEM | {"id": f"conn_{offset + n}"} for n in range(100)]
        place = {"total": 1000, "limit": 100, "offset": offset, "has_more": offset < 900}
        made[str(offset).encode()] = _answer(json.dumps({"data": data, "pagination": place}).encode())
    return made


def _stream(*, chunked: bool) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    lines = [head + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\nretry: 3000\n\n")]
    for number in range(1, EVENTS + 1):
        data = {
            "timestamp": "2026-02-02T16:30:00Z",
            "phase": "data_transfer",
            "percent": 45,
            "phase_percent": 41,
            "records_processed": 4500000,
            "records_total": 18500000,
            "message": "orders: batch 450 of 1100",
        }
        name = "end" if number == EVENTS else "progress"
        data = data | ({"status": "completed"} if name == "end" else {})
        event = f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()
        lines.append(b"%x\r\n%s\r\n" % (len(event), event) if chunked else event)
    return b"".join(lines) + (b"0\r\n\r\n" if chunked else b"")


async def serve(core: int) -> None:
    """Send fixed bytes for whatever is asked, until the process is ended."""
    os.sched_setaffinity(0, {core})
    one, pages, stream = _answer(json.dumps(ITEM).encode()), _pages(), _stream(chunked=False)
    chunks = _stream(chunked=True)

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport, self.heard = transport, b""

        def data_received(self, data: bytes) -> None:
            self.heard += data
            while b"\r\n\r\n" in self.heard:
                head, _, self.heard = self.heard.partition(b"\r\n\r\n")
                target = head.split(b" ", 2)[1]
                if b"/events" in target:
                    self.transport.write(chunks if b"/small/" in target else stream)
                    self.transport.close()
                elif b"limit=100" in target:
                    offset = target.partition(b"offset=")[2].partition(b"&")[0] or b"0"
                    self.transport.write(pages[offset])
                else:
                    self.transport.write(one)

    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# The cases. Each gives seconds; the time of imports and of a first call is outside, unless that is the case.


@dataclass(frozen=True)
class Timer:
    """Seconds of CPU or of the wall since it was made."""

    clock: Callable[[], float]
    begun: float

    @classmethod
    def cpu(cls) -> Timer:
        gc.collect()  # else what the imports left is looked through within the time, in one case and not in the other
        return cls(time.process_time, time.process_time())

    @classmethod
    def wall(cls) -> Timer:
        return cls(time.perf_counter, time.perf_counter())

    def seconds(self) -> float:
        return self.clock() - self.begun


def get_named(url: str) -> float:
    """Raw httpx that gives each request an id, as the SDK does."""
    return get_httpx(url, {"X-Request-Id": "5a3dd1a6-3f42-4d0e-a2a3-0f5f6d1b7c9e"})


def get_httpx(url: str, more: dict[str, str] | None = None) -> float:
    import httpx

    with httpx.Client(headers={"Authorization": "Bearer sk", **(more or {})}) as client:
        client.get(f"{url}/v1/connections/conn_1").json()
        timer = Timer.cpu()
        for _ in range(2000):
            client.get(f"{url}/v1/connections/conn_1").json()
        return timer.seconds()


def get_sensei(url: str) -> float:
    from sensei import Client

    with Client("sk_test_1", base_url=url) as client:
        client.connections.get("conn_1")
        timer = Timer.cpu()
        for _ in range(2000):
            client.connections.get("conn_1")
        return timer.seconds()


def get_adapted(url: str) -> float:
    import httpx

    from sensei import Client

    with httpx.Client() as own, Client("sk_test_1", base_url=url, http_client=own) as client:
        client.connections.get("conn_1")
        timer = Timer.cpu()
        for _ in range(2000):
            client.connections.get("conn_1")
        return timer.seconds()


class _Ready:
    """Stands in for the HTTP library: every request is answered at once, and no bytes move."""

    status_code = 200

    def __init__(self) -> None:
        self.headers = self
        lines = (line.split(b": ") for line in HEADERS.split(b"\r\n")[1:-1])
        self.raw = [(name, value) for name, value in lines]
        self.body = json.dumps(ITEM).encode()

    def send(self, *_request: object) -> _Ready:
        return self

    def pieces(self, _answer: object, **_how: object) -> list[bytes]:
        return [self.body]

    def close(self) -> None:
        pass


def get_above(url: str) -> float:
    """The SDK's own part of a call, without the HTTP library."""
    from sensei import Client

    with Client("sk_test_1", base_url=url) as client:
        client._transport.adapter = _Ready()  # type: ignore[assignment]
        client.connections.get("conn_1")
        timer = Timer.cpu()
        for _ in range(2000):
            client.connections.get("conn_1")
        return timer.seconds()


async def _many(one: Callable[[], object]) -> float:
    await one()  # type: ignore[misc]
    left = 2000

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await one()  # type: ignore[misc]

    timer = Timer.wall()
    await asyncio.gather(*(worker() for _ in range(50)))
    return timer.seconds()


def async_httpx(url: str) -> float:
    import httpx

    async def run() -> float:
        async with httpx.AsyncClient(headers={"Authorization": "Bearer sk"}) as client:

            async def one() -> object:
                return (await client.get(f"{url}/v1/connections/conn_1")).json()

            return await _many(one)

    return asyncio.run(run())


def async_sensei(url: str) -> float:
    from sensei import AsyncClient

    async def run() -> float:
        async with AsyncClient("sk_test_1", base_url=url) as client:
            return await _many(lambda: client.connections.get("conn_1"))

    return asyncio.run(run())


def async_aiohttp(url: str) -> float:
    import aiohttp

    from sensei import AsyncClient

    async def run() -> float:
        async with aiohttp.ClientSession() as own, AsyncClient("sk_test_1", base_url=url, http_client=own) as client:
            return await _many(lambda: client.connections.get("conn_1"))

    return asyncio.run(run())


def list_httpx(url: str) -> float:
    import httpx

    with httpx.Client(headers={"Authorization": "Bearer sk"}) as client:
        client.get(f"{url}/v1/connections", params={"limit": 100, "offset": 0})
        timer = Timer.cpu()
        for _ in range(20):
            for offset in range(0, 1000, 100):
                json.loads(client.get(f"{url}/v1/connections", params={"limit": 100, "offset": offset}).content)
        return timer.seconds()


def list_sensei(url: str) -> float:
    from sensei import Client

    with Client("sk_test_1", base_url=url) as client:
        client.connections.list(limit=100)
        timer = Timer.cpu()
        for _ in range(20):
            assert sum(1 for _ in client.connections.list(limit=100)) == 1000
        return timer.seconds()


def stream_httpx(url: str, migration: str = "large") -> float:
    import httpx

    def read(client: httpx.Client) -> int:
        with client.stream("GET", f"{url}/v1/migrations/{migration}/events") as response:
            return sum(1 for line in response.iter_lines() if line.startswith("data: ") and json.loads(line[6:]))

    with httpx.Client(headers={"Authorization": "Bearer sk"}) as client:
        read(client)
        timer = Timer.cpu()
        assert read(client) == EVENTS
        return timer.seconds()


def stream_sensei(url: str, migration: str = "large") -> float:
    from sensei import Client

    with Client("sk_test_1", base_url=url) as client:
        sum(1 for _ in client.migrations.stream_events(migration))
        timer = Timer.cpu()
        assert sum(1 for _ in client.migrations.stream_events(migration)) == EVENTS
        return timer.seconds()


def small_httpx(url: str) -> float:
    return stream_httpx(url, "small")


def small_sensei(url: str) -> float:
    return stream_sensei(url, "small")


def first_httpx(url: str) -> float:
    return _fresh(f"import httpx\nwith httpx.Client() as c: c.get('{url}/v1/connections/conn_1').json()")


def first_least(url: str) -> float:
    """What pydantic and httpcore take by themselves: one small model, one connection, one answer."""
    port = url.rpartition(":")[2]
    return _fresh(
        "import httpcore, pydantic\n"
        "class M(pydantic.BaseModel):\n    id: str\n"
        f"with httpcore.HTTPConnection(httpcore.Origin(b'http', b'127.0.0.1', {port})) as c:\n"
        f"    M.model_validate_json(c.request('GET', '{url}/v1/connections/conn_1').content)"
    )


def first_sensei(url: str) -> float:
    return _fresh(f"import sensei\nwith sensei.Client('sk', base_url='{url}') as c: c.connections.get('conn_1')")


def import_httpx(_url: str) -> float:
    return _fresh("import httpx")


def import_sensei(_url: str) -> float:
    return _fresh("import sensei")


def import_models(_url: str) -> float:
    return _fresh("import httpx, pydantic\nclass M(pydantic.BaseModel):\n    a: int")


def import_client(_url: str) -> float:
    return _fresh("from sensei import Client")


def command_bare(_url: str) -> float:
    return statistics.median(_run("-c", "") for _ in range(5))


def command_version(_url: str) -> float:
    return _over_bare("-m", "sensei", "--version")


def command_help(_url: str) -> float:
    return _over_bare("-m", "sensei", "migrate", "--help")


def _fresh(program: str) -> float:
    return _over_bare("-c", program)


def _over_bare(*arguments: str) -> float:
    """Wall seconds of an interpreter with these arguments, over those of one that does nothing."""
    _run(*arguments)  # writes the bytecode
    pairs = [(_run(*arguments), _run("-c", "")) for _ in range(5)]
    return statistics.median(ours for ours, _ in pairs) - statistics.median(bare for _, bare in pairs)


def _run(*arguments: str) -> float:
    timer = Timer.wall()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return timer.seconds()


def memory_httpx(url: str) -> float:
    get_httpx_calls(url)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def get_httpx_calls(url: str) -> None:
    import httpx

    with httpx.Client(headers={"Authorization": "Bearer sk"}) as client:
        for _ in range(20_000):
            client.get(f"{url}/v1/connections/conn_1").json()


def memory_sensei(url: str) -> float:
    from sensei import Client

    with Client("sk_test_1", base_url=url) as client:
        for _ in range(20_000):
            client.connections.get("conn_1")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


CASES: dict[str, tuple[str, str, str, str]] = {
    # name: (what, base, case, aim)
    "import": ("import sensei / import httpx", "import_httpx", "import_sensei", "<= 0.3"),
    "import-client": ("from sensei import Client / httpx + a BaseModel", "import_models", "import_client", "<= 1.05"),
    "first": ("import, build, first call answered", "first_httpx", "first_sensei", "<= 1.10"),
    "least": ("the least: pydantic and httpcore alone", "first_httpx", "first_least", ""),
    "get": ("sync GET, validated, CPU", "get_httpx", "get_sensei", "<= 0.65"),
    "above": ("of that, all but the HTTP library", "get_httpx", "get_above", ""),
    "own-client": ("the same through the user's httpx.Client", "get_httpx", "get_adapted", "<= 1.0"),
    "named": ("the same, where httpx sends X-Request-Id as well", "get_named", "get_adapted", ""),
    "async": ("async, 2,000 GETs, 50 at a time, time", "async_httpx", "async_sensei", "<= 0.29"),
    "aiohttp": ("the same through a session of aiohttp", "async_httpx", "async_aiohttp", "<= 0.11"),
    "list": ("listing 1,000 items, 10 pages, CPU", "list_httpx", "list_sensei", "<= 1.3"),
    "stream": ("20,000 events in 64 KiB pieces, validated, CPU", "stream_httpx", "stream_sensei", "<= 1.3"),
    "small": ("20,000 events, each a piece, validated, CPU", "small_httpx", "small_sensei", "<= 1.3"),
    "memory": ("size after 20,000 calls, MB", "memory_httpx", "memory_sensei", "<= 42 MB"),
    "version": ("sensei --version, beside bare Python", "command_bare", "command_version", "<= 0.060 s"),
    "help": ("sensei migrate --help, the same", "command_bare", "command_help", "<= 0.150 s"),
}

NEEDS = {"aiohttp": "aiohttp", "help": "click"}
"""Packages of the extras that cases need."""


def measure(case: str, url: str, core: int) -> float:
    """One case in a process of its own."""
    shown = subprocess.run(
        [sys.executable, __file__, "--case", case, "--url", url, "--core", str(core)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(shown.stdout)


def main() -> None:
    """Run the cases that were asked for and print a table."""
    parser = argparse.ArgumentParser(description="Measure the client against raw httpx.")
    parser.add_argument("names", nargs="*", default=[], help=f"which cases: {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.names) - set(CASES)):
        parser.error(f"there is no case named {', '.join(unknown)}")
    if chosen.serve:
        asyncio.run(serve(chosen.core))
        return
    if chosen.case:
        os.sched_setaffinity(0, {chosen.core})
        print(globals()[chosen.case](chosen.url))
        return
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        compare(chosen.names or list(CASES), chosen.rounds)


def compare(names: list[str], rounds: int) -> None:
    """Print a row for each case."""
    cores = sorted(os.sched_getaffinity(0))
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", "--core", str(cores[-1])], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        print(f"{'':52} {'httpx':>9} {'sensei':>9} {'ratio':>7}  aim")
        for name in names:
            what, base, case, aim = CASES[name]
            if name in NEEDS and find_spec(NEEDS[name]) is None:
                print(f"{what:52} (needs {NEEDS[name]})")
                continue
            times = 1 if name == "memory" else rounds
            pairs = [(measure(base, url, cores[0]), measure(case, url, cores[0])) for _ in range(times)]
            theirs, ours = (statistics.median(values) for values in zip(*pairs, strict=True))
            print(f"{what:52} {theirs:9.3f} {ours:9.3f} {ours / theirs:7.2f}  {aim}", flush=True)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
