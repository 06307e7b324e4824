# SPDX-License-Identifier: Apache-2.0
"""Runs every benchmark of this folder, each in a process of its own.

Example: python tests/benchmarks/run_all.py --threads 1 2 --out results
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmarks; returns 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--out", type=Path, help="folder for one JSON file per run")
    parser.add_argument("--only", default="", help="part of the scripts' names")
    arguments = parser.parse_args(argv)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
    failed = []
    scripts = [s for s in sorted(HERE.glob("bench_*.py")) if arguments.only in s.stem]
    for script in scripts:
        for threads in arguments.threads:
            print(f"== {script.stem}, {threads} threads", flush=True)
            command = [sys.executable, str(script), "--threads", str(threads)]
            command += ["--repeat", str(arguments.repeat)]
            if arguments.out:
                name = f"{script.stem}_{threads}.json"
                command += ["--json", str(arguments.out / name)]
            start = time.perf_counter()
            # Some peers obey this variable alone.
            environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
            if subprocess.run(command, env=environment).returncode:
                failed.append(f"{script.stem} with {threads} threads")
            print(f"-- {time.perf_counter() - start:.0f} s", flush=True)
    for name in failed:
        print(f"failed: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
