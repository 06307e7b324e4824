# SPDX-License-Identifier: Apache-2.0
"""Peers that take turns, so that other work on the machine slows all of them alike."""

import statistics
import time
from collections.abc import Callable

import torch

# CPU time of the process counts no other work; with several threads it is their sum.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def alternate(
    case: str,
    peers: dict[str, Callable[[], object]],
    repeat: int,
    rows: list[dict],
    *,
    threads: int,
    clock: str = "wall",
) -> None:
    """Prints each peer's median and its ratio to the first, after one warm-up each.

    The number of threads is set before every run: some libraries change it.
    """
    now = CLOCKS[clock]
    times: dict[str, list[float]] = {name: [] for name in peers}
    for turn in range(repeat + 1):
        for name, function in peers.items():
            torch.set_num_threads(threads)
            start = now()
            function()
            if turn:
                times[name].append(now() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    reference = next(iter(medians.values()))
    for name, taken in medians.items():
        row = {"case": case, "peer": name, "ms": 1e3 * taken, "clock": clock}
        row["least_ms"] = 1e3 * min(times[name])
        row["ratio"] = taken / reference
        rows.append(row)
        print(
            f"{case:38} {name:28} {row['ms']:10.2f} ms (least {row['least_ms']:9.2f}) "
            f"{row['ratio']:7.2f}x",
            flush=True,
        )
