# SPDX-License-Identifier: Apache-2.0
"""Train a list of configs and draw how their dispersion scores follow."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any

from svr3d.engine.atomic import write_text_atomically
from svr3d.engine.config import add_config_arguments
from svr3d.errors import ConfigError, SVR3DError

if TYPE_CHECKING:
    from svr3d.analysis.dispersion.sweep_plan import SweepPlan, SweepRun

_INPUTS = threading.Lock()
_METRIC = "points/chamfer_x1000"
_EPILOG = """examples:
  svr3d dispersion-sweep configs/dispersion/synthetic_narrow.yml --out work_dirs/sets
  svr3d dispersion-sweep one.py two.py -k 50 --out work_dirs/two
  svr3d dispersion-sweep one.py --vary optim_wrapper.optimizer.lr 1e-3 1e-4 --out lr
Each run trains, is tested, and its training images, training shapes and predictions are
measured. A sweep that was stopped goes on with the same command: finished parts stay.
sweep.json, sweep.md and sweep.png are written; the last line printed is the path of the
first."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train a list of configs and draw how dispersion scores follow.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("sources", nargs="+", metavar="PLAN.yml|CONFIG", help="a plan, or configs")
    add("--vary", nargs="+", metavar=("KEY", "VALUE"), help="an option and its values")
    add("--out", required=True, metavar="DIR", help="folder of all runs")
    add("-k", "--clusters", type=int, help="of the scores (default: the plan's, or 2)")
    add("--seeds", type=int, nargs="+", help="train each run with these seeds")
    add(
        "--sets",
        nargs="+",
        choices=("images", "shapes", "predictions"),
        default=["images", "shapes", "predictions"],
        help="what to measure",
    )
    add("--features", help="of images, as dispersion-score takes them")
    add("--weights", metavar="FILE", help="of the features")
    add(
        "--metrics",
        nargs="+",
        default=[],
        metavar="NAME",
        help="of the test, to draw too (default: points/chamfer_x1000, else the first)",
    )
    add("--gpus", nargs="+", metavar="N", help="train one run on each of these GPUs")
    add(
        "--checkpoint",
        choices=("last", "best"),
        default="last",
        help="which one predicts (default: %(default)s)",
    )
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sweep.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0, or 1 if a run failed; the others are measured and drawn all the same.

    Raises:
        SVR3DError: If the plan is wrong.
    """
    args = _parser().parse_args(argv)

    from svr3d.analysis.dispersion.sweep_plan import TITLES, trend_table, trends
    from svr3d.engine.runner import check_writable
    from svr3d.visualization.dispersion_figures import draw_trends

    plan = make_plan(args)
    out = check_writable(args.out)
    done, failed = run_all(plan, args, out)
    if not done:
        raise SVR3DError("no run of the sweep finished: " + "; ".join(failed))
    shown = [(run, choose_numbers(numbers, args.metrics)) for run, numbers in done]
    found = trends(shown)
    content: dict[str, Any] = {
        "title": plan.title,
        "clusters": plan.clusters,
        "runs": [
            {**vars(run), "options": dict(run.options), "numbers": numbers}
            for run, numbers in done
        ],
        "failed": failed,
    }
    table = trend_table(found)
    write_text_atomically(out / "sweep.md", table + "\n")
    draw_trends(
        {TITLES.get(name, name): series for name, series in found.items()},
        out / "sweep.png",
        xlabel=plan.xlabel,
        title=plan.title,
    )
    print(table)
    for problem in failed:
        print(f"failed: {problem}", file=sys.stderr)
    write_text_atomically(out / "sweep.json", json.dumps(content, indent=1) + "\n")
    print(out / "sweep.json")
    return 1 if failed else 0


def make_plan(args: argparse.Namespace) -> SweepPlan:
    """Return the plan that the arguments name or spell out.

    Raises:
        ConfigError: If they contradict each other.
    """
    import dataclasses

    import yaml

    from svr3d.analysis.dispersion.sweep_plan import read_plan

    first = Path(args.sources[0])
    if first.suffix in (".yml", ".yaml", ".json"):
        if len(args.sources) > 1 or args.vary:
            raise ConfigError(f"{first}: expected a plan alone, without --vary")
        try:
            content = yaml.safe_load(first.read_text())
        except (OSError, yaml.YAMLError) as error:
            raise ConfigError(f"{first}: expected a plan, found: {error}") from error
        folder = first.parent
    else:
        series: dict[str, Any] = {}
        if args.vary and (len(args.sources) > 1 or len(args.vary) < 2):
            raise ConfigError("--vary: expected one CONFIG, a KEY and its values")
        if args.vary:
            key, *values = args.vary
            series = {"config": str(first), "vary": key}
            series["values"] = {value: value for value in values}
        else:
            series["configs"] = {Path(path).stem: path for path in args.sources}
            if len(series["configs"]) < len(args.sources):
                raise ConfigError("configs: expected different names of files")
        content = {"series": {"runs": series}}
        content["xlabel"] = args.vary[0] if args.vary else ""
        folder = Path()
    plan = read_plan(content, folder, source=str(first))
    runs = [
        dataclasses.replace(run, options={**run.options, **args.cfg_options})
        for run in plan.runs
    ]
    if args.seeds:
        single = {(run.series, run.label): run for run in runs}.values()
        runs = [dataclasses.replace(r, seed=s) for r in single for s in args.seeds]
    clusters = args.clusters or plan.clusters
    return dataclasses.replace(plan, runs=tuple(runs), clusters=clusters)


def run_all(
    plan: SweepPlan, args: argparse.Namespace, out: Path
) -> tuple[list[tuple[SweepRun, dict[str, float]]], list[str]]:
    """Train and measure all runs, one at a time or one per GPU.

    Returns:
        Runs with their numbers, and what went wrong with the others.
    """
    free: Queue = Queue()
    for gpu in args.gpus or [None]:
        free.put(gpu)

    def work(run: SweepRun) -> dict[str, float] | str:
        gpu = free.get()
        try:
            return run_one(run, plan, args, out / run.name, gpu)
        except SVR3DError as error:
            return f"{run.name}: {error}"
        finally:
            free.put(gpu)

    with ThreadPoolExecutor(free.qsize()) as pool:
        results = list(zip(plan.runs, pool.map(work, plan.runs), strict=True))
    done = [(run, found) for run, found in results if not isinstance(found, str)]
    return done, [found for _, found in results if isinstance(found, str)]


def run_one(
    run: SweepRun, plan: SweepPlan, args: argparse.Namespace, folder: Path, gpu
) -> dict[str, float]:
    """Train one run and measure it; parts that are finished are only read.

    Returns:
        Scores by set, and the metrics of its test.

    Raises:
        SVR3DError: If a part fails; its output is in ``<part>.log``.
    """
    from svr3d.engine.checkpoint import find_last_checkpoint

    options = [f"{key}={value}" for key, value in run.options.items()]
    tail = ["--cfg-options", *options] if options else []
    environment = dict(os.environ)
    device = "cpu"
    if gpu is not None:
        environment["CUDA_VISIBLE_DEVICES"], device = gpu, "cuda"
    folder.mkdir(parents=True, exist_ok=True)
    check_same(folder / "run.json", {"config": run.config, "options": options})
    trained = folder / "trained.txt"
    if not trained.is_file():
        seed = [] if run.seed is None else ["--seed", str(run.seed)]
        command = ["train", run.config, "--work-dir", str(folder), "--resume"]
        printed = call([*command, *seed, *tail], folder / "train.log", environment)
        # Training prints the best checkpoint, if there is one.
        write_text_atomically(trained, printed + "\n")
    checkpoint = find_last_checkpoint(folder)
    if args.checkpoint == "best":
        checkpoint = Path(trained.read_text().strip())
    if checkpoint is None:
        raise SVR3DError(f"{folder}: expected a checkpoint of the training, found none")
    numbers: dict[str, float] = {}
    for name in args.sets:
        # What goes in is the same for all seeds, and measured once.
        shared = name != "predictions" and run.seed is not None
        target = (folder.parent if shared else folder) / "dispersion" / name
        with _INPUTS if shared else contextlib.nullcontext():
            if not (target / "dispersion.json").is_file():
                source = [run.config]
                extra = [*plan.score_options.get("all", ())]
                extra += plan.score_options.get(name, ())
                if name == "predictions":
                    source.append(str(checkpoint))
                if name == "images":
                    extra += ["--features", args.features] if args.features else []
                    extra += ["--weights", args.weights] if args.weights else []
                command = ["dispersion-score", name, *source, "-k", str(plan.clusters)]
                command += ["--device", device, "--out", str(target), *extra]
                call([*command, *tail], folder / f"{name}.log", environment)
        result = json.loads((target / "dispersion.json").read_text())
        numbers[name] = result["score"]
    tested = folder / "test.json"
    if not tested.is_file():
        command = ["test", run.config, str(checkpoint), "--out", str(tested)]
        command += ["--work-dir", str(folder / "test")]
        call([*command, *tail], folder / "test.log", environment)
    for name, value in json.loads(tested.read_text()).items():
        if isinstance(value, int | float):
            numbers[name] = float(value)
    return numbers


def choose_numbers(
    numbers: dict[str, float], metrics: Sequence[str]
) -> dict[str, float]:
    """Return the scores and some metrics of a test; sweep.json has all of them.

    Raises:
        ConfigError: If a metric is unknown.
    """
    from svr3d.analysis.dispersion.sweep_plan import SETS

    tested = [name for name in numbers if name not in SETS]
    unknown = [name for name in metrics if name not in tested]
    if unknown:
        raise ConfigError(
            f"--metrics: expected some of {', '.join(tested)}, found {unknown[0]}"
        )
    chosen = list(metrics) or [name for name in tested if name == _METRIC] or tested[:1]
    return {name: numbers[name] for name in numbers if name in (*SETS, *chosen)}


def check_same(path: Path, content: dict[str, Any]) -> None:
    """Write what a folder's run is made of, or compare with what stands there.

    Raises:
        ConfigError: If another run is there.
    """
    if path.is_file():
        before = json.loads(path.read_text())
        if before != content:
            raise ConfigError(
                f"{path.parent}: expected the run {before}, found {content}; choose "
                "another --out"
            )
    write_text_atomically(path, json.dumps(content, indent=1) + "\n")


def call(arguments: Sequence[str], log: Path, environment: dict[str, str]) -> str:
    """Run a command of svr3d in a process of its own.

    Returns:
        The last line that it printed.

    Raises:
        SVR3DError: If it fails.
    """
    command = [sys.executable, "-m", "svr3d.cli.main", *arguments]
    print(f"svr3d {' '.join(arguments)}", flush=True)
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, env=environment, check=False
        )
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if process.returncode:
        words = lines[-1] if lines else f"exit code {process.returncode}"
        raise SVR3DError(f"{arguments[0]} failed: {words} (see {log})")
    return lines[-1] if lines else ""


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
