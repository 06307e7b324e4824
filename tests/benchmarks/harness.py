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


# CPU time of the process counts no other work; with several threads it is their sum.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
_SHORT, _LONG = 1e-3, 10.0


def alternate(
    case: str,
    peers: dict[str, Callable[[], object]],
    repeat: int,
    rows: list[dict],
    *,
    threads: int,
    clock: str = "wall",
) -> None:
    """Times peers in turns, so that a busy machine disturbs all of them alike.

    Each is called once to warm up. Calls below a millisecond are repeated within a
    sample; those above ten seconds are timed once, for their order of magnitude
    says enough. The first peer is the reference of the ratios. Some libraries change
    torch's number of threads: it is set back before every sample.
    """
    now = CLOCKS[clock]
    inner, samples = {}, {}
    for name, function in peers.items():
        torch.set_num_threads(threads)
        function()
        start = now()
        function()
        taken = now() - start
        samples[name] = [taken] if taken > _LONG else []
        inner[name] = 20 if taken < _SHORT else 1
    for _ in range(repeat):
        for name, function in peers.items():
            if samples[name] and samples[name][0] > _LONG:
                continue
            torch.set_num_threads(threads)
            start = now()
            for _ in range(inner[name]):
                function()
            samples[name].append((now() - start) / inner[name])
    reference = statistics.median(samples[next(iter(peers))])
    for name, times in samples.items():
        taken = statistics.median(times)
        row = {"case": case, "peer": name, "ms": 1e3 * taken, "clock": clock}
        row |= {"least_ms": 1e3 * min(times), "ratio": taken / reference}
        rows.append(row)
        print(
            f"{case:42} {name:28} {row['ms']:10.3f} ms (least {row['least_ms']:9.3f}) "
            f"{row['ratio']:8.2f}x",
            flush=True,
        )


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
