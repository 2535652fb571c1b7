"""Prove what the design promises about reliability, at full size and with figures. CI runs small samples of the same.

    python scripts/prove.py crash --kills 50 --target postgresql   # kill -9 in the middle of the main job
    python scripts/prove.py load --clients 200 --seconds 60        # many clients against the limits of a plan
    python scripts/prove.py effects --calls 10000                  # POSTs against a server that fails by chance
    python scripts/prove.py stream --events 1000000                # a stream that is cut again and again
    python scripts/prove.py pacing --calls 500                     # many calls at once against 50 a second
    python scripts/prove.py workers --state postgresql             # two processes on one state, one is killed
    python scripts/prove.py soak --calls 86400                     # memory, file handles and threads stay flat
    python scripts/prove.py second-client                          # the main job by a generated client

Every run is seeded (--seed) and ends with the figures; the exit code is 1 when a promise did not hold. Needs the [dev]
extra.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.proof import crash, effects, load, pacing, second_client, soak, stream, workers
from tests.proof.serving import KEY, ServerProcess
from tests.proof.shop import make_shop, sqlite_place, what_differs


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, flush=True)


def prove_crash(given: argparse.Namespace, folder: Path) -> list[str]:
    """Fifty kills of the server in the middle of the main job."""
    report = crash.run(folder, kills=given.kills, seed=given.seed, target=given.target, rows=given.rows, say=say)
    say("\n".join(report.kills))
    say(
        f"{len(report.kills)} kills over {report.migrations} migrations sqlite → {given.target} of {given.rows:,} rows "
        f"in {report.seconds:.0f} s: {report.rows:,} rows moved, {report.posts:,} POSTs acknowledged, "
        f"{report.events:,} events streamed, {report.deliveries:,} webhooks received, {report.repeated_deliveries} of "
        "them repeated"
    )
    say("met: " + ", ".join(f"{where} {times}" for where, times in report.met.most_common()))
    return report.problems


def prove_load(given: argparse.Namespace, folder: Path) -> list[str]:
    """Two hundred clients for a minute."""
    report = load.run(folder, clients=given.clients, seconds=given.seconds, seed=given.seed, tier=given.tier, say=say)
    carried = sum(number for status, number in report.statuses.items() if status < 400)
    say(
        f"{report.clients} clients for {report.seconds:.0f} s against {report.limit}/s: {report.calls:,} calls, "
        f"{report.replays:,} of them repetitions with the same key; {carried:,} requests carried out, "
        f"{report.statuses[429]:,} answered 429, others {dict(report.statuses)}"
    )
    say(f"latency p50 {report.percentile(0.5) * 1000:.1f} ms, p99 {report.percentile(0.99) * 1000:.1f} ms")
    say(
        f"memory {min(report.memory) >> 20} to {max(report.memory) >> 20} MiB, "
        f"{report.memory_growth:+.1%} from the second to the last quarter"
    )
    return report.problems


def prove_effects(given: argparse.Namespace, folder: Path) -> list[str]:
    """Ten thousand POSTs under faults."""
    report = effects.run(folder, calls=given.calls, seed=given.seed, rate=given.rate)
    say(
        f"{report.calls:,} POSTs at {given.rate:.0%} faults in {report.seconds:.0f} s: {report.attempts:,} attempts, "
        f"{report.failed_attempts:,} without an answer; {report.answered:,} answered, {report.unknown} of unknown "
        f"outcome and settled with their key, {report.refused} refused; {report.effects:,} effects"
    )
    return report.problems


def prove_stream(given: argparse.Namespace, _folder: Path) -> list[str]:
    """A million events."""
    report = stream.run(events=given.events, cut_every=given.cut_every, seed=given.seed, say=say)
    say(f"{report.received:,} events over {report.connections:,} connections in {report.seconds:.0f} s")
    return report.problems


def prove_pacing(given: argparse.Namespace, folder: Path) -> list[str]:
    """Five hundred calls at once against fifty a second."""
    report = pacing.run(folder, calls=given.calls)
    say(
        f"{report.calls} calls at once against {report.limit}/s in {report.seconds:.1f} s: {report.succeeded} "
        f"succeeded, {report.statuses[429]} of {report.statuses.total()} requests answered 429 "
        f"({report.refused_share:.1%})"
    )
    return report.problems + (["more than 5 % answered 429"] if report.refused_share > 0.05 else [])


def prove_workers(given: argparse.Namespace, folder: Path) -> list[str]:
    """Two processes on one state."""
    report = workers.run(folder, state=given.state, migrations=given.migrations, rows=given.rows)
    say(
        f"two processes on one {given.state} state, {report.migrations} migrations of {given.rows:,} rows at once in "
        f"{report.seconds:.0f} s: the killed process worked on {report.taken_over}, the other one finished them"
    )
    return report.problems


def prove_soak(given: argparse.Namespace, folder: Path) -> list[str]:
    """A day's worth of calls in fast motion."""
    report = soak.run(folder, calls=given.calls, seed=given.seed, say=say)
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in report.calls.most_common())
    say(f"{report.calls.total():,} calls in {report.seconds:.0f} s: {kinds}")
    for side in soak.SIDES:
        memory = ", ".join(f"{quarter / 2**20:.1f}" for quarter in report.quarters(side, "memory"))
        files = ", ".join(f"{quarter:g}" for quarter in report.quarters(side, "files"))
        threads = ", ".join(f"{quarter:g}" for quarter in report.quarters(side, "threads"))
        say(f"{side} by quarter: memory {memory} MiB; file handles {files}; threads {threads}")
    return report.problems


def prove_second_client(given: argparse.Namespace, folder: Path) -> list[str]:
    """The main job by a generated client."""
    second_client.generate(folder)
    source, target = sqlite_place(folder / "source.db"), sqlite_place(folder / "target.db")
    make_shop(folder / "source.db", given.rows)
    with (
        second_client.importable(folder),
        ServerProcess(folder / "state.db") as server,
        second_client.SecondClient(server.url, KEY) as client,
    ):
        migration, certificate, _story = client.move(source, target)
        say(
            f"a generated client moved {migration.metrics.records_processed:,} rows in {client.calls} calls; "
            f"certificate {certificate.id}: {certificate.status}"
        )
    return what_differs(source, target)


Proof = Callable[[argparse.Namespace, Path], list[str]]

PROOFS: dict[str, tuple[Proof, dict[str, int | float | str]]] = {
    "crash": (prove_crash, {"kills": 50, "target": "sqlite", "rows": 30_000}),
    "load": (prove_load, {"clients": 200, "seconds": 60.0, "tier": "starter"}),
    "effects": (prove_effects, {"calls": 10_000, "rate": 0.3}),
    "stream": (prove_stream, {"events": 1_000_000, "cut_every": 1_000}),
    "pacing": (prove_pacing, {"calls": 500}),
    "workers": (prove_workers, {"state": "sqlite", "migrations": 6, "rows": 12_000}),
    "soak": (prove_soak, {"calls": 86_400}),
    "second-client": (prove_second_client, {"rows": 12_000}),
}
"""Each proof with its options and their defaults."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one proof."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="proof", required=True)
    for name, (proof, options) in PROOFS.items():
        command = commands.add_parser(name, help=proof.__doc__)
        command.add_argument("--seed", type=int, default=2026)
        for option, default in options.items():
            command.add_argument("--" + option.replace("_", "-"), type=type(default), default=default)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sensei-proof-") as folder:
        problems = PROOFS[given.proof][0](given, Path(folder))
    for problem in problems[:50]:
        say(f"BROKEN: {problem}")
    say(f"{len(problems)} promises broken" if problems else "every promise held")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
