# SPDX-License-Identifier: Apache-2.0
"""Timing, tables and JSON that the benchmarks share; no test asserts on times."""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ops"))


def parse(argv: list[str] | None, description: str) -> argparse.Namespace:
    """Common arguments; sets the number of threads."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5, help="timed runs, median")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--mesh", type=Path, action="append", default=[])
    arguments = parser.parse_args(argv)
    torch.set_num_threads(arguments.threads)
    return arguments


def seconds(function: Callable[[], object], repeat: int) -> float:
    """Median wall-clock time of a call, after one warm-up."""
    function()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def race(
    case: str, peers: dict[str, Callable[[], object]], repeat: int, rows: list[dict]
) -> None:
    """Times peers at one task; the first is the reference of the ratios."""
    reference = None
    for name, function in peers.items():
        # Slow peers run once: their order of magnitude says enough.
        slow = name.startswith("torch twin")
        taken = seconds(function, 1 if slow else repeat)
        reference = reference or taken
        row = {"case": case, "peer": name, "ms": 1e3 * taken}
        row["ratio"] = taken / reference
        rows.append(row)
        print(f"{case:42} {name:28} {row['ms']:10.2f} ms {row['ratio']:8.1f}x")


def alternate(
    case: str,
    peers: dict[str, Callable[[], object]],
    repeat: int,
    rows: list[dict],
    *,
    threads: int,
) -> None:
    """Times peers in turns, so that a busy machine disturbs all of them alike.

    Calls below a millisecond are repeated within a sample; the first peer is the
    reference of the ratios. Some libraries change torch's number of threads: it is set
    back before every sample.
    """
    inner, times = {}, {name: [] for name in peers}
    for name, function in peers.items():
        function()
        inner[name] = 1 if seconds(function, 1) > 1e-3 else 20
    for _ in range(repeat):
        for name, function in peers.items():
            torch.set_num_threads(threads)
            start = time.perf_counter()
            for _ in range(inner[name]):
                function()
            times[name].append((time.perf_counter() - start) / inner[name])
    reference = statistics.median(times[next(iter(peers))])
    for name, samples in times.items():
        row = {"case": case, "peer": name, "ms": 1e3 * statistics.median(samples)}
        row["ratio"] = row["ms"] / (1e3 * reference)
        rows.append(row)
        print(f"{case:42} {name:28} {row['ms']:10.3f} ms {row['ratio']:8.1f}x")


def finish(arguments: argparse.Namespace, rows: list[dict]) -> int:
    """Writes the JSON file, if one is wanted."""
    if arguments.json:
        record = {
            "machine": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "threads": arguments.threads,
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")
        print(arguments.json)
    return 0


def meshes(paths: list[Path]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Meshes of files, in the unit cube; without files, spheres of three sizes."""
    from shapes import sphere

    if not paths:
        made = [sphere(0.48, rings) for rings in (23, 71, 224)]
        return {f"sphere ({len(mesh[1])} faces)": mesh for mesh in made}
    from svr3d.io.meshes import load_mesh

    found = {}
    for path in paths:
        mesh = load_mesh(path)
        vertices = torch.from_numpy(mesh.vertices).double()
        low, high = vertices.amin(0), vertices.amax(0)
        vertices = (vertices - (low + high) / 2) / (high - low).max() * 0.96
        name = f"{path.stem[-25:]} ({len(mesh.faces)} faces)"
        found[name] = (vertices, torch.from_numpy(mesh.faces))
    return found
